"""template.yaml as SAM's own translator expands it for some parameters."""

from __future__ import annotations

import copy
import json
import subprocess
import tempfile
from collections.abc import Callable
from typing import Any

from tests.support import template
from tests.support.template import ROOT

_PYTHON = ROOT / ".tools" / "sam" / "bin" / "python"
_TRANSLATE = """
import json, sys
from samtranslator.translator.transform import transform

class Managed:
    def load(self):
        names = ("AWSLambdaBasicExecutionRole", "AWSLambdaSQSQueueExecutionRole")
        return {name: f"arn:aws:iam::aws:policy/service-role/{name}" for name in names}

template, parameters = json.load(sys.stdin)
print(json.dumps(transform(template, parameters, Managed())))
"""


def translate(
    change: Callable[[dict[str, Any]], None] = lambda _: None, **parameters: str
) -> dict[str, Any]:
    """Return the resources that CloudFormation gets; their own parameters are still references.

    Args:
        change: Edits the template first, as a commit would.
        parameters: Told to the translator, as CloudFormation tells them to its own.
    """
    document: dict[str, Any] = copy.deepcopy(template.load())
    for resource in document["Resources"].values():
        for name in ("CodeUri", "ContentUri"):
            if name in resource.get("Properties", {}):
                resource["Properties"][name] = "s3://bucket/key"
    change(document)
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            [_PYTHON, "-c", _TRANSLATE],
            input=json.dumps([document, parameters]),
            capture_output=True,
            text=True,
            check=False,
            env={"AWS_DEFAULT_REGION": "eu-west-2", "HOME": home},
        )
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(json.loads(done.stdout)["Resources"])


def of(resources: dict[str, Any], type_: str) -> dict[str, Any]:
    """Return the properties of every resource of a type, by logical id."""
    return {
        name: resource.get("Properties", {})
        for name, resource in resources.items()
        if resource["Type"] == type_
    }
