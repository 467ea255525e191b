"""What Secrets Manager can generate."""

import string
from collections.abc import Iterator

from tests.support.template_rules.rule import rule
from tests.support.translated_template import Stack

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
