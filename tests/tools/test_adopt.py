"""What `tools/operator/adopt.py` hands to CloudFormation; it runs on SAM's own interpreter."""

import json
import subprocess
from typing import Any

from tests.support import template
from tests.support.template import ROOT

_PREPARE = """
import json, runpy
readopt = runpy.run_path("tools/operator/adopt.py")
template = readopt["kept"]()
physical = {name: "physical-" + name for name in template["Resources"]}
print(json.dumps([template, readopt["imported"](template, physical)]))
"""


def prepared() -> Any:
    python = ROOT / ".tools/sam/bin/python"
    done = subprocess.run(
        [python, "-c", _PREPARE], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_everything_that_is_kept_is_imported_as_the_template_has_it() -> None:
    document, resources = prepared()
    kept = {
        name: resource
        for name, resource in template.load()["Resources"].items()
        if resource.get("DeletionPolicy") == "RetainExceptOnCreate"
    }
    assert document["Resources"] == json.loads(json.dumps(kept))
    assert set(document["Parameters"]) == {"DataReaderArns", "Stage", "WritebackSenderArns"}
    assert set(document["Conditions"]) == {"HasDataReaders", "HasWritebackSenders", "IsCloud"}
    assert {each["LogicalResourceId"] for each in resources} == set(kept)
    for each in resources:
        assert each["ResourceType"] == kept[each["LogicalResourceId"]]["Type"]
        assert list(each["ResourceIdentifier"].values()) == [
            f"physical-{each['LogicalResourceId']}"
        ]
