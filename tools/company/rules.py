"""Evaluates what template.yaml demands of parameters, as CloudFormation does before it starts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

Template = Mapping[str, Any]


def refused(facts: Mapping[str, Any], value: str) -> str | None:
    """Return why the declaration of a parameter refuses a value; None if it does not."""
    if "AllowedValues" in facts:
        allowed = [str(each) for each in facts["AllowedValues"]]
        return None if value in allowed else f"must be one of {', '.join(allowed)}"
    if facts.get("Type") == "Number":
        return _refused_number(facts, value)
    if len(value) > facts.get("MaxLength", len(value)):
        return f"must have at most {facts['MaxLength']} characters"
    if "AllowedPattern" in facts and not re.fullmatch(facts["AllowedPattern"], value):
        return str(facts.get("ConstraintDescription", f"must match {facts['AllowedPattern']}"))
    return None


def broken_rules(template: Template, given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each assertion of a rule that does not hold: a parameter that it names, and its text.

    Args:
        given: The parameters that are given; the others have their defaults.
    """
    defaults = {name: str(facts.get("Default", "")) for name, facts in _parameters(template)}
    values = {**defaults, **given}
    for rule in template["Rules"].values():
        if "RuleCondition" in rule and not holds(rule["RuleCondition"], values):
            continue
        for assertion in rule["Assertions"]:
            if not holds(assertion["Assert"], values):
                named = _named(assertion["Assert"])
                yield (
                    next((each for each in named if each in given), named[0]),
                    str(assertion["AssertDescription"]),
                )


def holds(condition: Any, values: Mapping[str, str]) -> bool:
    """Tell whether a condition of a rule holds.

    Raises:
        ValueError: The condition has a function that this module does not know.
    """
    match condition:
        case {"Fn::Not": [inner]}:
            return not holds(inner, values)
        case {"Fn::And": several}:
            return all(holds(each, values) for each in several)
        case {"Fn::Or": several}:
            return any(holds(each, values) for each in several)
        case {"Fn::Equals": [one, other]}:
            return _value(one, values) == _value(other, values)
        case {"Fn::Contains": [several, one]}:
            return _value(one, values) in [_value(each, values) for each in several]
    raise ValueError(f"an unknown function in a rule: {condition}")


def _refused_number(facts: Mapping[str, Any], value: str) -> str | None:
    if not re.fullmatch(r"-?\d+(\.\d+)?", value):
        return "must be a number"
    least, most = facts.get("MinValue"), facts.get("MaxValue")
    if least is not None and float(value) < least:
        return f"must be at least {least}"
    if most is not None and float(value) > most:
        return f"must be at most {most}"
    return None


def _parameters(template: Template) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield from template["Parameters"].items()


def _value(expression: Any, values: Mapping[str, str]) -> str:
    return values[expression["Ref"]] if isinstance(expression, dict) else str(expression)


def _named(condition: Any) -> list[str]:
    """Return the parameters that a condition names."""
    if isinstance(condition, dict):
        if "Ref" in condition:
            return [str(condition["Ref"])]
        condition = list(condition.values())
    if isinstance(condition, list):
        return [name for each in condition for name in _named(each)]
    return []
