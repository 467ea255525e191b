"""`make trial`: the product in an account, once; `--delete NAME` deletes what is left of one."""

import argparse
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from tools.demo.report import steps_table
from tools.stack.clock import Clock
from tools.trial.account import Account
from tools.trial.cleanup import delete_everything
from tools.trial.report import Report
from tools.trial.run import try_out
from tools.trial.trial import Trial, directory_of, new_name, remember

STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def main() -> int:
    """Return 0 if all was verified and deleted, 1 if not, 2 if the trial did not begin."""
    arguments = _arguments()
    clock = Clock()
    try:
        account = Account.of(os.environ)
    except (BotoCoreError, ClientError) as error:
        clock.say(f"error: no account: {error}")
        return 2
    name = arguments.delete or new_name()
    print(introduction(account, name, is_deletion=bool(arguments.delete)), flush=True)
    if not (arguments.yes or is_confirmed()):
        print("Nothing was done.")
        return 2
    directory = directory_of(name)
    with (directory / "trial.log").open("ab", buffering=0) as log:
        trial = Trial(name, account, directory, log, clock.say)
        if arguments.delete:
            return _delete(trial)
        return _try_out(trial, clock, arguments.report)


def introduction(account: Account, name: str, *, is_deletion: bool) -> str:
    """Return the text that precedes the question for consent."""
    where = f"account {account.number} as {account.caller}, region {account.region}"
    if account.is_emulator:
        where = f"the emulator at {account.endpoint_url}"
    if is_deletion:
        return f"This deletes {name} and {name}-simulator, with all their data, in {where}."
    price = "" if account.is_emulator else " It takes about an hour and costs less than one dollar."
    return (
        f"This deploys {name} and {name}-simulator in {where}, drives them with invented schools,"
        f" and deletes everything that it has created, data and keys included.{price}"
    )


def is_confirmed() -> bool:
    """Ask for consent; without a terminal the answer is no."""
    if not sys.stdin.isatty():
        print("Nobody is here to agree: --yes, or YES=1 for make.")
        return False
    return input("Go on? [yes/no] ").strip().lower() == "yes"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.trial", description=__doc__)
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--delete", metavar="NAME", help="only delete what is left of that trial")
    report = Path(os.environ.get("TRIAL_REPORT") or "trial-report.json")
    parser.add_argument("--report", type=Path, default=report, help="the file to write")
    return parser.parse_args()


def _try_out(trial: Trial, clock: Clock, path: Path) -> int:
    remember(trial)
    report = Report(trial.name, trial.account, datetime.now(UTC))
    for number in STOPPING:
        signal.signal(number, _stop)
    trial.say(f"the log is {trial.log.name}")
    try:
        try_out(trial, report, clock)
    finally:
        report.write(path)
        if ended := [*report.steps, *report.checks]:
            print(f"\n{steps_table(ended)}\n", flush=True)
        for line in report.cleanup.left if report.cleanup else ():
            print(f"LEFT BEHIND: {line}")
        print(f"{_verdict(report)} The report is {path}.", flush=True)
    return 0 if report.is_success else 1


def _verdict(report: Report) -> str:
    if report.is_success:
        rest = f", but for {len(report.not_shown)} that only AWS shows" if report.not_shown else ""
        return f"Everything was verified{rest}, and everything is deleted."
    return f"Not everything was verified, or deleted: {report.error or 'see above'}."


def _delete(trial: Trial) -> int:
    cleanup = delete_everything(trial)
    print(f"{len(cleanup.deleted)} things deleted.")
    for line in cleanup.left:
        print(f"LEFT BEHIND: {line}")
    return 1 if cleanup.left else 0


def _stop(number: int, _frame: object) -> None:
    """Unwind everything, and let no second signal interrupt that."""
    for each in STOPPING:
        signal.signal(each, signal.SIG_IGN)
    print("\nstopping; everything is deleted first, which takes minutes …", file=sys.stderr)
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
