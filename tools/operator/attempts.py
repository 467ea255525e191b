"""Why pulls of a school fail and by whose fault, and which changes wait for a person."""

from collections.abc import Iterator, Sequence
from typing import Any

from .findings import WITHOUT_DATA, Code, Finding, View, listed, said
from .reasons import Fault, fault_of, is_of_secret, sentence

_FAULTS = {
    Fault.XPORTER: (
        Code.XPORTER_FAILING,
        (
            "Nothing for an hour, as pulls go on by themselves. If it lasts, give Xporter's "
            "support the number of the school and the time."
        ),
    ),
    Fault.OURS: (
        Code.OUR_FAULT,
        (
            "`xporter-bridge tail {estab}` shows the line of code; open an issue with the line, "
            "which holds no data."
        ),
    ),
}


def of_holds(school: View) -> Iterator[Finding]:
    """Say which changes wait for a decision."""
    held = [each for each in school["datasets"] if each.get("hold") or each["state"] == "held"]
    if held:
        reasons = [
            f"{each['dataset']}: {reason}"
            for each in held
            for reason in (each.get("hold") or {}).get("reasons") or [each["reason"] or "held"]
        ]
        first = held[0]["dataset"]
        yield Finding(
            Code.HELD,
            f"{_count(held, 'dataset waits', 'datasets wait')} for your decision ("
            f"{'; '.join(reasons)}); readers keep the data of before.",
            f"Ask the school, then `xporter-bridge hold approve {school['estab']} {first}` or "
            "`hold reject`; undecided, it is held anew each week.",
        )


def of_attempts(school: View) -> Iterator[Finding]:
    """Say why pulls fail, by whose fault it is."""
    by_fault: dict[Fault, list[View]] = {}
    for each in filter(_fails, school["datasets"]):
        by_fault.setdefault(fault_of(each["reason"] or "unexpected_fault"), []).append(each)
    for fault, failing in by_fault.items():
        says = _attempts(failing) + _next_attempt(failing)
        if fault is not Fault.SCHOOL:
            code, do = _FAULTS[fault]
            yield Finding(code, says, do.format(estab=school["estab"]))
        elif is_of_secret(failing[0]["reason"]):
            yield Finding(
                Code.REVOKED,
                f"{says} After three days of refusals the school counts as revoked.",
                "Ask the school whether it took its authorisation back; if so, let it authorise "
                "again.",
            )


def _fails(dataset: View) -> bool:
    if dataset["state"] in WITHOUT_DATA or dataset["state"] == "held":
        return False
    return dataset["state"] in {"failed", "failing"} or bool(
        dataset["reason"] and dataset.get("retry_at")
    )


def _attempts(failing: Sequence[View]) -> str:
    names = listed(each["dataset"] for each in failing)
    return f"Pulls of {names} fail: {sentence(failing[0]['reason'] or 'unexpected_fault')}."


def _next_attempt(failing: Sequence[View]) -> str:
    times = [each["retry_at"] for each in failing if each.get("retry_at")]
    return f" The next attempt is after {said(min(times))}." if times else ""


def _count(things: Sequence[Any], one: str, many: str) -> str:
    return f"{len(things)} {one if len(things) == 1 else many}"
