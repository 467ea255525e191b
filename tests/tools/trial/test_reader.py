"""Who a trial says that reads the data of its stack: the caller, as a key's policy knows it."""

import pytest

from tools.trial.bridge import reader_of


@pytest.mark.parametrize(
    ("caller", "reader"),
    [
        ("arn:aws:iam::123456789012:user/me", "arn:aws:iam::123456789012:user/me"),
        (
            "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Admin_1a/me@example.org",
            "arn:aws:iam::123456789012:role/*AWSReservedSSO_Admin_1a",
        ),
    ],
)
def test_the_caller_of_a_trial_is_named_by_user_or_role(caller: str, reader: str) -> None:
    assert reader_of(caller) == reader
