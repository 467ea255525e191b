"""`python -m tools.supply_chain.audit LOCK…`: what is known against the packages of lock files."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from tools.set_up import ROOT

_PIP_AUDIT = ROOT / ".tools" / "audit" / "bin" / "pip-audit"
_OPTIONS = ("--disable-pip", "--no-deps", "--format=json", "--progress-spinner=off", "--timeout=5")
_TIMEOUT_SECONDS = 120
_NO_NETWORK = re.compile(
    r"ConnectionError|ConnectTimeout|ReadTimeout|NameResolution|ProxyError|Could not connect"
    r"|Network is unreachable|Max retries exceeded|ServiceConnection"
)
NOTHING = "Nothing was audited: this machine reaches no service that knows of vulnerabilities."


def main(locks: Sequence[str]) -> int:
    """Audit the locks, and print the result in one sentence.

    Returns:
        0 if no package has a known vulnerability, or if nothing could be audited for want of the
        network; 1 if one has, or if some packages could not be audited; 2 if the audit failed.
    """
    status, sentence = audit(locks)
    print(sentence, file=sys.stderr)
    return status


def audit(locks: Sequence[str]) -> tuple[int, str]:
    """Return the exit status and the sentence of ``main``; the worst of the locks decides."""
    packages: dict[tuple[str, str], dict[str, Any]] = {}
    for lock in locks:  # one by one: pip-audit refuses two locks with two versions of a package
        try:
            output, errors = _pip_audit(lock)
            audited = json.loads(output)["dependencies"]
        except subprocess.TimeoutExpired:
            return 0, NOTHING
        except (ValueError, KeyError, TypeError):
            return (0, NOTHING) if _NO_NETWORK.search(errors) else (2, _failed(lock, errors))
        packages |= {(each["name"], each.get("version", lock)): each for each in audited}
    return judged(list(packages.values()))


def judged(packages: Sequence[dict[str, Any]]) -> tuple[int, str]:
    """Return the exit status and the sentence for what pip-audit says of each package.

    pip-audit ends with success if the service knows none of the packages, for example behind a
    mirror that has no advisories. Therefore its exit status is ignored.
    """
    if found := [line for package in packages for line in _vulnerabilities(package)]:
        return 1, "Known vulnerabilities: " + "; ".join(sorted(set(found)))
    skipped = sorted({package["name"] for package in packages if "skip_reason" in package})
    if skipped and len(skipped) == len({package["name"] for package in packages}):
        return 0, NOTHING
    if skipped:
        return 1, f"Not audited, as the service does not know them: {', '.join(skipped)}"
    return 0, f"No vulnerability is known of the {len(packages)} packages that were audited."


def _pip_audit(lock: str) -> tuple[str, str]:
    command = [str(_PIP_AUDIT), *_OPTIONS, "--requirement", str(ROOT / lock)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=_TIMEOUT_SECONDS
    )
    return done.stdout, done.stderr


def _failed(lock: str, errors: str) -> str:
    return f"The audit of {lock} failed: {errors.strip()[-500:]}"


def _vulnerabilities(package: dict[str, Any]) -> list[str]:
    return [
        f"{package['name']} {package['version']} has {each['id']}, mended in"
        f" {', '.join(each.get('fix_versions') or []) or 'no version yet'}"
        for each in package.get("vulns", [])
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
