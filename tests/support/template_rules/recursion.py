"""Functions that queues lead back to: Lambda stops such a chain after about 16 messages."""

from collections.abc import Iterator

from tests.support.template_rules.rule import rule
from tests.support.translated_template import Stack


def loops(stack: Stack) -> dict[str, set[str]]:
    """Return each function that can start itself, with all functions on the way."""
    leads = {name: _next(stack, name) for name in stack.of("AWS::Lambda::Function")}
    reached = {name: _reached(name, leads) for name in leads}
    return {
        name: {other for other in reached[name] if name in reached[other]}
        for name in leads
        if name in reached[name]
    }


def _next(stack: Stack, function: str) -> set[str]:
    """Return the functions that a queue starts which the function may send to."""
    role = stack.of("AWS::Lambda::Function")[function]["Role"]
    sends = stack.allowed(role, "sqs:SendMessage")
    sources = stack.of("AWS::Lambda::EventSourceMapping").values()
    return {
        stack.function_named(each["FunctionName"])
        for each in sources
        if each["EventSourceArn"] in sends
    }


def _reached(start: str, leads: dict[str, set[str]]) -> set[str]:
    found, left = set[str](), list(leads[start])
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += leads[name]
    return found


@rule("lambda/latest/dg/invocation-recursion.html")
def a_function_may_recurse_if_it_feeds_itself_and_only_then(stack: Stack) -> Iterator[str]:
    feed_themselves = loops(stack)
    for name, properties in stack.of("AWS::Lambda::Function").items():
        allowed = properties.get("RecursiveLoop", "Terminate") == "Allow"
        if allowed != (name in feed_themselves):
            yield f"{name} has RecursiveLoop {properties.get('RecursiveLoop')}"
