"""The unchanging facts of a school: its name, its years and subjects, its calendar, its sizes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from hashlib import blake2b
from uuid import UUID

from tools.simulator.school.name_lists import HOUSES, SCHOOL_WORDS, TOWNS
from tools.simulator.school.seeded_random import draw, naive, number

SECONDARY_SUBJECTS = (
    ("En", "English"), ("Ma", "Mathematics"), ("Sc", "Science"), ("Fr", "French"),
    ("Hi", "History"), ("Gg", "Geography"), ("Ar", "Art"), ("Mu", "Music"),
    ("Pe", "Physical Education"), ("Co", "Computing"),
)  # fmt: skip
PRIMARY_SUBJECTS = (("Li", "Literacy"), ("Nu", "Numeracy"))


@dataclass(frozen=True, eq=False)
class Profile:
    """One school as it was founded; rows are computed from this and a number."""

    estab: str
    seed: int
    students: int
    today: date
    phase: str = "Secondary"
    rows: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def key(self) -> bytes:
        """The key of every draw: the same seed and estab give the same school."""
        return blake2b(f"{self.seed}|{self.estab}".encode(), digest_size=32).digest()

    @cached_property
    def first_secret(self) -> str:
        """The school secret before any re-authorisation."""
        return self.secret(0)

    def secret(self, generation: int) -> str:
        """Return the school secret of one authorisation."""
        return str(UUID(bytes=draw(self.key, b"secret", generation)[:16], version=4))

    @cached_property
    def name(self) -> str:
        """The school's name."""
        drawn = draw(self.key, b"school", 0)
        kind = "Primary School" if self.phase == "Primary" else "Academy"
        return f"{SCHOOL_WORDS[drawn[0] % len(SCHOOL_WORDS)]} {kind}"

    @cached_property
    def town(self) -> tuple[str, str, str]:
        """Town, county and postcode area; pupils live near their school."""
        return TOWNS[draw(self.key, b"school", 0)[1] % len(TOWNS)]

    @cached_property
    def domain(self) -> str:
        """A mail domain that cannot exist."""
        word = self.name.split()[0].lower().replace("\u2019", "")
        return f"{word}.{self.estab}.sch.example"

    @cached_property
    def years(self) -> tuple[int, ...]:
        """National curriculum years taught."""
        return tuple(range(7)) if self.phase == "Primary" else tuple(range(7, 12))

    @cached_property
    def subjects(self) -> tuple[tuple[str, str], ...]:
        """Codes and names of the subjects taught in groups."""
        return PRIMARY_SUBJECTS if self.phase == "Primary" else SECONDARY_SUBJECTS

    @cached_property
    def classes(self) -> int:
        """Registration groups, and teaching sets of each subject, per year."""
        return max(1, min(12, round(self.students / len(self.years) / 28)))

    @cached_property
    def houses(self) -> tuple[str, ...]:
        """House names."""
        return HOUSES[:4]

    @cached_property
    def staff(self) -> int:
        """Members of staff on the first day."""
        return self.rows.get("Staff", max(6, self.students // 10))

    @cached_property
    def year_start(self) -> date:
        """1 September of the school year in which the school was created."""
        return date(self.today.year - (self.today.month < 9), 9, 1)

    @cached_property
    def extracted_at(self) -> datetime:
        """When last night's run ended: 02:25:06.223, as recorded."""
        return datetime.combine(self.today, time(2, 25, 6, 223_000), UTC)

    @cached_property
    def stamps(self) -> tuple[str, ...]:
        """LastUpdated values of rows that were never changed: nights of the past year."""
        return tuple(
            naive(self.extracted_at - timedelta(days=1 + number(d, 0) % 360, milliseconds=d[2]))
            for d in (draw(self.key, b"stamp", n) for n in range(256))
        )

    def is_open(self, day: date) -> bool:
        """Tell whether pupils come in on ``day``: weekdays outside usual English holidays."""
        return day.weekday() < 5 and not is_holiday(day)


def is_holiday(day: date) -> bool:
    """Tell whether ``day`` lies in a usual English school holiday."""
    place = (day.month, day.day)
    return (
        place >= (12, 20)
        or place <= (1, 3)
        or (2, 13) <= place <= (2, 19)
        or (4, 3) <= place <= (4, 16)
        or (5, 27) <= place <= (6, 2)
        or (7, 22) <= place <= (9, 1)
        or (10, 24) <= place <= (10, 31)
    )
