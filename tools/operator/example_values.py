"""Recognises parameters that still have a value of README.md instead of the company's own: pure."""

import re
from collections.abc import Mapping

# Domains that nobody has (RFC 2606) or that the pages use, and the account of AWS's documentation.
_EXAMPLE = re.compile(
    r"(?:^|[.@/])(?:(?:example|yourcompany)\.[a-z.]+|[\w.-]+\.example)(?:[:/?]|$)|:123456789012:",
    re.IGNORECASE,
)


def is_example(value: str) -> bool:
    """Tell whether a value is one of an example: no company's deployment works with such a one."""
    return any(_EXAMPLE.search(each.strip()) for each in value.split(","))


def example_values(parameters: Mapping[str, str]) -> list[str]:
    """Return the names of the parameters that have such a value."""
    return [name for name, value in parameters.items() if is_example(value)]
