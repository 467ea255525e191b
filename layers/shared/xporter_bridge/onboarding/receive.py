"""Stores an authentication callback."""

from __future__ import annotations

import base64
from datetime import datetime

from xporter_bridge.aws.sqs import Queue
from xporter_bridge.callbacks.bodies import fields_of
from xporter_bridge.callbacks.request import CallbackRequest
from xporter_bridge.callbacks.signing_keys import SigningKeys
from xporter_bridge.errors import CallbackRejectedError
from xporter_bridge.onboarding.messages import SchoolAuthorised
from xporter_bridge.onboarding.payloads import read_authentication
from xporter_bridge.onboarding.transit_encryption import TransitEncryption


def accept_authentication(
    request: CallbackRequest,
    *,
    tokens: SigningKeys,
    seal: TransitEncryption,
    queue: Queue,
    now: datetime,
) -> str:
    """Store an authentication callback and return the estab that it names.

    The secret is encrypted before it is stored. The contact's e-mail address is not needed and not
    stored. The consumer uses the secret to verify that the callback is genuine.

    Raises:
        CallbackRejectedError: 404 without our path token, 400 for an unusable body.
        TransientError: The callback could not be stored; the sender should try again.
    """
    if not tokens.has_token(request.path_parameters.get("token", "")):
        raise CallbackRejectedError(404, "wrong_authentication_token")
    said = read_authentication(fields_of(request.body))
    queue.send(
        SchoolAuthorised(
            said.estab,
            sealed_secret=base64.b64encode(seal.seal(said.estab, said.secret)).decode(),
            relying_party=said.relying_party,
            school_name=said.school_name,
            is_installed=said.is_installed,
            has_completed_install=said.has_completed_install,
            received_at=now,
        ).body()
    )
    return said.estab
