"""The product, as a trial deploys it: the template as it is, under a name of the trial's own."""

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from tools.stack.build import build_for_deployment, built_for_this_machine, machine_parameters
from tools.stack.deployed_stack import DeployedStack
from tools.stack.deployment import outputs
from tools.stack.emulator_routes import routed_apis
from tools.stack.event_tap import open_event_tap
from tools.stack.gateway import serving
from tools.stack.processes import listen, url_of
from tools.trial.trial import RELYING_PARTY, Trial

# Room for callbacks, the API and schedules, beside what README.md says the queues may take.
_RESERVE = 20
_QUEUES_WITHOUT_PULLS = 55

# An answer takes a second or two, but other stacks may share the machine.
_LOCAL_DEADLINE_SECONDS = 30


@dataclass(frozen=True)
class TrialStack(DeployedStack):
    """A stack of a trial."""

    trial: Trial

    @property
    def name(self) -> str:
        """The stack's name in CloudFormation."""
        return self.trial.name

    @property
    def credentials(self) -> Any:
        """The credentials of the trial's user."""
        return self.trial.account.session.get_credentials()

    def client(self, service: str) -> Any:
        """Make a client of the trial's account."""
        return self.trial.account.client(service)


def deploy_bridge(trial: Trial, xporter_url: str, held: ExitStack) -> TrialStack:
    """Build and deploy template.yaml; return the stack when it can be called.

    On an emulator, what stands in front of its APIs ends with ``held``.

    Raises:
        StackError: It could not be built or deployed.
    """
    common = {
        "XporterUrl": xporter_url,
        "RelyingParty": RELYING_PARTY,
        "FieldProfile": "all",  # its schools are invented, and their rows compared with Xporter's
    }
    if trial.account.is_emulator:
        urls = _deploy_locally(trial, common, held)
    else:
        urls = _deploy_to_account(trial, common)
    return _described(trial, xporter_url, *urls)


def concurrent_pulls(limit: int) -> int:
    """Return how many pulls fit into an account that runs so many functions at a time.

    A new account may have ten; the queues then wait for each other, and the steps take longer.
    """
    return min(20, max(2, (limit - _QUEUES_WITHOUT_PULLS - _RESERVE) // 3))


def reader_of(caller: str) -> str:
    """Return how a key's policy knows the caller: a session of a role by the role, at any path."""
    if ":assumed-role/" not in caller:
        return caller
    account, role = caller.split(":")[4], caller.split("/")[1]
    return f"arn:{caller.split(':')[1]}:iam::{account}:role/*{role}"


def _deploy_to_account(trial: Trial, common: dict[str, str]) -> tuple[str, str]:
    settings = trial.account.client("lambda").get_account_settings()
    limit = settings["AccountLimit"]["ConcurrentExecutions"]
    trial.say(f"building; the account runs {limit} functions at a time …")
    template = build_for_deployment(trial.log, "test")
    trial.say(f"deploying {trial.name} …")
    parameters = {
        **common,
        "DataReaderArns": reader_of(trial.account.caller),
        "Stage": "test",
        "AvailabilityDeadlineSeconds": "660",
        "ConcurrentPulls": str(concurrent_pulls(limit)),
        "LogRetentionDays": "7",
    }
    trial.deploy(trial.name, template, parameters)
    found = outputs(trial.account.client("cloudformation"), trial.name)
    return found["CallbacksUrl"], found["ApiUrl"]


def _deploy_locally(trial: Trial, common: dict[str, str], held: ExitStack) -> tuple[str, str]:
    """Deploy onto the emulator, with what it needs to be told and given beside (tools/stack)."""
    listening = [held.enter_context(listen(0)) for _ in range(2)]
    callbacks_url, api_url = (url_of(socket) for socket in listening)
    parameters = {
        **common,
        "Stage": "local",
        "CallbackBaseUrl": callbacks_url,
        "ConcurrentPulls": "4",
        "AvailabilityDeadlineSeconds": str(_LOCAL_DEADLINE_SECONDS),
        **machine_parameters(),
    }
    trial.say(f"building and deploying {trial.name} …")
    with built_for_this_machine(trial.log) as template:
        trial.deploy(trial.name, template, parameters)
    cloudformation, gateway = map(trial.account.client, ("cloudformation", "apigatewayv2"))
    targets = routed_apis(cloudformation, gateway, str(trial.account.endpoint_url), trial.name)
    for target, socket in zip(targets, listening, strict=True):
        held.enter_context(serving(socket, target, trial.log))
    return callbacks_url, api_url


def _described(trial: Trial, xporter_url: str, callbacks_url: str, api_url: str) -> TrialStack:
    account = trial.account
    names = outputs(account.client("cloudformation"), trial.name)
    secrets = account.client("secretsmanager")
    token = secrets.get_secret_value(SecretId=names["AuthenticationTokenSecretArn"])["SecretString"]
    sqs, events = account.client("sqs"), account.client("events")
    return TrialStack(
        callbacks_url=callbacks_url,
        api_url=api_url,
        region=account.region,
        xporter_url=xporter_url,
        bucket=names["BucketName"],
        event_tap_queue_url=open_event_tap(sqs, events, names["EventBusName"], trial.event_tap),
        authentication_url=f"{callbacks_url}/callbacks/authentication/{token}",
        relying_party=RELYING_PARTY,
        log_file=trial.log.name,
        trial=trial,
    )
