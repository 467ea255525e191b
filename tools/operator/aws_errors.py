"""Explains in a sentence what AWS refused: the missing right, or the service without a reply."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from botocore import exceptions as aws

from .errors import (
    AwsRefusedError,
    NotAllowedError,
    NotReachableError,
    OperatorError,
    WrongUseError,
)

_DENIED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AuthorizationError",
        "AuthorizationErrorException",
        "UnauthorizedOperation",
        "KMS.AccessDeniedException",
        "403",
        "Forbidden",
    }
)
_CREDENTIALS = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "RequestExpired",
        "RequestTimeTooSkewed",
        "InvalidSignatureException",
    }
)
_PERFORM = re.compile(r"not authorized to perform:? ([\w-]+:\w+)(?: on resource:? (\S+))?")
_ACCESS_PAGE = "docs/access.md has the policy to ask for"


@contextmanager
def explained() -> Iterator[None]:
    """Raise an error for a person in place of botocore's.

    Raises:
        OperatorError: Saying what AWS refused or why AWS was not reached.
    """
    try:
        yield
    except aws.ClientError as error:
        raise of_client_error(error) from error
    except (aws.NoCredentialsError, aws.PartialCredentialsError) as error:
        raise NotAllowedError(
            "no AWS credentials were found", "set AWS_PROFILE, or give --profile"
        ) from error
    except aws.ProfileNotFound as error:
        raise WrongUseError(str(error), "`aws configure list-profiles` lists yours") from error
    except aws.NoRegionError as error:
        raise WrongUseError("no AWS region is set", "give --region, or set AWS_REGION") from error
    except (aws.HTTPClientError, aws.ConnectionError) as error:
        where = getattr(error, "kwargs", {}).get("endpoint_url") or "AWS"
        raise NotReachableError(
            f"{where} does not answer", "check the network, --region and --endpoint-url"
        ) from error
    except (aws.TokenRetrievalError, aws.SSOError, aws.CredentialRetrievalError) as error:
        raise NotAllowedError(
            "the AWS credentials could not be renewed", "log in again, as with `aws sso login`"
        ) from error
    except aws.BotoCoreError as error:
        raise OperatorError(f"the AWS SDK failed: {error}", "check the options") from error


def is_denied(error: aws.ClientError) -> bool:
    """Tell whether the caller lacks a right."""
    return code_of(error) in _DENIED


def code_of(error: aws.ClientError) -> str:
    """Return AWS's code of the error."""
    return str(error.response.get("Error", {}).get("Code", ""))


def missing_right(error: aws.ClientError) -> str:
    """Return the right that the caller lacks, and on what if AWS says so."""
    message = str(error.response.get("Error", {}).get("Message", ""))
    if found := _PERFORM.search(message):
        resource = f" on {found[2].rstrip('.')}" if found[2] else ""
        return f"{found[1]}{resource}"
    return error.operation_name


def of_client_error(error: aws.ClientError) -> OperatorError:
    """Return the error for a person."""
    code = code_of(error)
    if code in _DENIED:
        return NotAllowedError(f"you are not allowed {missing_right(error)}", _ACCESS_PAGE)
    if code in _CREDENTIALS:
        return NotAllowedError(f"AWS refused your credentials ({code})", "log in again")
    if code in {"Throttling", "ThrottlingException", "TooManyRequestsException", "SlowDown"}:
        return NotReachableError(f"AWS throttles {error.operation_name}", "try again in a minute")
    message = str(error.response.get("Error", {}).get("Message", "")).rstrip(". ")
    return AwsRefusedError(f"AWS refused {error.operation_name} ({code})", message)
