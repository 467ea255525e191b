"""One rule of AWS: where it is written, and what in a stack breaks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.support.translated_template import Stack

Find = Callable[[Stack], Iterator[str]]
_DOCS = "https://docs.aws.amazon.com/"


@dataclass(frozen=True)
class Rule:
    """A rule under the name of the function that looks for what breaks it."""

    page: str
    find: Find

    @property
    def name(self) -> str:
        return self.find.__name__

    def findings(self, stack: Stack) -> list[str]:
        """Return what breaks the rule, one sentence each."""
        return [f"{self.name}: {finding}" for finding in self.find(stack)]


RULES: dict[str, Rule] = {}


def rule(page: str) -> Callable[[Find], Find]:
    """Make a rule of AWS of a function that yields what breaks it.

    Args:
        page: Of AWS's documentation, without its host; there the rule is written.
    """

    def register(find: Find) -> Find:
        assert find.__name__ not in RULES, "two rules of one name"
        RULES[find.__name__] = Rule(_DOCS + page, find)
        return find

    return register
