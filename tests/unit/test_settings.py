from dataclasses import dataclass

import pytest

from xporter_bridge.errors import ConfigurationError
from xporter_bridge.settings import EnvironmentSettings


# Annotations as text, as every settings module has them.
@dataclass(frozen=True)
class Settings(EnvironmentSettings):
    queue_url: "str"
    deadline_seconds: "int"
    rate: "float" = 0.5


FULL = {"QUEUE_URL": "https://queue", "DEADLINE_SECONDS": "720", "RATE": "0.25"}


def test_each_field_is_the_variable_of_its_name_in_its_type() -> None:
    assert Settings.from_env(FULL) == Settings("https://queue", 720, 0.25)


def test_a_default_stands_for_what_is_not_set() -> None:
    assert Settings.from_env({**FULL, "RATE": ""}) == Settings("https://queue", 720, 0.5)


def test_everything_missing_is_named_at_once() -> None:
    with pytest.raises(ConfigurationError) as error:
        Settings.from_env({"UNRELATED": "x"})
    assert str(error.value) == "QUEUE_URL is missing; DEADLINE_SECONDS is missing"


def test_an_empty_variable_is_a_missing_one() -> None:
    with pytest.raises(ConfigurationError, match=r"^QUEUE_URL is missing$"):
        Settings.from_env({**FULL, "QUEUE_URL": ""})


def test_a_value_of_the_wrong_type_is_named_and_not_shown() -> None:
    with pytest.raises(ConfigurationError) as error:
        Settings.from_env({**FULL, "DEADLINE_SECONDS": "twelve"})
    assert str(error.value) == "DEADLINE_SECONDS is not of type int"
