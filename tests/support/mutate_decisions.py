"""``make mutants``: changes the modules that decide, one place at a time, and runs their tests.

A change that no test notices survives: a test is missing, or the change makes no difference, which
``surviving_mutants.toml`` then explains. Mutmut makes the changes, in a copy in ``.local/mutants``,
and runs for each the unit tests that reach the changed function. ``docs/mutants.md`` is written
from the results, and says of each module when and at which commit it was measured.
"""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tools.set_up import ROOT

PACKAGE = ROOT / "layers/shared/xporter_bridge"
PLACE = ROOT / ".local/mutants"
RESULTS = ROOT / ".local/mutants.json"
LOG = ROOT / ".local/mutants.log"
PAGE = ROOT / "docs/mutants.md"
REASONS = Path(__file__).with_name("surviving_mutants.toml")
MUTMUT = ROOT / ".tools/mutants/bin/python"
GOAL_PERCENT = 85

# The modules that decide, by what they decide.
DECISIONS = {
    "signatures": ("callbacks/signed_urls", "callbacks/signing_keys"),
    "callbacks": (
        "availability/db_status",
        "availability/read_callback",
        "callbacks/bodies",
        "callbacks/request",
        "writebacks/read_callback",
    ),
    "scopes": ("xporter/scopes",),
    "erasure": ("erasure/certificate", "erasure/tombstone", "schools/erased_people"),
    "transitions": (
        "availability/model",
        "pulls/model",
        "schools/model",
        "writebacks/transitions",
    ),
    "hold": ("datasets/hold_limits", "pulls/hold"),
    "merge": ("snapshots/merge", "snapshots/merge_by_row"),
}
# Tests beside those of the module's package in ``tests/unit``.
MORE_TESTS = {
    "availability/read_callback": ("tests/unit/test_hostile_answers.py",),
    "callbacks/bodies": ("tests/unit/test_hostile_answers.py", "tests/unit/onboarding"),
    "callbacks/request": ("tests/unit/test_entrypoints.py",),
    "pulls/hold": ("tests/unit/datasets",),
    "datasets/hold_limits": ("tests/unit/pulls",),
    "schools/erased_people": ("tests/unit/erasure",),
}
_COPIED = ("tests", "tools", "functions", "layers", "template.yaml", "pyproject.toml")
_KILLED, _SURVIVED, _TIMED_OUT = (1, 3), (0, 33), (24, 36, 152, 255, -24)
# What mutmut leaves alone; assigned instead of written above the function, it has the same effect.
# Characters of a line that are shown before and after what differs.
_SHOWN_AROUND = 40
_DECORATORS = {"property", "cache", "contextmanager"}


@dataclass(frozen=True)
class Survivor:
    """A change that no test noticed: the function, its line before, and after; "" if it is gone."""

    function: str
    before: str
    after: str


@dataclass(frozen=True)
class Measured:
    """What one module came to; a mutant that never ends is killed by its time limit."""

    commit: str
    date: str
    killed: int
    survivors: list[Survivor]

    @property
    def mutants(self) -> int:
        """Return how many changes were tried."""
        return self.killed + len(self.survivors)


def main(arguments: Sequence[str]) -> int:
    """Measure the modules that are named, or all; return 1 if too few mutants were killed."""
    modules = [each for group in DECISIONS.values() for each in group]
    if unknown := set(arguments) - set(modules):
        sys.exit(f"these are not decision modules: {' '.join(sorted(unknown))}")
    results = read_results()
    for module in arguments or modules:
        began = time.monotonic()
        try:
            results[module] = made = measure(module)
        finally:
            shutil.rmtree(PLACE, ignore_errors=True)  # conventions look at every file in here
        RESULTS.write_text(json.dumps({name: asdict(each) for name, each in results.items()}))
        seconds = time.monotonic() - began
        _say(f"{module}: {made.killed} of {made.mutants} killed, {seconds:.0f} s")
        for survivor in made.survivors:
            _say(f"  {survivor.function}:\n    - {survivor.before}\n    + {survivor.after}")
    if all(module in results for module in modules):
        PAGE.write_text(page({module: results[module] for module in modules}))
    killed, mutants = (sum(getattr(each, name) for each in results.values()) for name in _TOTALS)
    return int(killed * 100 < mutants * GOAL_PERCENT)


_TOTALS = ("killed", "mutants")


def read_results() -> dict[str, Measured]:
    """Return what was measured before, by module."""
    if not RESULTS.exists():
        return {}
    return {
        name: Measured(**{**each, "survivors": [Survivor(**one) for one in each["survivors"]]})
        for name, each in json.loads(RESULTS.read_text()).items()
    }


def measure(module: str) -> Measured:
    """Change one module in every way, and run the tests that reach each change."""
    _copy(module)
    environment = {
        **os.environ,
        # The tests run on what .venv holds; mutmut, from its own environment, calls pytest there.
        "PYTHONPATH": str(next((ROOT / ".venv/lib").glob("python*/site-packages"))),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [str(MUTMUT), "-m", "mutmut", "run", "--max-children", "1"]
    with LOG.open("w") as log:
        subprocess.run(command, cwd=PLACE, env=environment, stdout=log, stderr=log, check=False)
    source = PLACE / f"mutants/xporter_bridge/{module}.py"
    meta = source.with_name(f"{source.name}.meta")
    if not meta.exists():
        sys.exit(f"mutmut failed, as {LOG} says")
    status = json.loads(meta.read_text())["exit_code_by_key"]
    verdicts = Counter(map(_verdict, status.values()))
    if not status or verdicts["unknown"]:
        sys.exit(f"{module}: {dict(Counter(status.values()))}, as {LOG} says")
    functions = _functions(source.read_text())
    survivors = [
        _survivor(name.rpartition(".")[2], functions)
        for name, code in status.items()
        if _verdict(code) == "survived"
    ]
    commit, date = _git("rev-parse", "--short", "HEAD"), time.strftime("%Y-%m-%d")
    return Measured(commit, date, verdicts["killed"], survivors)


def page(results: dict[str, Measured]) -> str:
    """Return ``docs/mutants.md``."""
    rows, listed = [], []
    reasons = tomllib.loads(REASONS.read_text())["mutant"] if REASONS.exists() else []
    for group, modules in DECISIONS.items():
        for module in modules:
            each = results[module]
            share = f"{each.killed * 100 / each.mutants:.1f} %"
            rows.append(
                f"| {group} | `{module}` | {each.mutants} | {each.killed} | {share}"
                f" | {each.date} | {each.commit} |"
            )
            for survivor in each.survivors:
                reason = _reason(module, survivor, reasons)
                listed.append(
                    f"| `{module}` | `{survivor.function}` | {_code(survivor.before)}"
                    f" | {_code(survivor.after)} | {reason} |"
                )
    killed, mutants = (sum(getattr(each, name) for each in results.values()) for name in _TOTALS)
    return _PAGE.format(
        killed=killed,
        mutants=mutants,
        share=f"{killed * 100 / mutants:.1f}",
        rows="\n".join(rows),
        survivors="\n".join(listed),
    )


def assigned_decorators(code: str) -> str:
    """Return a module whose decorated functions are plain ones, decorated by an assignment."""
    lines = code.splitlines()
    for node in sorted(_decorated(ast.parse(code)), key=lambda each: -each.lineno):
        (decorator,) = node.decorator_list
        indent = " " * node.col_offset
        after = f"{indent}{node.name} = {ast.unparse(decorator)}({node.name})"
        lines.insert(node.end_lineno or 0, after)
        del lines[decorator.lineno - 1 : node.lineno - 1]
    return "\n".join(lines) + "\n"


def _decorated(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and len(node.decorator_list) == 1:
            (decorator,) = node.decorator_list
            if isinstance(decorator, ast.Name) and decorator.id in _DECORATORS:
                yield node


def _copy(module: str) -> None:
    """Lay out a project of one changed module in a folder, as mutmut wants it: packages on top."""
    shutil.rmtree(PLACE, ignore_errors=True)  # of a run that was killed
    skipped = shutil.ignore_patterns("__pycache__", "*.pyc", "node_modules")
    shutil.copytree(PACKAGE, PLACE / "xporter_bridge", ignore=skipped)
    for name in _COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, PLACE / name, ignore=skipped)
        else:
            shutil.copy(source, PLACE / name)
    shutil.rmtree(PLACE / "layers/shared/xporter_bridge")
    (PLACE / "layers/shared/xporter_bridge").symlink_to(PLACE / "mutants/xporter_bridge")
    changed = PLACE / f"xporter_bridge/{module}.py"
    changed.write_text(assigned_decorators(changed.read_text()))
    settings = (PLACE / "pyproject.toml").read_text()
    tests = [f"tests/unit/{module.partition('/')[0]}", *MORE_TESTS.get(module, ())]
    (PLACE / "pyproject.toml").write_text(
        f"""{settings}
[tool.mutmut]
source_paths = ["xporter_bridge"]
only_mutate = ["xporter_bridge/{module}.py"]
also_copy = {json.dumps(_COPIED)}
pytest_add_cli_args = ["-n", "0", "-p", "no:cacheprovider"]
pytest_add_cli_args_test_selection = {json.dumps(tests)}
use_git_change_detection = false
track_dependencies = false
"""
    )


def _verdict(code: int | None) -> str:
    if code in _SURVIVED:
        return "survived"
    return "killed" if code in (*_KILLED, *_TIMED_OUT) else "unknown"


def _functions(code: str) -> dict[str, list[str]]:
    """Return the lines of every function of a mutated module, by its name."""
    found = [each for each in ast.walk(ast.parse(code)) if isinstance(each, ast.FunctionDef)]
    lines = {}
    for each in found:
        each.decorator_list = []
        lines[each.name] = ast.unparse(each).replace(f"def {each.name}(", "def (").splitlines()
    return lines


def _survivor(name: str, functions: dict[str, list[str]]) -> Survivor:
    """Return what differs in the first line in which a mutant is not like the original."""
    plain = name.rpartition("__mutmut_")[0]
    before, after = functions[f"{plain}__mutmut_orig"], functions[name]
    pairs = zip([*before, ""], [*after, ""], strict=False)
    one, other = next(((a, b) for a, b in pairs if a != b), ("", ""))
    shown = plain.removeprefix("xǁ").removeprefix("x_").replace("ǁ", ".")
    begin = _alike(one, other)
    end = _alike(one[begin:][::-1], other[begin:][::-1])
    first = max(0, begin - _SHOWN_AROUND)
    before_, after_ = (
        line[first : len(line) - end + _SHOWN_AROUND].strip() for line in (one, other)
    )
    return Survivor(shown, before_, after_)


def _alike(one: str, other: str) -> int:
    """Return how many characters two texts begin with that are the same."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def _reason(module: str, survivor: Survivor, reasons: list[dict[str, str]]) -> str:
    for each in reasons:
        if each.get("module", module) == module and all(
            each.get(name, "") in getattr(survivor, name)
            for name in ("function", "before", "after")
        ):
            return each["reason"]
    return "**not looked at**"


def _code(line: str) -> str:
    return "`{}`".format(line.replace("|", "\\|").replace("`", "'")) if line else "(nothing)"


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


_PAGE = """\
# Mutants of the decisions

`make mutants` changes the modules that decide, one place at a time, and runs the unit tests that
reach the place. A change that a test notices is killed; so is one that never ends. This page is
written by `make mutants`; the reasons are those of `tests/support/surviving_mutants.toml`.

{killed} of {mutants} mutants are killed: {share} %.

| decides | module | mutants | killed | share | measured | commit |
| --- | --- | --- | --- | --- | --- | --- |
{rows}

Not changed: constants of a module, fields of a class and the values that they have by themselves,
annotations, and the calls of `len` and `isinstance`.

## Survivors

| module | function | before | after | why no test notices |
| --- | --- | --- | --- | --- |
{survivors}
"""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
