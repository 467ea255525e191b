"""The stack, the schools and the company's software that every step of the demo works with."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Self

from tools.demo.company import CompanyApi
from tools.demo.errors import NotYetError
from tools.demo.published_data import SnapshotStore
from tools.demo.schools import DemoSchool
from tools.demo.signed_requests import SignedRequests
from tools.demo.simulator import Simulator
from tools.demo.verification import is_true
from tools.demo.wait import until
from tools.stack.deployed_stack import DeployedStack


@dataclass(frozen=True)
class Journey:
    """A running stack, the simulated Xporter with its schools, and the company's software.

    ``proved`` counts by estab how many snapshots were compared with the truth and found equal.
    """

    stack: DeployedStack
    simulator: Simulator
    api: CompanyApi
    lake: SnapshotStore
    first_request: int
    first_callback: int
    proved: Counter[str] = field(default_factory=Counter)

    @classmethod
    def on(cls, stack: DeployedStack) -> Self:
        """Return the journey over a stack that is ready; its Xporter must be a simulator."""
        auth = SignedRequests(stack.credentials, stack.region)
        simulator = Simulator(stack.xporter_url, auth)
        simulator.set_application(authentication_url=stack.authentication_url)
        callbacks = simulator.callbacks()
        return cls(
            stack=stack,
            simulator=simulator,
            api=CompanyApi(stack.api_url, auth),
            lake=SnapshotStore(stack.aws("s3"), stack.bucket),
            first_request=simulator.last_request(),
            first_callback=callbacks[-1]["sequence"] if callbacks else 0,
        )

    def close(self) -> None:
        """Close all connections."""
        self.simulator.close()
        self.api.close()
        for service in ("cloudformation", "dynamodb", "lambda", "s3", "sqs"):
            self.stack.aws(service).close()

    def wait_for_truth(self, school: DemoSchool, *, except_for: Iterable[str] = ()) -> int:
        """Wait until the published data equal the school's; return the number of tables compared.

        Raises:
            StepFailedError: A dataset still differs at the end of the wait.
        """
        compared: dict[str, int] = {}
        tables: dict[str, int] = {}

        def look() -> int:
            for dataset in school.datasets.difference(except_for, tables):
                manifest = self.lake.latest(school.estab, dataset)
                # The truth stands still meanwhile, so each sequence is compared once.
                if manifest and compared.get(dataset) != manifest["sequence"]:
                    compared[dataset] = manifest["sequence"]
                    if is_true(manifest, self.simulator, self.lake):
                        tables[dataset] = len(manifest["tables"])
            if missing := sorted(school.datasets.difference(except_for, tables)):
                raise NotYetError(f"{school.estab}: not as at the school: {', '.join(missing)}")
            return sum(tables.values())

        proved = until(look)
        self.proved[school.estab] += proved
        return proved

    def wait_for_state(self, path: str, *states: str) -> dict[str, Any]:
        """Wait until the API's document at ``path`` has one of the states; return the document."""

        def look() -> dict[str, Any]:
            document = self.api.get(path)
            if document["state"] not in states:
                raise NotYetError(f"{path} is {document['state']}, not {' or '.join(states)}")
            return document

        return until(look)
