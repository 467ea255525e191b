"""The stack that the template makes in a real account, against AWS's own rules."""

import copy
import re
from functools import cache

import botocore.session
import pytest

from tests.support import translated_template
from tests.support.template_rules import RULES
from tests.support.template_rules.broken import BROKEN
from tests.support.translated_template import Stack


@cache
def prod(name: str = translated_template.STACK) -> Stack:
    return translated_template.prod(name)


@pytest.mark.parametrize("name", RULES)
def test_the_stack_of_production_keeps_the_rule(name: str) -> None:
    assert RULES[name].findings(prod()) == []


@pytest.mark.parametrize("name", RULES)
def test_a_stack_with_the_longest_name_keeps_the_rule_too(name: str) -> None:
    # Lambda's names are the shortest: 64 characters, 23 of which are our own.
    assert RULES[name].findings(prod("a" * 41)) == []


@pytest.mark.parametrize("name", RULES)
def test_a_stack_that_breaks_the_rule_is_found_out(name: str) -> None:
    for change in BROKEN[name]:
        stack = copy.deepcopy(prod())
        change(stack)
        assert RULES[name].findings(stack), "the rule lets it through"


@pytest.mark.parametrize("name", RULES)
def test_a_rule_names_the_page_that_says_so(name: str) -> None:
    assert RULES[name].page.startswith("https://docs.aws.amazon.com/")
    assert RULES[name].page.endswith(".html")


@pytest.mark.parametrize("name", sorted(prod().of("AWS::SecretsManager::Secret")))
def test_secrets_manager_generates_every_secret_of_the_template(name: str, aws: None) -> None:
    asked = prod().of("AWS::SecretsManager::Secret")[name]["GenerateSecretString"]
    client = botocore.session.get_session().create_client("secretsmanager")
    made = client.get_random_password(**asked)["RandomPassword"]
    assert re.fullmatch(r"[A-Za-z0-9]{43}", made)
