"""That the trial's simulator is reached by nobody but those it is for."""

import re
import subprocess
from typing import Any

from cfnlint.decode import cfn_yaml

from tools.set_up import ROOT

TEMPLATE = ROOT / "tools/trial/simulator.yaml"
RESOURCES: dict[str, dict[str, Any]] = cfn_yaml.load(str(TEMPLATE))["Resources"]


def properties(kind: str) -> dict[str, dict[str, Any]]:
    found = {name: each for name, each in RESOURCES.items() if each["Type"] == kind}
    return {name: each.get("Properties", {}) for name, each in found.items()}


def test_nothing_but_the_vpc_link_reaches_the_instance() -> None:
    groups = properties("AWS::EC2::SecurityGroup")
    rules = {name: group.get("SecurityGroupIngress", []) for name, group in groups.items()}
    assert rules.pop("LinkSecurityGroup") == []
    assert [rule["SourceSecurityGroupId"] for rule in rules.pop("SimulatorSecurityGroup")] == [
        {"Ref": "LinkSecurityGroup"}
    ]
    assert rules == {}
    [instance] = properties("AWS::EC2::Instance").values()
    [interface] = instance["NetworkInterfaces"]
    assert interface["GroupSet"] == [{"Ref": "SimulatorSecurityGroup"}]
    [link] = properties("AWS::ApiGatewayV2::VpcLink").values()
    assert link["SecurityGroupIds"] == [{"Ref": "LinkSecurityGroup"}]


def test_the_controls_are_for_whoever_signs_and_no_other_route_leads_to_them() -> None:
    routes = properties("AWS::ApiGatewayV2::Route").values()
    assert {route["RouteKey"]: route["AuthorizationType"] for route in routes} == {
        "ANY /api/{proxy+}": "NONE",
        "ANY /_sim/{proxy+}": "AWS_IAM",
    }


def test_the_instance_may_read_the_one_archive_and_its_role_is_of_no_use_elsewhere() -> None:
    [role] = properties("AWS::IAM::Role").values()
    [policy] = role["Policies"]
    [statement] = policy["PolicyDocument"]["Statement"]
    assert statement["Action"] == "s3:GetObject"
    assert statement["Resource"]["Fn::Sub"].endswith(":s3:::${ArchiveBucket}/${ArchiveKey}")
    [instance] = properties("AWS::EC2::Instance").values()
    assert instance["MetadataOptions"]["HttpTokens"] == "required"
    assert instance["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] is True


def script() -> str:
    [instance] = properties("AWS::EC2::Instance").values()
    text: str = instance["UserData"]["Fn::Base64"]["Fn::Sub"]
    return re.sub(r"\$\{[A-Za-z:]+\}", "value", text)


def test_the_start_script_is_one_that_bash_can_read() -> None:
    assert "${" not in script()
    read = subprocess.run(["bash", "-n"], input=script(), text=True, capture_output=True)
    assert (read.returncode, read.stderr) == (0, "")


def test_a_forgotten_instance_ends_by_itself() -> None:
    [instance] = properties("AWS::EC2::Instance").values()
    assert instance["InstanceInitiatedShutdownBehavior"] == "terminate"
    assert re.search(r"^shutdown -h \+\d+$", script(), re.MULTILINE)


def test_nothing_of_it_is_retained() -> None:
    assert not [name for name, each in RESOURCES.items() if "DeletionPolicy" in each]
