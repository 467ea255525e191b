"""What breaks each rule: one that finds nothing wrong anywhere would prove nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.support.translated_template import Stack

Break = Callable[[Stack], Any]


def at(path: str, value: Any) -> Break:
    """Set what is found under a resource's attributes or properties, as ``Name.Key.0.Key``."""

    def change(stack: Stack) -> None:
        name, *keys, last = path.split(".")
        resource = stack.resources[name]
        place: Any = (
            resource if keys[:1] == ["@"] or last.startswith("@") else resource["Properties"]
        )
        for key in keys:
            if key != "@":
                place = place[int(key)] if isinstance(place, list) else place[key]
        place[int(last) if isinstance(place, list) else last.removeprefix("@")] = value

    return change


def without(path: str) -> Break:
    """Take a property away, as ``Name.Key``."""
    name, key = path.split(".")
    return lambda stack: stack.resources[name]["Properties"].pop(key)


def query(text: str) -> Break:
    return at("PullFailedAlarm.Metrics.0.Expression", text)


def asked(**changed: Any) -> Break:
    return lambda stack: stack.resources["CallbackKeySecret"]["Properties"][
        "GenerateSecretString"
    ].update(changed)


def may(role: str, *actions: str, on: str | Callable[[Stack], str]) -> Break:
    """Let a role do more."""

    def change(stack: Stack) -> None:
        statements = policy(stack, role)["Statement"]
        resource = on if isinstance(on, str) else on(stack)
        statements.append({"Effect": "Allow", "Action": [*actions], "Resource": [resource]})

    return change


def may_not(role: str, action: str) -> Break:
    """Take an action from a role."""

    def change(stack: Stack) -> None:
        document = policy(stack, role)
        document["Statement"] = [
            each for each in document["Statement"] if action not in each["Action"]
        ]

    return change


def policy(stack: Stack, role: str) -> Any:
    (only,) = stack.resources[role]["Properties"]["Policies"]
    return only["PolicyDocument"]


def key_without(key: str, sid: str) -> Break:
    def change(stack: Stack) -> None:
        document = stack.resources[key]["Properties"]["KeyPolicy"]
        document["Statement"] = [each for each in document["Statement"] if each["Sid"] != sid]

    return change


def dashboard(change_body: Callable[[list[Any]], Any]) -> Break:
    def change(stack: Stack) -> None:
        properties = stack.resources["Dashboard"]["Properties"]
        body = json.loads(properties["DashboardBody"])
        change_body(body["widgets"])
        properties["DashboardBody"] = json.dumps(body)

    return change


def widget(number: int, **changed: Any) -> Break:
    return dashboard(lambda widgets: widgets[number].update(changed))


def shows(number: int, **changed: Any) -> Break:
    return dashboard(lambda widgets: widgets[number]["properties"].update(changed))


# Where widgets of these kinds stand in dashboards/fleet.yaml.
CUSTOM, ALARMS, CHART = 1, 7, 8


def searches(text: str) -> Break:
    return shows(CHART, metrics=[[{"expression": text, "id": "a"}]])


def metrics(count: int) -> list[dict[str, Any]]:
    stat = {"Stat": "Sum", "Period": 60, "Metric": {"Namespace": "N", "MetricName": "M"}}
    sums = [{"Id": f"m{n}", "ReturnData": False, "MetricStat": stat} for n in range(count)]
    return [{"Id": "all", "Expression": "SUM(METRICS())", "ReturnData": True}, *sums]


def other_queue(stack: Stack) -> str:
    return stack.arn("PullQueue")


BROKEN: dict[str, list[Break]] = {
    # alarms
    "an_alarm_calculates_with_ten_metrics_at_most": [at("ThrottledAlarm.Metrics", metrics(11))],
    "an_alarm_searches_for_nothing": [query("SEARCH('{AWS/SQS,QueueName}', 'Sum', 300)")],
    "the_metrics_of_an_alarm_have_names_and_one_is_its_value": [
        at("ThrottledAlarm.Metrics.1.Id", "Upper"),
        at("ThrottledAlarm.Metrics.1.Id", "serveApi"),
        at("ThrottledAlarm.Metrics.1.ReturnData", True),
        query("x" * 2049),
    ],
    "an_alarm_looks_back_over_periods_that_cloudwatch_keeps": [
        at("PullDeadLettersAlarm.Period", 90),
        at("PullDeadLettersAlarm.EvaluationPeriods", 1441),
        at("ThrottledAlarm.Metrics.1.MetricStat.Period", 60),
    ],
    "an_alarm_has_one_kind_of_statistic_that_there_is": [
        at("PullDeadLettersAlarm.Statistic", "Median"),
        at("AcknowledgementSlowAlarm.ExtendedStatistic", "p101"),
        at("AcknowledgementSlowAlarm.Statistic", "Sum"),
    ],
    "an_alarm_tells_five_at_most_and_topics_of_the_stack": [
        at("PullHeldAlarm.AlarmActions", ["arn:aws:sns:eu-west-2:123456789012:other"]),
        at("PullHeldAlarm.AlarmDescription", "x" * 1025),
    ],
    "an_alarm_on_alarms_names_those_that_there_are": [
        at("NeedsSomebodyNowAlarm.AlarmRule", 'ALARM("nobody")'),
        at("NeedsSomebodyNowAlarm.AlarmRule", 'ALARM("a") OR'),
    ],
    # dashboards
    "a_dashboard_is_json_of_widgets_that_lie_side_by_side": [
        widget(CHART, x=20),
        widget(CHART, x=8),
        widget(CHART, height=0),
    ],
    "a_widget_of_metrics_is_of_a_region_and_names_each_once": [
        shows(CHART, region="us-east-1"),
        shows(CHART, period=90),
        shows(CHART, metrics=[["AWS/SQS"]]),
        shows(CHART, metrics=[["AWS/SQS", "Age", "QueueName"]]),
        shows(CHART, metrics=[[{"expression": "1", "id": "Upper"}]]),
    ],
    "a_widget_of_a_function_names_one_of_the_stack": [shows(CUSTOM, endpoint="arn:aws:lambda:x")],
    "a_dashboard_shows_no_more_than_it_can": [
        shows(CHART, metrics=[["N", f"M{n}"] for n in range(501)]),
        dashboard(lambda widgets: widgets.extend([widgets[0]] * 501)),
    ],
    "a_widget_of_alarms_names_a_hundred_of_the_stack_at_most": [
        shows(ALARMS, alarms=[]),
        shows(ALARMS, alarms=["arn:aws:cloudwatch:eu-west-2:123456789012:alarm:other"]),
    ],
    "a_search_is_grammatical_and_short": [
        searches("SEARCH('{a-b,Kind} MetricName=\"M\"', 'Sum', 300)"),
        searches("SEARCH('{ab,Kind} MetricName=\"M\" or MetricName=\"N\"', 'Sum', 300)"),
        searches("SEARCH('{ab,Kind} MetricName=\"M\"', 'Sum', 90)"),
        searches("x" * 1025),
    ],
    # metrics insights
    "a_query_is_grammatical": [
        query('SELECT MEDIAN(PullFailed) FROM SCHEMA("x", "Dataset")'),
        query("SELECT SUM(PullFailed) FROM SCHEMA(x-y, Dataset)"),
        query("SELECT SUM(PullFailed)"),
    ],
    "a_reserved_word_of_a_query_stands_in_quotes": [
        query('SELECT SUM(PullFailed) FROM SCHEMA("x", Database)'),
        query('SELECT SUM(Function) FROM SCHEMA("x", Dataset)'),
        query("SELECT SUM(PullFailed) FROM \"x\" WHERE Function = 'function'"),
        query('SELECT SUM(PullFailed) FROM "x" GROUP BY Database'),
    ],
    "an_alarm_asks_for_no_more_than_three_hours": [at("PullFailedAlarm.EvaluationPeriods", 4)],
    # secrets
    "every_required_kind_of_character_is_left_to_choose_from": [
        asked(RequireEachIncludedType=True, ExcludePunctuation=False),
        asked(ExcludeLowercase=True, ExcludeUppercase=True, ExcludeNumbers=True),
    ],
    "a_generated_secret_has_room_for_every_kind": [asked(PasswordLength=3)],
    "secrets_manager_may_call_what_rotates_a_secret": [
        at("RotationPermission.SourceAccount", None),
        at("RotationPermission.SourceArn", "arn:aws:secretsmanager:eu-west-2:1:secret:1"),
        at("RotationPermission.FunctionName", "another"),
        at("RotationPermission.Principal", "apigateway.amazonaws.com"),
    ],
    "a_rotation_waits_for_its_day": [
        at("CallbackKeyRotation.RotateImmediatelyOnUpdate", True),
        at("AuthenticationTokenRotation.RotationRules.AutomaticallyAfterDays", 0),
    ],
    # names
    "a_name_holds_the_name_of_the_stack": [
        at("WatchDeadlinesFunctionShard0.Name", "WatchDeadlinesFunctionShard0"),
        at("PullQueue.QueueName", "pulls"),
        at("ReceiveDatabaseLogGroup.LogGroupName", "/aws/lambda/receive_database"),
        at("Dashboard.DashboardName", "xporter-bridge"),
    ],
    "what_holds_data_is_kept_but_not_by_a_failed_create": [
        at("SchoolsTable.@DeletionPolicy", "Retain"),
        at("DataBucket.@DeletionPolicy", "Delete"),
    ],
    "what_holds_data_outlives_its_replacement": [at("DataKey.@UpdateReplacePolicy", "Delete")],
    # roles
    "the_policies_of_a_role_are_within_iams_sizes": [
        may("PullDatasetRole", "s3:GetObject", on="x" * 10241),
        at("PullDatasetRole.AssumeRolePolicyDocument", {"Statement": ["x" * 2049]}),
        at("PullDatasetRole.ManagedPolicyArns", ["arn"] * 11),
    ],
    "a_policy_has_a_name_that_iam_takes": [at("PullDatasetRole.Policies.0.PolicyName", "a name")],
    "whoever_reads_a_queue_may_do_so_and_no_other_queue": [
        may("PlanPullsRole", "sqs:ReceiveMessage", on=other_queue),
        may_not("PlanPullsRole", "sqs:DeleteMessage"),
    ],
    "a_role_has_no_policy_that_others_write_and_none_for_everything": [
        at(
            "PlanPullsRole.ManagedPolicyArns",
            ["arn:aws:iam::aws:policy/AWSLambdaSQSQueueExecutionRole"],
        ),
        may("PlanPullsRole", "sqs:SendMessage", on="*"),
        may("PlanPullsRole", "sqs:*", on=other_queue),
    ],
    "an_action_is_allowed_on_resources_that_it_knows": [
        may("PlanPullsRole", "s3:ListBucket", on="arn:aws:s3:::bucket/*"),
        may("PlanPullsRole", "s3:GetObject", on="arn:aws:s3:::bucket"),
        may(
            "PlanPullsRole",
            "dynamodb:GetItem",
            on="arn:aws:dynamodb:a:123456789012:table/t/index/i",
        ),
        may("PlanPullsRole", "logs:PutLogEvents", on="arn:aws:logs:a:123456789012:log-group:g"),
        may("PlanPullsRole", "ec2:RunInstances", on="arn:aws:ec2:a:123456789012:instance/i"),
    ],
    "whoever_looks_for_an_object_may_see_that_it_is_not_there": [
        may_not("PullDatasetRole", "s3:ListBucket"),
    ],
    # keys
    "the_key_of_a_log_group_lets_cloudwatch_logs_use_it": [
        key_without("DataKey", "EncryptsLogs"),
        lambda stack: at("PullDatasetLogGroup.KmsKeyId", stack.arn("SchoolKey"))(stack),
    ],
    "the_key_of_a_topic_lets_alarms_through": [
        key_without("DataKey", "LetsAlarmsThrough"),
        at("AlarmTopic.KmsMasterKeyId", "alias/aws/sns"),
    ],
    "the_key_of_a_table_can_be_used_through_dynamodb": [
        key_without("DataKey", "UsedThroughServices"),
        lambda stack: at("SchoolsTable.SSESpecification.KMSMasterKeyId", stack.ref("SchoolKey"))(
            stack
        ),
    ],
    "the_key_of_a_bucket_can_be_used_through_s3": [key_without("DataKey", "UsedThroughServices")],
    "a_key_can_be_administered_and_used_by_the_roles_that_may": [
        key_without("SchoolKey", "AccountAdministers"),
    ],
    "a_keys_policy_is_short_enough": [at("SchoolKey.KeyPolicy.Statement.0.Sid", "x" * 32769)],
    "a_function_may_use_the_key_of_its_queues": [
        key_without("QueueKey", "UsedThroughQueues"),
        lambda stack: at("PullQueue.KmsMasterKeyId", stack.ref("DataKey"))(stack),
    ],
    # queues
    "a_message_stays_hidden_for_six_times_what_its_function_may_take": [
        at("PullQueue.VisibilityTimeout", 5399),
        without("PullQueue.VisibilityTimeout"),
    ],
    "a_queue_gives_a_message_up_after_five_times_at_the_earliest": [
        at("PullQueue.RedrivePolicy.maxReceiveCount", 4),
        without("PullQueue.RedrivePolicy"),
    ],
    "a_batch_of_more_than_ten_waits_for_itself": [at("PlanPullsFunctionMessages.BatchSize", 11)],
    "whoever_reads_a_queue_runs_as_often_as_lambda_can_bound": [
        at("PlanPullsFunctionMessages.ScalingConfig.MaximumConcurrency", 1),
        at("PlanPullsFunction.ReservedConcurrentExecutions", 19),
    ],
    "a_queue_keeps_and_hides_messages_as_long_as_sqs_can": [
        at("PullQueue.VisibilityTimeout", 43_201),
        at("PullQueue.MessageRetentionPeriod", 1_209_601),
        at("PullQueue.DelaySeconds", 901),
    ],
    "dead_letters_are_kept_at_least_as_long_as_messages": [
        at("PullDeadLetterQueue.MessageRetentionPeriod", 1_209_599),
        at("PullDeadLetterQueue.FifoQueue", True),
    ],
    # logs
    "a_log_group_has_a_name_that_there_can_be": [at("PullDatasetLogGroup.LogGroupName", "a name")],
    "a_log_is_kept_for_one_of_the_times_there_are": [
        at("PullDatasetLogGroup.RetentionInDays", 8),
        without("PullDatasetLogGroup.RetentionInDays"),
    ],
    "an_access_log_is_one_line_of_json_that_names_the_request": [
        at(
            "CallbacksApiApiGatewayDefaultStage.AccessLogSettings.Format", '{"a":"$context.status"}'
        ),
        at(
            "CallbacksApiApiGatewayDefaultStage.AccessLogSettings.Format",
            '{"a":$context.requestId}',
        ),
        at(
            "CallbacksApiApiGatewayDefaultStage.AccessLogSettings.Format",
            '{"a":\n"$context.requestId"}',
        ),
    ],
    "a_filter_looks_at_fields_that_are_in_the_log": [
        at("CallbackThrottledFilter.FilterPattern", '{ $.code = "429" }'),
        at("CallbackThrottledFilter.FilterPattern", "{ $.status is 429 }"),
    ],
    "a_filter_counts_in_a_namespace_that_is_not_amazons": [
        at("CallbackThrottledFilter.MetricTransformations.0.MetricNamespace", "AWS/Ours"),
    ],
    # events
    "a_bus_has_a_name_that_there_can_be": [
        at("EventBus.Name", "default"),
        at("EventBus.Name", "a/b"),
    ],
    "a_pattern_is_made_of_lists": [
        at("EventArchive.EventPattern", {"source": "xporter-bridge"}),
        at("EventArchive.EventPattern", {"detail": {"type": [{"begins": "x"}]}}),
        at("EventArchive.EventPattern", {}),
    ],
    "an_archive_is_of_a_bus_and_keeps_for_days": [
        at("EventArchive.SourceArn", "arn:aws:events:a:1:event-bus/other"),
        at("EventArchive.ArchiveName", "x" * 49),
    ],
    "a_rate_is_a_number_and_its_unit": [
        at("WatchDeadlinesFunctionShard0.ScheduleExpression", "rate(1 minutes)"),
        at("WatchDeadlinesFunctionShard0.ScheduleExpression", "rate(30 seconds)"),
        at("WatchDeadlinesFunctionShard0.ScheduleExpression", "cron(0 * * * ?)"),
    ],
    "a_schedule_tries_again_within_its_bounds": [
        at("WatchDeadlinesFunctionShard0.Target.RetryPolicy.MaximumEventAgeInSeconds", 59),
        at("WatchDeadlinesFunctionShard0.Target.RetryPolicy.MaximumRetryAttempts", 186),
    ],
    "a_flexible_schedule_says_how_flexible": [
        at("WatchDeadlinesFunctionShard0.FlexibleTimeWindow", {"Mode": "FLEXIBLE"}),
    ],
    "a_schedule_may_start_what_it_starts": [
        may_not("WatchScheduleRole", "lambda:InvokeFunction"),
        lambda stack: at(
            "WatchScheduleRole.AssumeRolePolicyDocument",
            stack.resources["PullDatasetRole"]["Properties"]["AssumeRolePolicyDocument"],
        )(stack),
    ],
    # functions
    "a_function_is_within_lambdas_sizes": [
        at("PullDatasetFunction.Timeout", 901),
        at("PullDatasetFunction.MemorySize", 127),
        at("PullDatasetFunction.Layers", ["arn"] * 6),
    ],
    "the_variables_of_a_function_are_few_and_its_own": [
        at("PullDatasetFunction.Environment.Variables.AWS_REGION", "eu-west-2"),
        at("PullDatasetFunction.Environment.Variables.MUCH", "x" * 4096),
    ],
    "a_function_has_a_name_that_there_can_be": [
        at("PullDatasetFunction.FunctionName", "x" * 65),
    ],
    "a_deployment_looks_at_ten_alarms_at_most": [
        at("PullDatasetFunctionDeploymentGroup.AlarmConfiguration.Alarms", [{"Name": "other"}]),
    ],
    "a_layer_has_a_name_that_there_can_be": [
        lambda stack: [
            layer.update(LayerName="x" * 141)
            for layer in stack.of("AWS::Lambda::LayerVersion").values()
        ],
    ],
    "a_function_behind_an_api_answers_before_api_gateway_gives_up": [
        at("ServeApiFunction.Timeout", 31),
    ],
    "a_route_that_is_throttled_is_there": [
        at("CallbacksApiApiGatewayDefaultStage.RouteSettings", {"POST /callbacks/none": {}}),
    ],
    "a_throttle_is_below_that_of_the_account": [
        at("CallbacksApiApiGatewayDefaultStage.DefaultRouteSettings.ThrottlingBurstLimit", 5_001),
    ],
    # recursion
    "a_function_may_recurse_if_it_feeds_itself_and_only_then": [
        at("PullDatasetFunction.RecursiveLoop", "Terminate"),
        at("PlanPullsFunction.RecursiveLoop", "Allow"),
        may("SettleWritebackRole", "sqs:SendMessage", on=lambda stack: stack.arn("OutcomeQueue")),
    ],
    # limits
    "a_template_is_within_cloudformations_sizes": [
        lambda stack: stack.document["Resources"].update({f"R{n}": {} for n in range(500)}),
        lambda stack: stack.document.update(Description="x" * 1_000_001),
    ],
    "a_name_in_the_template_is_letters_and_digits": [
        lambda stack: stack.document["Outputs"].update({"Bucket-Name": {}}),
    ],
    "a_parameter_takes_its_own_default": [
        lambda stack: stack.document["Parameters"]["KeepDays"].update(Default=0),
        lambda stack: stack.document["Parameters"]["AlarmEmail"].update(Default="ops"),
        lambda stack: stack.document["Parameters"]["Stage"].update(Default="dev"),
    ],
    "a_table_declares_the_attributes_of_its_keys_and_no_others": [
        lambda stack: stack.resources["SchoolsTable"]["Properties"]["AttributeDefinitions"].append(
            {"AttributeName": "name", "AttributeType": "S"}
        ),
    ],
    "what_athena_reads_has_a_name_in_small_letters": [
        at("GlueDatabase.DatabaseInput.Name", "Upper"),
        at("SnapshotsGlueTable.TableInput.PartitionKeys.0.Name", "Estab"),
    ],
}
