"""docs/emulators.md names every emulator and every difference that the tests know."""

import json
import re

from tests.support.emulated_aws import DIFFERENCES, SERVICES
from tests.support.template import ROOT

PAGE = (ROOT / "docs/emulators.md").read_text(encoding="utf-8")
LOCK = json.loads((ROOT / "requirements/emulators/package-lock.json").read_text())


def test_the_page_has_the_differences_that_the_tests_expect_and_no_others() -> None:
    rows = re.findall(r"^\| (\S+) \| (.+?) \| `(test_\w+)` \|$", PAGE, flags=re.MULTILINE)
    assert {(emulator, test): what for emulator, what, test in rows} == DIFFERENCES


def test_every_difference_is_of_a_test_that_there_is() -> None:
    tests = "\n".join(path.read_text() for path in (ROOT / "tests/integration").glob("test_*.py"))
    assert [test for _, test in DIFFERENCES if f"def {test}(" not in tests] == []


def test_every_emulator_is_on_the_page() -> None:
    named = PAGE.lower().replace(" ", "-")
    assert [name for name in SERVICES if f"|-{name}-|" not in named] == []


def test_what_npm_installs_is_pinned_by_its_digest_and_by_no_registry() -> None:
    packages = [package for name, package in LOCK["packages"].items() if name]
    assert [package for package in packages if not package.get("integrity")] == []
    assert [package for package in packages if "resolved" in package] == []
    assert all(
        re.fullmatch(r"[\d.]+", each) for each in LOCK["packages"][""]["dependencies"].values()
    )
