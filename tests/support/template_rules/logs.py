"""What CloudWatch Logs takes, and what API Gateway writes there."""

import json
import re
from collections.abc import Iterator

from tests.support.template_rules.rule import rule
from tests.support.translated_template import Stack

_API = "AmazonCloudWatchLogs/latest/APIReference/"
_DAYS = {
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
}  # fmt: skip


@rule(_API + "API_CreateLogGroup.html")
def a_log_group_has_a_name_that_there_can_be(stack: Stack) -> Iterator[str]:
    for name, group in stack.of("AWS::Logs::LogGroup").items():
        given = group.get("LogGroupName", "generated")
        if not re.fullmatch(r"[.\-_/#A-Za-z0-9]{1,512}", given) or given.startswith("aws/"):
            yield f"{name} is called {given}"


@rule(_API + "API_PutRetentionPolicy.html")
def a_log_is_kept_for_one_of_the_times_there_are(stack: Stack) -> Iterator[str]:
    allowed = stack.document["Parameters"]["LogRetentionDays"]["AllowedValues"]
    if not set(allowed) <= _DAYS:
        yield f"LogRetentionDays may be one of {allowed}"
    for name, group in stack.of("AWS::Logs::LogGroup").items():
        if group.get("RetentionInDays") not in _DAYS:
            yield f"{name} is kept for {group.get('RetentionInDays')} days"


@rule("apigateway/latest/developerguide/http-api-logging-variables.html")
def an_access_log_is_one_line_of_json_that_names_the_request(stack: Stack) -> Iterator[str]:
    for name, stage in stack.of("AWS::ApiGatewayV2::Stage").items():
        format_ = stage["AccessLogSettings"]["Format"]
        if "$context.requestId" not in format_ and "$context.extendedRequestId" not in format_:
            yield f"{name} names no request"
        if "\n" in format_:
            yield f"{name} has a format of several lines"
        try:
            json.loads(format_)
        except ValueError:
            yield f"{name} has a format that is no JSON"


@rule("AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html")
def a_filter_looks_at_fields_that_are_in_the_log(stack: Stack) -> Iterator[str]:
    stages = stack.of("AWS::ApiGatewayV2::Stage").values()
    logs = [each["AccessLogSettings"] for each in stages]
    for name, filter_ in stack.of("AWS::Logs::MetricFilter").items():
        pattern = filter_["FilterPattern"]
        found = re.fullmatch(
            r'\{ (?:\$\.\w+ (?:=|!=|>|<) (?:"[^"]*"|\d+)(?: && | \|\| )?)+ \}', pattern
        )
        fields = set(re.findall(r"\$\.(\w+)", pattern))
        arn = stack.arn_of_ref(filter_["LogGroupName"])
        written = [
            set(json.loads(each["Format"])) for each in logs if each["DestinationArn"] == arn
        ]
        if not found or len(pattern) > 1024 or not all(fields <= each for each in written):
            yield f"{name} filters for {pattern}"


@rule(_API + "API_MetricTransformation.html")
def a_filter_counts_in_a_namespace_that_is_not_amazons(stack: Stack) -> Iterator[str]:
    for name, filter_ in stack.of("AWS::Logs::MetricFilter").items():
        (made,) = filter_["MetricTransformations"]
        if re.search(r"[:*$]|^AWS/", made["MetricNamespace"]) or len(made["MetricNamespace"]) > 255:
            yield f"{name} counts in {made['MetricNamespace']}"
        if "DefaultValue" in made and made.get("Dimensions"):
            yield f"{name} has a default and dimensions"
