"""What SQS and Lambda take for a queue and for whoever reads it."""

from collections.abc import Iterator

from tests.support.template_rules.rule import rule
from tests.support.translated_template import Stack

_SQS = "AWSSimpleQueueService/latest/SQSDeveloperGuide/"
_CONFIGURE = "lambda/latest/dg/services-sqs-configure.html"


@rule(_CONFIGURE)
def a_message_stays_hidden_for_six_times_what_its_function_may_take(stack: Stack) -> Iterator[str]:
    for name, source in stack.of("AWS::Lambda::EventSourceMapping").items():
        queue, function = stack.by_arn(source["EventSourceArn"]), stack.function_of(source)
        hidden = queue.get("VisibilityTimeout", 30)
        if hidden < 6 * function.get("Timeout", 3):
            yield f"{name}: {hidden} seconds for a function of {function.get('Timeout')}"


@rule(_CONFIGURE)
def a_queue_gives_a_message_up_after_five_times_at_the_earliest(stack: Stack) -> Iterator[str]:
    for name, source in stack.of("AWS::Lambda::EventSourceMapping").items():
        redrive = stack.by_arn(source["EventSourceArn"]).get("RedrivePolicy", {})
        if not 5 <= redrive.get("maxReceiveCount", 0) <= 1000:
            yield f"{name}: after {redrive.get('maxReceiveCount')}"


@rule("lambda/latest/api/API_CreateEventSourceMapping.html")
def a_batch_of_more_than_ten_waits_for_itself(stack: Stack) -> Iterator[str]:
    for name, source in stack.of("AWS::Lambda::EventSourceMapping").items():
        size, window = source.get("BatchSize", 10), source.get("MaximumBatchingWindowInSeconds", 0)
        if not 1 <= size <= (10_000 if window else 10) or not 0 <= window <= 300:
            yield f"{name} has batches of {size} within {window} seconds"


@rule("lambda/latest/dg/services-sqs-scaling.html")
def whoever_reads_a_queue_runs_as_often_as_lambda_can_bound(stack: Stack) -> Iterator[str]:
    for name, source in stack.of("AWS::Lambda::EventSourceMapping").items():
        most = source.get("ScalingConfig", {}).get("MaximumConcurrency", 2)
        kept = stack.function_of(source).get("ReservedConcurrentExecutions", most)
        if not 2 <= most <= 1000 or kept < most:
            yield f"{name} runs {most} times, of {kept} that are kept for it"


@rule(_SQS + "quotas-messages.html")
def a_queue_keeps_and_hides_messages_as_long_as_sqs_can(stack: Stack) -> Iterator[str]:
    for name, queue in stack.of("AWS::SQS::Queue").items():
        hidden, kept = queue.get("VisibilityTimeout", 30), queue["MessageRetentionPeriod"]
        if not (0 <= hidden <= 43_200 and 60 <= kept <= 1_209_600):
            yield f"{name} hides for {hidden} seconds and keeps for {kept}"
        if not 0 <= queue.get("DelaySeconds", 0) <= 900:
            yield f"{name} delays for {queue['DelaySeconds']} seconds"


@rule(_SQS + "sqs-dead-letter-queues.html")
def dead_letters_are_kept_at_least_as_long_as_messages(stack: Stack) -> Iterator[str]:
    for name, queue in stack.of("AWS::SQS::Queue").items():
        target = queue.get("RedrivePolicy", {}).get("deadLetterTargetArn")
        dead = stack.by_arn(target) if target else {}
        # A message's age counts from its first queue, so it dies in the second with that age.
        if dead and dead["MessageRetentionPeriod"] < queue["MessageRetentionPeriod"]:
            yield f"{name} keeps messages longer than its dead letters are kept"
        if dead and dead.get("FifoQueue", False) != queue.get("FifoQueue", False):
            yield f"{name} has dead letters of another kind"
