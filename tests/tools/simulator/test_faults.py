"""Faults are read strictly, strike as often as they say, and repeat under a seed."""

from typing import Any

import pytest

from tools.simulator.http.errors import ControlError
from tools.simulator.service.faults import Faults, read


def faults(body: Any) -> Faults:
    made = Faults()
    made.replace(*read(body))
    return made


def test_a_count_is_used_up_and_a_path_restricts() -> None:
    made = faults([{"kind": "server_error", "count": 2, "path": "/students"}])
    assert made.take("server_error", path="/api/v1/School/1/Groups") is None
    struck = [made.take("server_error", path="/api/v1/School/1/Students") for _ in range(4)]
    assert [each is not None for each in struck] == [True, True, False, False]
    assert made.describe()["faults"][0]["applied"] == 2


def test_skip_lets_the_first_pass() -> None:
    made = faults([{"kind": "cut_json", "skip": 2, "count": 1}])
    assert [made.take("cut_json") is not None for _ in range(4)] == [False, False, True, False]


def test_a_rate_repeats_under_its_seed() -> None:
    def strikes(seed: int) -> list[bool]:
        made = faults({"faults": [{"kind": "rate_limited", "rate": 0.3}], "seed": seed})
        return [made.take("rate_limited") is not None for _ in range(200)]

    assert strikes(4) == strikes(4) != strikes(5)
    assert 30 < sum(strikes(4)) < 90


def test_short_forms_are_understood() -> None:
    made, _ = read({"429": {"count": 1, "retry_after": 2}, "502": 0.5, "lost": 3})
    assert [(fault.kind, fault.rate, fault.count) for fault in made] == [
        ("rate_limited", 1.0, 1), ("server_error", 0.5, None), ("lost_callback", 1.0, 3),
    ]  # fmt: skip
    assert made[1].parameters["status"] == 502


@pytest.mark.parametrize(
    "body",
    [
        3, "slow", [3], [{}], [{"kind": "nonsense"}], [{"kind": "slow", "rate": 2}],
        [{"kind": "slow", "count": -1}], [{"kind": "slow", "delay_ms": "long"}],
        [{"kind": "slow", "colour": "red"}], {"faults": 3}, {"slow": "often"},
    ],
)  # fmt: skip
def test_what_is_not_understood_is_refused(body: Any) -> None:
    with pytest.raises(ControlError):
        read(body)
