"""Says in words why a pull failed: the reason is a token for logs, and people read a sentence."""

from __future__ import annotations

import re

_WORDS = (
    (r"xporter_429|rate_limited", "Xporter limits how often we may ask"),
    (r"xporter_(5\d\d|timeout|\w*unreachable|connection\w*)", "Xporter is down or too slow"),
    (r"xporter_(answer_cut|exception)", "Xporter answered with an error or half an answer"),
    (r"xporter_\w+", "Xporter does not answer as it should"),
    (r"data_not_ready|answer_without_tables", "Xporter does not have the data yet"),
    (r"fresh_token_refused|token_\w+|secret_refused", "Xporter refuses our access"),
    (r"\w+_changed|pages_kept_moving", "the data of the school changed during every attempt"),
    (r"deletion_unmet|identity_repeated|row_count_not_met", "its changes do not fit what we hold"),
    (r"unexpected_fault", "a fault of ours"),
    (r"school_\w+", "the state of the school forbids it"),
    (r"not_configured", "it is not configured any more"),
    (r"column_added_to_frozen_dataset: .*|too_many_columns: .*", "Xporter sent new columns"),
    (r"(dynamodb|s3|kms|sqs|events):.*", "a service of AWS failed"),
)


def in_words(reason: str) -> str:
    """Return the reason of a failure for a person, without tokens; empty for no reason."""
    if not reason:
        return ""
    for pattern, words in _WORDS:
        if re.fullmatch(pattern, reason):
            return words
    return "Xporter answered as no known version of it does"
