"""template.yaml against the code and the rules it must keep; nothing is deployed."""

import ast
import importlib
import json
import re
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest

from tests.support import template
from tests.support.permissions import allowed
from tests.support.template import ROOT, logical_id, named

FUNCTIONS = template.functions()
QUEUES = template.resources("AWS::SQS::Queue")
ALARMS = template.resources("AWS::CloudWatch::Alarm")
TABLES = template.resources("AWS::DynamoDB::Table")
BUCKETS = template.resources("AWS::S3::Bucket")
TOPICS = template.resources("AWS::SNS::Topic")
RESOURCES: dict[str, Any] = template.load()["Resources"]
DEAD_LETTER_QUEUES = {
    queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
    for queue in QUEUES.values()
    if "RedrivePolicy" in queue
}
# What Lambda does in a function's name: with its log, and with the queue that feeds it.
LOGGING = {"logs:CreateLogStream", "logs:PutLogEvents"}
CONSUMING = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
FOURTEEN_DAYS = 14 * 24 * 3600


def own_environment(function: str) -> dict[str, Any]:
    return dict(FUNCTIONS[function].get("Environment", {}).get("Variables", {}))


def statements(function: str) -> list[dict[str, Any]]:
    """Return what the function's own calls need; Lambda's own needs are checked apart."""
    ours = [each for each in template.statements(function) if not is_lambdas_own(each)]
    assert ours, f"{function} may do nothing"
    return ours


def is_lambdas_own(statement: dict[str, Any]) -> bool:
    return {*statement["Action"]} in (LOGGING, CONSUMING)


# -- functions


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_is_built_and_named_like_its_folder(function: str) -> None:
    properties = FUNCTIONS[function]
    resource = RESOURCES[logical_id(function)]
    assert resource["Properties"] is properties
    assert resource["Metadata"]["BuildMethod"] == "makefile"
    assert properties["Handler"] == f"functions.{function}.handler.lambda_handler"
    assert (ROOT / "functions" / function / "handler.py").is_file()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_environment_is_exactly_the_settings_that_it_feeds(function: str) -> None:
    if not (ROOT / "functions" / function / "settings.py").exists():
        assert own_environment(function) == {}
        return
    settings = importlib.import_module(f"functions.{function}.settings").Settings
    assert set(own_environment(function)) == {field.name.upper() for field in fields(settings)}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_environment_holds_names_of_secrets_and_never_their_values(function: str) -> None:
    assert "resolve:" not in json.dumps(own_environment(function))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_has_a_log_group_of_its_own_that_forgets(function: str) -> None:
    group = FUNCTIONS[function]["LoggingConfig"]["LogGroup"]["Ref"]
    users = [f for f, p in FUNCTIONS.items() if p["LoggingConfig"]["LogGroup"] == {"Ref": group}]
    assert users == [function]


@pytest.mark.parametrize("group", template.resources("AWS::Logs::LogGroup"))
def test_a_log_group_is_encrypted_and_forgets(group: str) -> None:
    properties = RESOURCES[group]["Properties"]
    assert properties["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    assert properties["KmsKeyId"]


# -- permissions


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_has_a_role_of_its_own_that_lambda_alone_may_take(function: str) -> None:
    roles = [properties["Role"] for properties in FUNCTIONS.values()]
    assert roles.count(FUNCTIONS[function]["Role"]) == 1
    role = template.role(function)
    assert "ManagedPolicyArns" not in role
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_lambda_may_write_the_log_and_read_the_queue_of_the_function_alone(function: str) -> None:
    group = FUNCTIONS[function]["LoggingConfig"]["LogGroup"]["Ref"]
    own = [each for each in template.statements(function) if is_lambdas_own(each)]
    logging = [each for each in own if {*each["Action"]} == LOGGING]
    assert [each["Resource"] for each in logging] == [[{"Fn::GetAtt": [group, "Arn"]}]]
    queues = [
        queue for queue, (consumer, _) in template.consumers().items() if consumer == function
    ]
    consuming = [each["Resource"] for each in own if {*each["Action"]} == CONSUMING]
    assert consuming == [[{"Fn::GetAtt": [queue, "Arn"]}] for queue in queues]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_policy_names_its_actions_and_its_resources(function: str) -> None:
    for statement in template.statements(function):
        assert statement["Effect"] == "Allow"
        for action in statement["Action"]:
            assert re.fullmatch(r"[a-z0-9]+:[A-Z][A-Za-z]+", action), action
        for resource in statement["Resource"]:
            assert resource != "*"
            assert named(resource), f"{resource} is no resource of ours"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_may_use_what_its_environment_names_and_nothing_else(function: str) -> None:
    ours = set(RESOURCES) - {"CallbacksApi", "CompanyApi"}
    pseudo = {"AWS::Partition", "AWS::Region", "AWS::AccountId", "AWS::StackName"}
    told = named(list(own_environment(function).values())) & ours
    allowed = set().union(*(named(each["Resource"]) for each in statements(function)))
    assert allowed - pseudo <= told
    # ``SnapshotStore`` stands for both buckets, also where only one of them is read, and what
    # requests for data need for both queues, also where only pulls are sent.
    assert told - allowed <= {"StagingBucket", "AvailabilityRequestQueue"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_an_action_is_allowed_once_per_resource(function: str) -> None:
    pairs = [
        (action, json.dumps(resource))
        for statement in statements(function)
        for action in statement["Action"]
        for resource in statement["Resource"]
    ]
    assert len(pairs) == len(set(pairs))


def test_an_index_is_queried_and_nothing_else() -> None:
    for function in FUNCTIONS:
        for permission in allowed(function):
            if "/index/" in permission.resource:
                assert permission.action == "dynamodb:Query", (function, permission)


def test_a_receiver_may_do_no_more_than_read_its_secret_seal_and_send() -> None:
    for function in (name for name in FUNCTIONS if name.startswith("receive_")):
        actions = {action for each in statements(function) for action in each["Action"]}
        assert actions <= {"secretsmanager:GetSecretValue", "kms:Encrypt", "sqs:SendMessage"}


def test_only_onboarding_and_its_receiver_touch_a_secret_on_its_way() -> None:
    assert {f for f in FUNCTIONS if "TRANSIT_KEY_ID" in own_environment(f)} == {
        "receive_authentication",
        "onboard_school",
    }


def test_nothing_but_keys_and_denials_speaks_of_everything() -> None:
    for name, resource in RESOURCES.items():
        if resource["Type"] in {"AWS::KMS::Key", "AWS::CloudWatch::Dashboard"}:
            continue
        for statement in all_statements(resource.get("Properties", {})):
            if statement["Effect"] == "Allow":
                assert statement.get("Principal") != "*", name
                # Who may take a role on is no statement about a resource.
                assert "*" not in (statement["Action"], statement.get("Resource")), name


def all_statements(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "Effect" in value and "Action" in value:
            yield value
        for each in value.values():
            yield from all_statements(each)
    elif isinstance(value, list):
        for each in value:
            yield from all_statements(each)


def test_cloudwatch_may_publish_to_the_topics_of_the_alarms() -> None:
    # AWS's own key for SNS lets no other service in: alarms would change state and tell nobody.
    (key,) = {name for topic in TOPICS.values() for name in named(topic["KmsMasterKeyId"])}
    (statement,) = (
        each
        for each in RESOURCES[key]["Properties"]["KeyPolicy"]["Statement"]
        if each.get("Principal") == {"Service": "cloudwatch.amazonaws.com"}
    )
    assert statement["Effect"] == "Allow"
    assert set(statement["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey*"}
    assert statement["Condition"] == {
        "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    }
    # The policy that SNS gives a topic lets its account publish, alarms included.
    assert template.resources("AWS::SNS::TopicPolicy") == {}


# -- queues


@pytest.mark.parametrize("queue", QUEUES)
def test_a_queue_is_encrypted_and_keeps_messages_for_fourteen_days(queue: str) -> None:
    may_be_personal = queue.startswith(("Authentication", "Writeback"))
    encryption = (
        {"KmsMasterKeyId": {"Ref": "QueueKey"}}
        if may_be_personal
        else {"SqsManagedSseEnabled": True}
    )
    assert encryption.items() <= QUEUES[queue].items()
    assert QUEUES[queue]["MessageRetentionPeriod"] == FOURTEEN_DAYS


@pytest.mark.parametrize("queue", sorted(set(QUEUES) - DEAD_LETTER_QUEUES))
def test_a_queue_has_a_consumer_and_a_dead_letter_queue_of_its_own(queue: str) -> None:
    redrive = QUEUES[queue]["RedrivePolicy"]
    assert redrive["maxReceiveCount"] >= 5
    assert redrive["deadLetterTargetArn"] == {
        "Fn::GetAtt": [queue.removesuffix("Queue") + "DeadLetterQueue", "Arn"]
    }
    assert queue in template.consumers()


@pytest.mark.parametrize("queue", template.consumers())
def test_a_consumer_reports_failures_and_has_six_times_its_timeout(queue: str) -> None:
    function, source = template.consumers()[queue]
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert QUEUES[queue]["VisibilityTimeout"] >= 6 * template.timeout_seconds(function)
    assert source["ScalingConfig"]["MaximumConcurrency"]


@pytest.mark.parametrize("queue", sorted(DEAD_LETTER_QUEUES))
def test_one_dead_letter_raises_an_alarm(queue: str) -> None:
    dimensions = [{"Name": "QueueName", "Value": {"Fn::GetAtt": [queue, "QueueName"]}}]
    (alarm,) = (each for each in ALARMS.values() if each.get("Dimensions") == dimensions)
    assert (alarm["MetricName"], alarm["Threshold"]) == ("ApproximateNumberOfMessagesVisible", 1)
    assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"


# -- what is kept


KEPT = (
    *TABLES,
    *BUCKETS,
    *template.resources("AWS::KMS::Key"),
    *template.resources("AWS::SecretsManager::Secret"),
)


@pytest.mark.parametrize("name", KEPT)
def test_deleting_the_stack_deletes_no_data_no_key_and_no_secret(name: str) -> None:
    assert RESOURCES[name]["DeletionPolicy"] == "RetainExceptOnCreate"
    assert RESOURCES[name]["UpdateReplacePolicy"] == "Retain"


def test_what_is_kept_stands_alone_so_that_a_new_stack_can_import_it() -> None:
    kept = {
        name
        for name, each in RESOURCES.items()
        if each.get("DeletionPolicy") == "RetainExceptOnCreate"
    }
    assert kept == set(KEPT)
    for name in KEPT:
        others = {each for each in named(RESOURCES[name]["Properties"]) if "::" not in each}
        assert others <= kept | {"DataReaderArns", "ReadLogBucket", "WritebackSenderArns"}, name
        assert "Condition" not in RESOURCES[name]


@pytest.mark.parametrize("table", TABLES)
def test_a_table_is_encrypted_by_our_key_and_can_be_put_back(table: str) -> None:
    assert TABLES[table]["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
    assert TABLES[table]["SSESpecification"]["KMSMasterKeyId"] == {"Ref": "DataKey"}
    assert TABLES[table]["BillingMode"] == "PAY_PER_REQUEST"


def test_operations_end_and_then_expire() -> None:
    assert TABLES["OperationsTable"]["TimeToLiveSpecification"]["Enabled"]


@pytest.mark.parametrize("bucket", BUCKETS)
def test_a_bucket_is_private_encrypted_and_reached_by_tls_alone(bucket: str) -> None:
    properties = BUCKETS[bucket]
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    (rule,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"]["Fn::GetAtt"][0] == "DataKey"
    policies = template.resources("AWS::S3::BucketPolicy").values()
    (policy,) = (each for each in policies if each["Bucket"] == {"Ref": bucket})
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == (
        "Deny",
        "*",
        "s3:*",
    )
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_old_versions_of_data_and_work_in_progress_both_end() -> None:
    (data,) = BUCKETS["DataBucket"]["LifecycleConfiguration"]["Rules"]
    assert data["NoncurrentVersionExpiration"]["NoncurrentDays"] <= 30
    assert BUCKETS["DataBucket"]["VersioningConfiguration"] == {"Status": "Enabled"}
    (work,) = BUCKETS["StagingBucket"]["LifecycleConfiguration"]["Rules"]
    assert work["ExpirationInDays"] >= 14


@pytest.mark.parametrize("key", template.resources("AWS::KMS::Key"))
def test_keys_are_rotated(key: str) -> None:
    assert RESOURCES[key]["Properties"]["EnableKeyRotation"]


# -- the ways in


def routes(api: str) -> set[str]:
    return {
        f"{event['Properties']['Method']} {event['Properties']['Path']}"
        for properties in FUNCTIONS.values()
        for event in properties.get("Events", {}).values()
        if event["Type"] == "HttpApi" and event["Properties"]["ApiId"] == {"Ref": api}
    }


def test_the_callbacks_are_the_documented_ones_and_no_others() -> None:
    assert routes("CallbacksApi") == {
        "POST /callbacks/authentication/{token}",
        "GET /callbacks/database",
        "POST /callbacks/database",
        "POST /callbacks/availability",
        "GET /callbacks/writeback",
        "POST /callbacks/writeback",
    }


def test_each_callback_has_a_function_of_its_own() -> None:
    behind = [
        function
        for function, properties in FUNCTIONS.items()
        if "CallbacksApi" in json.dumps(properties.get("Events", {}))
    ]
    assert sorted(behind) == [
        "receive_authentication",
        "receive_availability",
        "receive_database",
        "receive_writeback",
    ]


def test_the_companys_api_asks_who_is_calling() -> None:
    auth = RESOURCES["CompanyApi"]["Properties"]["Auth"]
    assert (auth["EnableIamAuthorizer"], auth["DefaultAuthorizer"]) == (True, "AWS_IAM")


@pytest.mark.parametrize("api", template.resources("AWS::Serverless::HttpApi"))
def test_an_api_is_throttled_and_logs_neither_path_nor_query(api: str) -> None:
    properties = RESOURCES[api]["Properties"]
    assert properties["DefaultRouteSettings"]["ThrottlingRateLimit"]
    logged = set(re.findall(r"\$context\.([\w.]+)", properties["AccessLogSettings"]["Format"]))
    assert logged <= {
        "requestId", "integration.requestId", "routeKey", "status", "responseLatency",
        "identity.userArn", "error.responseType",
    }  # fmt: skip


def test_a_schedule_is_tried_again() -> None:
    schedules = [
        event["Properties"]
        for properties in FUNCTIONS.values()
        for event in properties.get("Events", {}).values()
        if event["Type"] == "ScheduleV2"
    ]
    assert schedules
    assert all(each["RetryPolicy"]["MaximumRetryAttempts"] >= 1 for each in schedules)


# -- what stands in for it locally


@pytest.mark.parametrize("name", RESOURCES)
def test_what_the_emulator_refuses_is_left_out_of_it(name: str) -> None:
    resource = RESOURCES[name]
    is_refused = resource["Type"] in {
        "AWS::Events::Archive",
        "AWS::CloudWatch::CompositeAlarm",
    } or "Metrics" in resource.get("Properties", {})
    if is_refused:
        assert resource["Condition"] == "IsCloud"


def test_the_template_is_printable() -> None:
    # CloudFormation refuses control characters, and nobody sees them in a review.
    assert "\\x" not in (ROOT / "template.yaml").read_text(encoding="utf-8")
    assert all(text.isprintable() for text in texts(RESOURCES))


def texts(value: Any) -> Iterator[str]:
    """Yield every line of text in a part of the template."""
    if isinstance(value, dict):
        yield from (text for each in [*value, *value.values()] for text in texts(each))
    elif isinstance(value, list):
        yield from (text for each in value for text in texts(each))
    elif isinstance(value, str):
        yield from value.splitlines()


# -- parameters

PARAMETERS: dict[str, Any] = template.load()["Parameters"]


@pytest.mark.parametrize(
    ("parameter", "good", "bad"),
    [
        ("XporterUrl", "https://xporter.groupcall.com", "xporter.groupcall.com"),
        ("XporterUrl", "http://localhost:8080", "http://xporter.groupcall.com"),
        ("XporterUrl", "http://127.0.0.1", "http://127.0.0.1.example.com"),
        ("XporterUrl", "http://[::1]:80", "https://user:password@xporter.groupcall.com"),
        ("XporterUrl", "http://127.0.0.1:41873", "https://xporter.groupcall.com/"),
        ("XporterUrl", "https://test.example:8443", "https://xporter.groupcall.com/api"),
        ("RelyingParty", "live.yourcompany.app", ""),
        ("RelyingParty", "test.x-y_z.app", "live.your company.app"),
        ("CallbackBaseUrl", "", "callbacks.example.app"),
        ("CallbackBaseUrl", "https://callbacks.example.app", "https://callbacks.example.app/"),
        ("AlarmEmail", "", "ops"),
        ("PageEmail", "", "ops"),
        ("AlarmEmail", "ops@yourcompany.example", "ops@yourcompany.example, me@other.example"),
    ],
)
def test_a_parameter_takes_what_will_work_and_says_what_will_not(
    parameter: str, good: str, bad: str
) -> None:
    pattern = PARAMETERS[parameter]["AllowedPattern"]
    assert re.fullmatch(pattern, good)
    assert not re.fullmatch(pattern, bad)
    assert PARAMETERS[parameter]["ConstraintDescription"].startswith("must be ")


def test_sam_deploy_needs_no_parameter() -> None:
    assert [name for name, facts in PARAMETERS.items() if "Default" not in facts] == []


@pytest.mark.parametrize(
    ("parameter", "least"),
    [
        ("AvailabilityDeadlineSeconds", 600 + 60),
        ("OutcomeDeadlineSeconds", 3600 + 900),
        ("ScopeRemovalSeconds", 3600),
    ],
)
def test_a_wait_is_long_enough_for_xporter_but_on_the_local_stack(
    parameter: str, least: int
) -> None:
    (rule,) = (each for each in template.load()["Rules"].values() if parameter in json.dumps(each))
    assert rule["RuleCondition"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "Stage"}, "local"]}]}
    (assertion,) = rule["Assertions"]
    allowed, value = assertion["Assert"]["Fn::Contains"]
    assert value == {"Ref": parameter}
    assert min(map(int, allowed)) >= least
    assert str(PARAMETERS[parameter]["Default"]) in allowed
    assert all(each in assertion["AssertDescription"] for each in allowed)


def test_concurrency_is_kept_for_the_receivers_alone() -> None:
    keeping = {f for f, p in FUNCTIONS.items() if "ReservedConcurrentExecutions" in p}
    assert keeping == {f for f in FUNCTIONS if f.startswith("receive_")}


# -- what people read

PARAMETER_PAGE = ROOT / "docs" / "parameters.md"


@pytest.mark.parametrize("parameter", template.load()["Parameters"])
def test_the_page_of_parameters_has_a_row_for_every_parameter(parameter: str) -> None:
    text = PARAMETER_PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| *`?(\w+)`? *\|(.*)$", text, re.MULTILINE)
    described = dict(rows)
    assert parameter in described
    default = str(template.load()["Parameters"][parameter].get("Default", ""))
    assert not default or default in described[parameter]


def test_the_page_of_parameters_has_none_that_the_template_lacks() -> None:
    text = PARAMETER_PAGE.read_text(encoding="utf-8")
    table = re.search(r"^\| *parameter.*?\n\n", text, re.MULTILINE | re.DOTALL | re.IGNORECASE)
    assert table, "docs/parameters.md has no table of parameters"
    rows = set(re.findall(r"^\| *`(\w+)`", table[0], re.MULTILINE))
    assert rows == set(template.load()["Parameters"])


def test_every_resource_says_why_it_is_there() -> None:
    text = (ROOT / "template.yaml").read_text(encoding="utf-8")
    named_lines = re.findall(r"^  (\w+):( # .+)?$", text, re.MULTILINE)
    without = {name for name, why in named_lines if name in RESOURCES and not why}
    # Log groups, roles, permissions and alarms say it in their own names and descriptions.
    assert {
        name
        for name in without
        if not name.endswith(("LogGroup", "Alarm", "Permission", "Subscription", "Role"))
    } == set()


def test_the_outputs_are_those_that_tools_and_people_look_for() -> None:
    assert set(template.load()["Outputs"]) >= {
        "CallbacksUrl", "ApiUrl", "BucketName", "EventBusName", "CallbackKeySecretArn",
        "AuthenticationTokenSecretArn", "SchoolsTableName", "DatasetsTableName",
        "OperationsTableName",
    }  # fmt: skip


def test_no_handler_reads_a_variable_that_its_settings_do_not_name() -> None:
    for function in FUNCTIONS:
        for path in (ROOT / "functions" / function).glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Attribute) and node.attr == "environ":
                    line = path.read_text(encoding="utf-8").splitlines()[node.lineno - 1]
                    assert "from_env(os.environ)" in line, f"{path}: {line}"


def test_whatever_the_security_check_skips_stands_at_its_resource_with_a_reason() -> None:
    text = (ROOT / "template.yaml").read_text(encoding="utf-8")
    skips = [line for line in text.splitlines() if "checkov" in line]
    assert skips
    for line in skips:
        assert re.fullmatch(r"    # checkov:skip=CKV_AWS_\d+: \w.{15,}", line), line
