"""Starts MiniStack with what it gets wrong mended; runs on the interpreter of .tools/stack.

Both mistakes are of the pinned version, and each has a test that fails without its mending.
"""

from collections.abc import Mapping
from typing import Any

from ministack.app import main  # type: ignore[import-not-found]
from ministack.core import iam_actions  # type: ignore[import-not-found]
from ministack.services import lambda_svc  # type: ignore[import-not-found]

BATCHES = {
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
}

_action_of = iam_actions.extract_iam_action
_concurrency_of = lambda_svc._sqs_esm_concurrency  # noqa: SLF001 - there is no other way in


def _action(*arguments: Any) -> str | None:
    """IAM knows no action for a batch; the one for a single message allows it."""
    action: str | None = _action_of(*arguments)
    return BATCHES.get(action or "", action)


def _concurrency(mapping: Mapping[str, Any], *arguments: Any) -> int:
    """A number that came through a template parameter is a string until somebody makes it one."""
    scaling = {name: int(value) for name, value in mapping.get("ScalingConfig", {}).items()}
    limit: int = _concurrency_of({**mapping, "ScalingConfig": scaling}, *arguments)
    return limit


iam_actions.extract_iam_action = _action
lambda_svc._sqs_esm_concurrency = _concurrency  # noqa: SLF001

if __name__ == "__main__":
    main()
