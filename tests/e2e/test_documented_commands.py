"""Every command line of `xporter-bridge` that a page names is run on a local stack.

The words are those of the page. What stands for a value is replaced by a value that this stack has,
and `--yes` answers the question that a person would answer. The stack is one of its own, because
the commands end what other tests need, such as the token of the authentication URL.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import click
import pytest

from tests.e2e.test_operator import Ended, Operator
from tests.tools.operator.test_documented_commands import arguments_of, named
from tools.demo.context import Journey
from tools.demo.schools import DemoSchool
from tools.operator.main import cli
from tools.set_up import ROOT
from tools.simulator.service.application import Application
from tools.stack.settings import StackSettings
from tools.stack.start import local_stack

pytestmark = pytest.mark.xdist_group("stack")

SCHOOL = DemoSchool("3283101", students=40, seed=15)
OTHER = DemoSchool("3283102", students=10, seed=16)
# What cannot be run here, by its first words, and why.
NOT_RUN = {
    "adopt": "needs a stack that was deleted: tests/tools/operator/test_adopt.py",
    "restore DatasetsTable": "no backup in the emulator: test_operator.py restores from a copy",
    "doctor --stack": "names a stack in an account",
}
# What a command does to the stack, from nothing to the end of the school.
ORDER = (
    "pull", "ask", "trigger", "redrive Pull --rate", "rotate key", "rotate key --drop",
    "rotate token", "rotate token --entered", "invite", "erase person", "erase people",
    "erase lift", "erase school",
)  # fmt: skip
# What a person would end with Ctrl-C ends by itself here; and no page knows this stack's Xporter.
MORE = {
    "tail": ("--for", "0s"),
    "events tail": ("--for", "1s"),
    "rotate key": ("--timeout", "120"),
}
# 1 says that something was found wrong, or that there was nothing to decide.
FINE = {0, 1}


def command_lines() -> list[tuple[str, ...]]:
    """Return each command line of the pages and alarms once; a bare name of a command is none."""
    found = {tuple(arguments_of(text)): text for page, text in named() if not page.endswith(".py")}
    return sorted((words for words in found if is_whole(list(words))), key=rank)


def is_whole(words: list[str]) -> bool:
    """Tell whether a command has the arguments that it cannot do without."""
    command, words = command_of(words)
    if isinstance(command, click.Group) or "--help" in words:
        return False
    is_needed = any(each.required for each in command.params)
    return bool(words) or not is_needed


def command_of(words: list[str]) -> tuple[click.Command, list[str]]:
    command: click.Command = cli
    context = click.Context(command, info_name="xporter-bridge")
    while isinstance(command, click.Group) and words:
        found = command.get_command(context, words[0])
        if found is None:
            break
        command, words = found, words[1:]
    return command, words


def starts_with(words: tuple[str, ...], text: str) -> bool:
    return list(words[: len(text.split())]) == text.split()


def rank(words: tuple[str, ...]) -> int:
    return max(
        (place for place, text in enumerate(ORDER, 1) if starts_with(words, text)), default=0
    )


class Typist:
    """Types the command lines of the pages."""

    def __init__(self, operator: Operator, journey: Journey, folder: Path) -> None:
        self.operator = operator
        self.xporter = (
            "--xporter-url", journey.stack.xporter_url,
            "--relying-party", journey.stack.relying_party,
        )  # fmt: skip
        shutil.copy(ROOT / "samconfig.toml", folder)
        head = operator.run("data", "head", SCHOOL.estab, "students", "Students", "-n1")
        self.values = {
            "3281102": SCHOOL.estab,
            "3281103": OTHER.estab,
            "9919": json.loads(head.out)["Id"],
            "$table": "DatasetsTableName",
            **dict.fromkeys(("../our-bridge", "FOLDER", "company"), str(folder)),
        }

    def type(self, words: tuple[str, ...]) -> Ended:
        if "ID_OF_THE_ERASURE" in words:
            people = self.operator.json("erase", "people", SCHOOL.estab)["people"]
            self.values["ID_OF_THE_ERASURE"] = people[0]["id"]
        typed = [self.values.get(word, word) for word in words]
        command, _ = command_of(typed)
        if any(each.name == "yes" for each in command.params):
            typed.append("--yes")
        for text, more in MORE.items():
            if starts_with(words, text) and not set(more) & set(words) and "--drop" not in words:
                typed += more
        if words[0] == "probe":
            typed += self.xporter
        return self.operator.run(*typed)


@pytest.fixture(scope="module")
def journey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
    settings = StackSettings(directory=tmp_path_factory.mktemp("commands"))
    with local_stack(settings) as stack, closing(Journey.on(stack)) as made:
        yield made


@pytest.fixture(scope="module")
def typist(journey: Journey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Typist]:
    secrets = {}
    for school in (SCHOOL, OTHER):
        founded = journey.simulator.found(school.estab, school.students, school.seed)
        secrets[school.estab] = founded["secret"]
        journey.simulator.authorise(school.estab, install_completed=True)
    for school in (SCHOOL, OTHER):
        journey.wait_for_truth(school)
        journey.wait_for_state(f"/v1/schools/{school.estab}", "live")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STACK_DIR", str(Path(journey.stack.log_file).parent))
        patch.setenv("XPORTER_SECRET", secrets[SCHOOL.estab])
        patch.setenv("XPORTER_MANAGEMENT_SECRET", Application().management_secret)
        patch.chdir(tmp_path_factory.mktemp("typed"))  # some commands write files
        yield Typist(Operator(secrets), journey, tmp_path_factory.mktemp("company"))


def test_every_command_line_of_the_pages_runs(typist: Typist) -> None:
    typed, faults = 0, []
    for words in command_lines():
        if any(starts_with(words, text) for text in NOT_RUN):
            continue
        ended = typist.type(words)
        typed += 1
        if ended.status not in FINE or not (ended.out or ended.err):
            faults.append(f"{' '.join(words)}: {ended.status} {ended.err[-300:]}")
    assert faults == []
    assert typed > 60


def test_what_is_not_run_is_on_a_page() -> None:
    for text in NOT_RUN:
        assert any(starts_with(words, text) for words in command_lines()), text
