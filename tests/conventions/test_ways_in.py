"""What a company may close, the API's own URL, and may log, the reads of pupils' data."""

import pytest

from tests.support import template
from tests.support.translated_template import deployed

BUCKETS = {"DataBucket": "data", "StagingBucket": "staging"}


def endpoints(**parameters: str) -> dict[str, object]:
    """Return the configuration of the APIs' own URLs; the document of an API names it a server.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-endpoint-configuration.html
    """
    apis = deployed(**parameters).of("AWS::ApiGatewayV2::Api")
    return {
        name: [
            server["x-amazon-apigateway-endpoint-configuration"]
            for server in api["Body"].get("servers", ())
        ]
        for name, api in apis.items()
    }


def test_the_callbacks_own_url_is_open_until_it_is_closed() -> None:
    assert endpoints()["CallbacksApi"] == [{"disableExecuteApiEndpoint": False}]
    closed = endpoints(DefaultEndpoint="disabled", CallbackBaseUrl="https://callbacks.school.app")
    assert closed["CallbacksApi"] == [{"disableExecuteApiEndpoint": True}]
    # The company's own software signs its requests, and has no other URL.
    assert not closed["CompanyApi"]


def test_no_stack_is_deployed_that_nobody_reaches() -> None:
    rule = template.load()["Rules"]["CallbacksKeepOneWayIn"]
    assert rule["RuleCondition"] == {"Fn::Equals": [{"Ref": "DefaultEndpoint"}, "disabled"]}
    (assertion,) = rule["Assertions"]
    assert assertion["Assert"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "CallbackBaseUrl"}, ""]}]}


@pytest.mark.parametrize(("bucket", "folder"), BUCKETS.items())
def test_reads_of_pupils_data_are_logged_where_the_company_says(bucket: str, folder: str) -> None:
    assert "LoggingConfiguration" not in deployed().of("AWS::S3::Bucket")[bucket]
    logged = deployed(ReadLogBucket="logs-of-ours").of("AWS::S3::Bucket")[bucket]
    assert logged["LoggingConfiguration"] == {
        "DestinationBucketName": "logs-of-ours",
        "LogFilePrefix": f"name-of-the-stack/{folder}/",
    }


def test_every_bucket_of_the_stack_can_be_logged() -> None:
    assert set(template.resources("AWS::S3::Bucket")) == set(BUCKETS)
