"""Reads a template of CloudFormation, whose short forms (`!Ref`) YAML does not know."""

from pathlib import Path
from typing import Any

import yaml


class _Template(yaml.SafeLoader):
    """Reads CloudFormation's short forms as their long ones."""


def _long_form(loader: _Template, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        text = loader.construct_scalar(node)
        return {name: text.split(".", 1) if suffix == "GetAtt" else text}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)
    return {name: loader.construct_mapping(node, deep=True)}


_Template.add_multi_constructor("!", _long_form)


def read_template(path: Path) -> dict[str, Any]:
    """Return the template of a file.

    Raises:
        OSError: The file cannot be read.
        yaml.YAMLError: The file is no YAML.
    """
    document: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), _Template)
    return document
