"""Encodes the saved queries of Logs Insights as resources of the template."""

import json
from typing import Any

import yaml

from tools.dashboards.expansion import Expansion

QUERIES = "dashboards/queries.yaml"
BEGIN = f"  # begin: written by `make dashboard` from {QUERIES}\n"
END = f"  # end: written by `make dashboard` from {QUERIES}\n"


def with_queries(template: str, source: str) -> str:
    """Return the template with the queries of ``source`` between the two marker lines.

    Raises:
        ValueError: The template does not contain each marker exactly once.
    """
    if template.count(BEGIN) != 1 or template.count(END) != 1:
        raise ValueError(f"template.yaml needs these two lines exactly once:\n{BEGIN}{END}")
    before, rest = template.split(BEGIN)
    after = rest.split(END)[1]
    expansion = Expansion.of(template)
    queries = yaml.safe_load(source).items()
    body = "\n".join(_resource(name, query, expansion) for name, query in queries)
    return before + BEGIN + body + END + after


def _resource(name: str, query: dict[str, Any], expansion: Expansion) -> str:
    groups = ", ".join(f"!Ref {group}" for group in expansion.log_groups(query["groups"]))
    text = "".join(f"        {line}\n" for line in query["query"].splitlines())
    title = json.dumps(f"${{AWS::StackName}}/{query['name']}")
    return (
        f"  {name}: # {query['name'][0].lower()}{query['name'][1:]}\n"
        "    Type: AWS::Logs::QueryDefinition\n"
        "    Condition: IsCloud # the emulator knows no saved queries\n"
        "    Properties:\n"
        f"      Name: !Sub {title}\n"
        f"      LogGroupNames: [{groups}]\n"
        f"      QueryString: |-\n{text}"
    )
