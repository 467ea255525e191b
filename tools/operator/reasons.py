"""The meaning of the reasons that the product stores, and who must act."""

import re
from enum import StrEnum


class Fault(StrEnum):
    """The party that has to act."""

    XPORTER = "xporter"
    SCHOOL = "school"
    OURS = "ours"
    NOBODY = "nobody"


_SENTENCES = {
    "xporter_exception": "Xporter answers with an exception of its own",
    "xporter_answer_cut": "Xporter's answer ends in the middle",
    "xporter_429": "Xporter limits how often it may be asked",
    "data_not_ready": "Xporter has not fetched the data from the school yet",
    "answer_without_tables": "Xporter's answer has no tables",
    "fresh_token_refused": "Xporter refuses the token that it has just issued",
    "token_unsendable": "Xporter issued a token that cannot be sent back",
    "pages_kept_moving": "the school's data changed during each of several attempts",
    "secret_refused": "Xporter refuses the school's secret",
    "token_of_another_partner": "the school's secret opens another partner's data",
    "school_without_secret": "no secret of the school is stored",
    "unexpected_fault": "our own code failed in a way that it does not know",
    "not_configured": "the dataset is not in datasets.toml any more",
    "authorisation_paused": "the school is still choosing whom to include",
    "scope_removed": "the school does not share it any more, so it was erased",
    "scopes_removed": "the school does not share it any more, so it was erased",
}
_OF_SECRETS = frozenset({"secret_refused", "token_of_another_partner"})
_OF_XPORTER = frozenset(
    {
        "data_not_ready",
        "answer_without_tables",
        "fresh_token_refused",
        "token_unsendable",
        "pages_kept_moving",
        "answer_too_large",
        "change_set_in_place_of_all",
        "count_beyond_reason",
        "count_is_no_number",
        "full_page_without_pagination",
        "page_count_beyond_reason",
        "row_is_no_object",
        "special_array_without_objects",
        "table_name_unusable",
        "too_many_tables",
        "deletion_unmet",
        "identity_repeated",
        "row_count_not_met",
    }
)
# AWS refused or failed: "dynamodb:UpdateItem: AccessDeniedException".
_OF_AWS = re.compile(r"^[a-z0-9-]+:[A-Z]\w+")
_OF_SCOPES = re.compile(r"^(needs|waits for) the scope")
_OF_THE_SCHOOL = re.compile(r"^(school_|authorisation_paused|estab_changed)")


def fault_of(reason: str) -> Fault:
    """Return the party that has to act on a dataset's reason."""
    word = reason.partition(":")[0].strip()
    if word in _OF_SECRETS or _OF_SCOPES.match(reason) or _OF_THE_SCHOOL.match(reason):
        return Fault.SCHOOL
    if word in _OF_XPORTER or word.startswith(("xporter_", "rate_limited", "as_of_changed")):
        return Fault.XPORTER
    return Fault.OURS


def sentence(reason: str) -> str:
    """Return what a reason means, for a person; a reason that is a sentence stays as it is."""
    word = reason.partition(":")[0].strip()
    if word in _SENTENCES:
        return _SENTENCES[word]
    if found := re.fullmatch(r"school_(\w+)", word):
        return f"the school is {found[1].replace('_', ' ')}"
    if found := re.fullmatch(r"xporter_(\d{3})", word):
        return f"Xporter answers with HTTP {found[1]}"
    if word.startswith("xporter_"):
        return f"Xporter does not answer ({word.removeprefix('xporter_').replace('_', ' ')})"
    if _OF_AWS.match(reason):
        return f"AWS refused or failed a call of ours ({reason})"
    if " " not in reason and "_" in reason:
        return f"Xporter's answer is not as it is known ({reason.replace('_', ' ')})"
    return reason


def is_of_secret(reason: str) -> bool:
    """Tell whether Xporter refused the school's secret."""
    return reason.partition(":")[0].strip() in _OF_SECRETS
