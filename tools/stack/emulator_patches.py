"""Starts MiniStack with corrections; runs on the interpreter of .tools/stack.

Without any one of them, the end-to-end tests fail or take minutes.
"""

import hashlib
import sys
import tempfile
import threading
import types
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ministack import app  # type: ignore[import-not-found]
from ministack.core import iam_actions, iam_evaluator, lambda_runtime  # type: ignore[import-not-found]
from ministack.services import lambda_svc, sqs  # type: ignore[import-not-found]
from ministack.services.cloudformation import changesets, engine, handlers  # type: ignore[import-not-found]
from samtranslator.translator import transform as sam  # type: ignore[import-not-found]

# The rules are this repository's; the functions, which are processes of their own, never see it.
sys.path.append(str(Path(__file__).resolve().parent.parent.parent))
from tools.stack.emulator_metrics import write_metrics
from tools.stack.request_rules import with_rules

BATCHES = {
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
}

_action_of = iam_actions.extract_iam_action
# MiniStack offers no public hooks, so private names are replaced; its version is pinned.
_condition_of = iam_evaluator._resolve_condition_key  # noqa: SLF001
_concurrency_of = lambda_svc._sqs_esm_concurrency  # noqa: SLF001
_transformed = engine._apply_transforms  # noqa: SLF001
_translated = sam.transform
_TRANSLATING = threading.Lock()


def _action(
    service: str, method: str, path: str, headers: Any, body: bytes, query: Mapping[str, Any]
) -> str | None:
    """IAM knows no action for a batch; the one for a single message or object allows it.

    The first object of a DeleteObjects may name a version, as the others may.
    """
    action: str | None = _action_of(service, method, path, headers, body, query)
    if action == "s3:DeleteObject" and method == "POST":
        targets = iam_actions._s3_batch_delete_targets("", body)  # noqa: SLF001
        if targets and targets[0][1]:
            return "s3:DeleteObjectVersion"
    return BATCHES.get(action or "", action)


def _condition(key: str, *arguments: Any) -> Any:
    """Loopback counts as TLS, so that the bucket policies that ask for it can be deployed."""
    return "true" if key.lower() == "aws:securetransport" else _condition_of(key, *arguments)


def _concurrency(mapping: Mapping[str, Any], *arguments: Any) -> int:
    """Convert the value of a template parameter, which is text, to a number."""
    scaling = {name: int(value) for name, value in mapping.get("ScalingConfig", {}).items()}
    limit: int = _concurrency_of({**mapping, "ScalingConfig": scaling}, *arguments)
    return limit


def _with_parameters(
    template: Mapping[str, Any], provided: Any = None, previous: Any = None
) -> Mapping[str, Any]:
    """Pass the parameters to SAM's translator, whose result depends on them."""
    values = engine._transform_parameters(template, provided, previous)  # noqa: SLF001
    with _TRANSLATING:
        sam.transform = lambda document, _, policies: _translated(document, values, policies)
        translated: Mapping[str, Any] = _transformed(template, provided, previous)
    return translated


class SharedArchive(zipfile.ZipFile):
    """An archive that is unpacked once; every further worker gets links to the same files.

    MiniStack unpacks code and layers for each worker anew, and each compiles all of it: on two
    cores that makes a cold start take many seconds, and deleting it all takes as long.
    """

    unpacking = threading.Lock()

    def extractall(self, path: Any = None, *_: Any) -> None:
        """Link what the archive holds into ``path``."""
        contents = sorted((entry.filename, entry.CRC) for entry in self.infolist())
        digest = hashlib.sha256(repr(contents).encode()).hexdigest()[:16]
        unpacked = Path(tempfile.gettempdir()) / f"unpacked-{digest}"
        with self.unpacking:
            if not unpacked.exists():
                super().extractall(unpacked)
        for entry in unpacked.iterdir():
            (Path(path) / entry.name).symlink_to(entry)


iam_actions.extract_iam_action = _action
iam_evaluator._resolve_condition_key = _condition  # noqa: SLF001
lambda_svc._sqs_esm_concurrency = _concurrency  # noqa: SLF001
changesets._apply_transforms = handlers._apply_transforms = _with_parameters  # noqa: SLF001
# MiniStack accepts what AWS refuses: reserved words, 4,097 bytes for KMS, malformed events.
app._dispatch_service_request = with_rules(app._dispatch_service_request)  # noqa: SLF001
lambda_runtime.zipfile = types.SimpleNamespace(**{**vars(zipfile), "ZipFile": SharedArchive})


if __name__ == "__main__":
    write_metrics(lambda_svc, sqs)
    app.main()
