"""What Secrets Manager can generate."""

import string
from collections.abc import Iterator

from tests.support.template_rules.rule import rule
from tests.support.translated_template import ACCOUNT, Stack

_KINDS = {
    "ExcludeLowercase": string.ascii_lowercase,
    "ExcludeUppercase": string.ascii_uppercase,
    "ExcludeNumbers": string.digits,
    "ExcludePunctuation": string.punctuation,
}


@rule("secretsmanager/latest/apireference/API_GetRandomPassword.html")
def every_required_kind_of_character_is_left_to_choose_from(stack: Stack) -> Iterator[str]:
    for name, properties in stack.of("AWS::SecretsManager::Secret").items():
        asked = properties.get("GenerateSecretString", {})
        excluded = set(asked.get("ExcludeCharacters", ""))
        kinds = [set(kind) for key, kind in _KINDS.items() if not asked.get(key, False)]
        if asked.get("RequireEachIncludedType", True) and any(kind <= excluded for kind in kinds):
            yield f"{name} excludes every character of a kind that it requires"
        if not set().union(*kinds) - excluded:
            yield f"{name} excludes every character"


@rule("secretsmanager/latest/apireference/API_GetRandomPassword.html")
def a_generated_secret_has_room_for_every_kind(stack: Stack) -> Iterator[str]:
    for name, properties in stack.of("AWS::SecretsManager::Secret").items():
        length = properties.get("GenerateSecretString", {}).get("PasswordLength", 32)
        if not 4 <= length <= 4096:
            yield f"{name} asks for {length} characters"


@rule("secretsmanager/latest/userguide/rotating-secrets-required-permissions-function.html")
def secrets_manager_may_call_what_rotates_a_secret(stack: Stack) -> Iterator[str]:
    """With a secret's ARN as its source, the permission would be for that secret alone."""
    permissions = {
        name: each
        for name, each in stack.of("AWS::Lambda::Permission").items()
        if each["Principal"] == "secretsmanager.amazonaws.com"
    }
    for name, schedule in stack.of("AWS::SecretsManager::RotationSchedule").items():
        depends = stack.resources[name].get("DependsOn", [])
        awaited = depends if isinstance(depends, list) else [depends]
        fit = [
            permissions[each]
            for each in permissions.keys() & set(awaited)
            if permissions[each]["FunctionName"] == schedule["RotationLambdaARN"]
        ]
        if not [p for p in fit if p.get("SourceAccount") == ACCOUNT and "SourceArn" not in p]:
            yield f"{name} waits for no permission"


@rule("secretsmanager/latest/apireference/API_RotateSecret.html")
def a_rotation_waits_for_its_day(stack: Stack) -> Iterator[str]:
    for name, schedule in stack.of("AWS::SecretsManager::RotationSchedule").items():
        if schedule.get("RotateImmediatelyOnUpdate", True):
            yield f"{name} rotates with every deployment that changes it"
        days = int(schedule["RotationRules"]["AutomaticallyAfterDays"])
        if not 1 <= days <= 1000:
            yield f"{name} rotates after {days} days"
