"""Starts MiniStack with what it gets wrong mended; runs on the interpreter of .tools/stack.

The end-to-end tests fail without any of it.
"""

from collections.abc import Mapping
from typing import Any

from ministack.app import main  # type: ignore[import-not-found]
from ministack.core import iam_actions, iam_evaluator  # type: ignore[import-not-found]
from ministack.services import lambda_svc  # type: ignore[import-not-found]

BATCHES = {
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
}

_action_of = iam_actions.extract_iam_action
# There is no way in but through what is private; the version is pinned.
_condition_of = iam_evaluator._resolve_condition_key  # noqa: SLF001
_concurrency_of = lambda_svc._sqs_esm_concurrency  # noqa: SLF001


def _action(*arguments: Any) -> str | None:
    """IAM knows no action for a batch; the one for a single message allows it."""
    action: str | None = _action_of(*arguments)
    return BATCHES.get(action or "", action)


def _condition(key: str, *arguments: Any) -> Any:
    """Loopback counts as TLS, so that the bucket policies that ask for it can be deployed."""
    return "true" if key.lower() == "aws:securetransport" else _condition_of(key, *arguments)


def _concurrency(mapping: Mapping[str, Any], *arguments: Any) -> int:
    """A number that came through a template parameter is a string until somebody makes it one."""
    scaling = {name: int(value) for name, value in mapping.get("ScalingConfig", {}).items()}
    limit: int = _concurrency_of({**mapping, "ScalingConfig": scaling}, *arguments)
    return limit


iam_actions.extract_iam_action = _action
iam_evaluator._resolve_condition_key = _condition  # noqa: SLF001
lambda_svc._sqs_esm_concurrency = _concurrency  # noqa: SLF001

if __name__ == "__main__":
    main()
