"""Takes every statement of every role away, one at a time, and shows the test that then fails.

What a function does itself is tried for real: the test that is known to do it runs against the
template without the statement. What Lambda and the scheduler do in a function's name happens in no
test here; there the permission test itself is asked.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from tests.support import permissions, template
from tests.support.permission_findings import Statement, findings, statements, without
from tests.support.permissions import granted
from tests.support.template import ROOT, WITHOUT_STATEMENT, Properties
from tests.support.translated_template import translated

_AT_A_TIME = 2


def main() -> int:
    """Print one line for each statement; the status is 1 if nobody misses one of them."""
    every = dict(statements(translated()))
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        missed = pool.map(_miss, every, every.values())
        survivors = 0
        for (statement, allows), (is_missed, by) in zip(every.items(), missed, strict=True):
            survivors += not is_missed
            verdict = "missed by" if is_missed else "NOT MISSED BY"
            _say(f"{statement.role} without {_said(allows)}: {verdict} {by}")
    roles = len({statement.role for statement in every})
    _say(f"{len(every)} statements of {roles} roles, {survivors} not missed")
    return bool(survivors)


def _miss(statement: Statement, allows: Properties) -> tuple[bool, str]:
    """Return whether somebody misses the statement, and who."""
    for function in template.functions():
        if template.functions()[function]["Role"]["Fn::GetAtt"][0] == statement.role:
            tests = permissions.recorded()[function]
            for permission in sorted(granted([allows]) & set(tests)):
                return _fails(tests[permission], statement), tests[permission]
    found = findings(without(translated(), statement))
    return bool(found), f"the permission test ({found[0] if found else 'silent'})"


def _fails(test: str, statement: Statement) -> bool:
    """Run one test against the template without the statement; say if it fails for that."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", test],
        env={**os.environ, WITHOUT_STATEMENT: f"{statement.role}/{statement.number}"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    return done.returncode == 1 and "may not [Permission(" in done.stdout


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _said(allows: Properties) -> str:
    by_action: dict[str, list[str]] = {}
    for permission in sorted(granted([allows])):
        by_action.setdefault(permission.action, []).append(permission.resource)
    return "; ".join(f"{action} on {', '.join(on)}" for action, on in by_action.items())


if __name__ == "__main__":
    raise SystemExit(main())
