from pathlib import Path

from tools.set_up import ROOT
from tools.stack.settings import StackSettings


def test_an_empty_environment_means_any_free_port_and_the_simulator() -> None:
    assert StackSettings.from_env({}) == StackSettings()


def test_a_variable_that_is_set_to_nothing_counts_as_unset() -> None:
    environment = {"XPORTER_URL": "", "API_PORT": "", "STACK_DIR": "", "RELYING_PARTY": ""}
    assert StackSettings.from_env(environment) == StackSettings()


def test_every_setting_is_read() -> None:
    environment = {
        "XPORTER_URL": "http://127.0.0.1:9/",
        "RELYING_PARTY": "other.example.app",
        "LOG_LEVEL": "DEBUG",
        "CALLBACKS_PORT": "1",
        "API_PORT": "2",
        "AWS_PORT": "3",
        "SIMULATOR_PORT": "4",
        "STACK_DIR": "here",
    }
    assert StackSettings.from_env(environment) == StackSettings(
        xporter_url="http://127.0.0.1:9",
        relying_party="other.example.app",
        log_level="DEBUG",
        callbacks_port=1,
        api_port=2,
        aws_port=3,
        simulator_port=4,
        directory=ROOT / "here",
    )


def test_an_absolute_directory_is_taken_as_it_is(tmp_path: Path) -> None:
    assert StackSettings.from_env({"STACK_DIR": str(tmp_path)}).directory == tmp_path


def test_make_help_lists_every_setting() -> None:
    makefile = (ROOT / "Makefile").read_text()
    names: set[str] = set()

    class Recorder(dict[str, str]):
        def get(self, name: str, default: object = None) -> str:  # type: ignore[override]
            names.add(name)
            return ""

    StackSettings.from_env(Recorder())
    assert names
    assert [name for name in names if name not in makefile] == []
