import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.builders import ESTAB, RELYING_PARTY, SECRET, authentication_form
from xporter_bridge.callbacks.bodies import fields_of
from xporter_bridge.errors import CallbackRejectedError
from xporter_bridge.onboarding.payloads import AuthenticationCallback, read_authentication

# As the vendor's page prints it, line wraps included (shared/seed).
WRAPPED_EXAMPLE = b"""\
schoolSecret=0755658d-0c81-4bfc-93a2-77b9e873914f&schoolId=3286198&schoolEmail=rrainey%40groupcall.com
&schoolName=Testing+School&templateScopes=AssessmentResults%2CAttendance%2CSchool%2CSEN%2CSENTypes%2CStudent
&scopes=AssessmentResults%2CAttendance%2CSchool%2CSEN%2CSENTypes%2CStudent%2CStudentDemographic
&thirdParty=XporterOnDemand&partnerId=live.example.app
"""


def authentication(body: bytes) -> AuthenticationCallback:
    return read_authentication(fields_of(body))


def rejection(body: bytes) -> tuple[int, str]:
    with pytest.raises(CallbackRejectedError) as rejected:
        authentication(body)
    return rejected.value.status, rejected.value.reason


def as_json(**fields: Any) -> bytes:
    documented = {"schoolSecret": SECRET, "schoolId": ESTAB, "partnerId": RELYING_PARTY}
    return json.dumps({**documented, **fields}).encode()


# -- authentication callbacks


def test_the_documented_form_is_read() -> None:
    assert authentication(authentication_form()) == AuthenticationCallback(
        schoolsecret=SECRET,
        schoolid=ESTAB,
        partnerid=RELYING_PARTY,
        schoolname="Testing School",
    )


@pytest.mark.parametrize(
    "body", [WRAPPED_EXAMPLE, WRAPPED_EXAMPLE.replace(b"\n", b"\r\n"), WRAPPED_EXAMPLE.strip()]
)
def test_the_vendors_own_example_is_read_although_its_lines_are_wrapped(body: bytes) -> None:
    said = authentication(body)
    assert (said.estab, said.relying_party) == ("3286198", "live.example.app")
    assert said.secret == "0755658d-0c81-4bfc-93a2-77b9e873914f"
    assert said.school_name == "Testing School"


def test_the_same_fields_are_read_from_json() -> None:
    assert authentication(as_json()).secret == SECRET


@pytest.mark.parametrize("spelling", [str.lower, str.upper, str.swapcase])
def test_field_names_have_no_case(spelling: Any) -> None:
    names = ("schoolSecret", "schoolId", "partnerId")
    body = b"&".join(
        f"{spelling(name)}={value}".encode()
        for name, value in zip(names, (SECRET, ESTAB, RELYING_PARTY), strict=True)
    )
    assert authentication(body).estab == ESTAB


def test_unknown_fields_are_ignored() -> None:
    assert authentication(authentication_form(surprise="1", **{"another[]": "x"})).estab == ESTAB
    assert authentication(as_json(surprise={"deep": [1, None]})).estab == ESTAB


@pytest.mark.parametrize("missing", ["schoolSecret", "schoolId", "partnerId"])
def test_a_missing_field_is_named_and_its_value_is_not(missing: str) -> None:
    status, reason = rejection(authentication_form(**{missing: None}))
    assert (status, reason) == (400, f"{missing.lower()}_malformed")
    assert rejection(authentication_form(**{missing: " "})) == (status, reason)


@pytest.mark.parametrize(
    "estab", ["328110", "32811022", "328110a", "\uff13281102", "3281102/..", "-281102"]
)
def test_an_estab_is_seven_plain_digits(estab: str) -> None:
    assert rejection(authentication_form(schoolId=estab)) == (400, "schoolid_malformed")


def test_an_estab_may_be_a_number_in_json() -> None:
    assert authentication(as_json(schoolId=int(ESTAB))).estab == ESTAB
    assert rejection(as_json(schoolId=True)) == (400, "schoolid_malformed")


@pytest.mark.parametrize(
    "field", [{"scopes": ["School"]}, {"thirdParty": 7}, {"templateScopes": None}]
)
def test_a_field_that_nothing_acts_on_may_be_anything(field: dict[str, Any]) -> None:
    assert authentication(as_json(**field)).estab == ESTAB


@pytest.mark.parametrize(
    ("name", "kept"),
    [(None, ""), (7, ""), ("  Hilltop ", "Hilltop"), ("a" * 301, "a" * 300), ("a\ud800b", "a b")],
)
def test_no_callback_is_refused_for_the_name_of_its_school(name: Any, kept: str) -> None:
    assert authentication(as_json(schoolName=name)).school_name == kept


def test_spaces_around_a_value_are_not_part_of_it() -> None:
    assert authentication(authentication_form(schoolId=f" {ESTAB}\r\n")).estab == ESTAB


def test_a_secret_without_end_is_refused() -> None:
    assert rejection(authentication_form(schoolSecret="a" * 201)) == (400, "schoolsecret_malformed")


@pytest.mark.parametrize(
    ("extra", "name"),
    [
        (b"&schoolId=3286198", "schoolid"),
        (b"&SCHOOLID=3286198", "schoolid"),
        (b"&school%49d=3286198", "schoolid"),
        (b"&schoolSecret=another", "schoolsecret"),
        (b"&partnerId=stranger.app", "partnerid"),
    ],
)
def test_what_is_acted_on_may_not_be_given_two_values(extra: bytes, name: str) -> None:
    assert rejection(authentication_form() + extra) == (400, f"{name}_ambiguous")


@pytest.mark.parametrize("name", ["schoolId", "SCHOOLID", "school\\u0049d"])
def test_nor_may_it_in_json_however_it_is_spelt(name: str) -> None:
    body = as_json()[:-1] + f', "{name}": "3286198"}}'.encode()
    assert rejection(body) == (400, "schoolid_ambiguous")


@pytest.mark.parametrize(
    "extra",
    [
        b"&scopes=School&scopes=Student",
        f"&schoolId={ESTAB}&SCHOOLID=+{ESTAB}+".encode(),
        b"&partnerId=",
        b"&surprise=1&surprise=2&&&=3",
        b"&schoolName=Another",
    ],
)
def test_anything_else_may_be_named_twice_and_the_same_value_given_again(extra: bytes) -> None:
    said = authentication(authentication_form() + extra)
    assert (said.secret, said.estab, said.relying_party) == (SECRET, ESTAB, RELYING_PARTY)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        (b"St+Mary+&+St+Joseph", "St Mary & St Joseph"),
        (b"Smith+%26+Sons", "Smith & Sons"),
        (b"Brown+&amp;+Co", "Brown & Co"),
        (b"Ysgol+G\xe2r", "Ysgol G\xe2r"),
        (b"Ysgol+G%E2r", "Ysgol G\xe2r"),
        ("Ysgol+G\xe2r".encode(), "Ysgol G\xe2r"),
        ("A\uffffB\ufffe".encode(), "A B"),
        (b"A%00B\0", "A B"),
        (b"A%0D%0AB%07", "A B"),
        (b"100%+Academy%", "100% Academy%"),
        (b"A=B", "A=B"),
        (b"\x81\x8d", "\ufffd\ufffd"),
    ],
)
def test_a_name_is_read_as_well_as_it_can_be(written: bytes, name: str) -> None:
    form = authentication_form(schoolName=None)
    for body in (form + b"&schoolName=" + written, b"schoolName=" + written + b"&" + form):
        said = authentication(body)
        assert (said.school_name, said.estab, said.secret) == (name, ESTAB, SECRET)


@pytest.mark.parametrize(
    ("flag", "installed", "completed"),
    [
        (b"xodInstalled", True, None),
        (b"&&installCompleted&", None, True),
        (b"xodInstalled&installCompleted=true", True, True),
        (b"surprise", None, None),
        (b"installed=true&installed=false", None, None),
        (b"installed=true&Installed=1", True, None),
    ],
)
def test_a_flag_may_stand_alone(flag: bytes, installed: Any, completed: Any) -> None:
    for body in (flag + b"&" + authentication_form(), authentication_form() + b"&" + flag):
        said = authentication(body)
        assert (said.is_installed, said.has_completed_install) == (installed, completed)
        assert said.school_name == "Testing School"


@pytest.mark.parametrize("name", ["schoolSecret", "partnerId"])
@pytest.mark.parametrize("character", ["\0", "\x07", "\uffff", "\n"])
def test_what_is_acted_on_may_hold_no_character_that_is_none(name: str, character: str) -> None:
    said = {name: f"a{character}b"}
    refused = (400, f"{name.lower()}_malformed")
    assert rejection(authentication_form(**said)) == rejection(as_json(**said)) == refused


def test_a_lone_surrogate_in_json_is_refused() -> None:
    assert rejection(as_json(schoolSecret="\ud800")) == (400, "schoolsecret_malformed")


@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"\r\n\t", b"hello", b"a&b", b"[", b"{}trailing", b"{", b"[1", b'{"a":}',
        b"{}{}", b"[" * 60_000, b"{" * 60_000, b"9" * 10_000, b"[]", b"1", b"null", b'"text"',
        b"schoolSecret", b"schoolSecret=\xff", b"schoolName=%FF%FE", b'{"a": "\xff"}',
    ],
)  # fmt: skip
def test_what_holds_no_secret_is_refused(body: bytes) -> None:
    assert rejection(body)[0] == 400


def test_json_without_a_field_is_refused() -> None:
    assert rejection(b"{}") == (400, "schoolsecret_malformed")


@pytest.mark.parametrize("value", [None, 1, True, [], {}])
def test_a_value_of_the_wrong_kind_is_refused(value: Any) -> None:
    assert rejection(as_json(schoolSecret=value)) == (400, "schoolsecret_malformed")


@pytest.mark.parametrize("depth", [10, 500, 900, 1_000, 30_000])
def test_json_of_any_depth_is_read_or_refused(depth: int) -> None:
    body = as_json()[:-1] + b', "deep": ' + b"[" * depth + b"]" * depth + b"}"
    try:
        assert authentication(body).estab == ESTAB
    except CallbackRejectedError as rejected:
        assert rejected.status == 400  # noqa: PT017 - reading it is fine too


def test_a_form_of_countless_fields_is_read() -> None:
    body = b"&".join(b"f%d" % number for number in range(9_000))
    assert authentication(body + b"&" + authentication_form()).estab == ESTAB


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_with_a_400(body: bytes) -> None:
    for sent in (body, b"{" + body, authentication_form() + b"&" + body):
        try:
            authentication(sent)
        except CallbackRejectedError as rejected:
            assert rejected.status == 400  # noqa: PT017 - the other way, reading it, is fine too


def test_a_callback_does_not_show_its_secret() -> None:
    assert SECRET not in repr(authentication(authentication_form()))


# -- the install flags, whose names nobody documents


@pytest.mark.parametrize("name", ["installed", "xodInstalled", "IsXodInstalled", "XOD_INSTALL"])
@pytest.mark.parametrize(
    ("text", "truth"), [("true", True), ("ok", True), ("on", True), ("No", False)]
)
def test_any_field_that_speaks_of_installing_tells_whether_xporter_is_installed(
    name: str, text: str, truth: bool
) -> None:
    said = authentication(authentication_form(**{name: text}))
    assert (said.is_installed, said.has_completed_install) == (truth, None)


@pytest.mark.parametrize("name", ["installCompleted", "InstallationComplete", "install_completed"])
def test_one_that_speaks_of_completing_tells_whether_the_install_is_complete(name: str) -> None:
    said = authentication(authentication_form(**{name: "True"}))
    assert (said.is_installed, said.has_completed_install) == (None, True)


@pytest.mark.parametrize("text", ["", "perhaps", "2026-11-24"])
def test_a_flag_that_is_no_truth_says_nothing(text: str) -> None:
    assert authentication(authentication_form(installed=text)).is_installed is None


@pytest.mark.parametrize(
    ("value", "truth"), [(True, True), (False, False), (1, True), (None, None)]
)
def test_flags_in_json_may_be_truths_of_json(value: Any, truth: bool | None) -> None:
    assert authentication(as_json(xodInstalled=value)).is_installed is truth


def test_fields_named_like_ours_cannot_be_sent() -> None:
    said = authentication(authentication_form(is_installed="perhaps", estab="3286198", secret="x"))
    assert (said.estab, said.secret, said.is_installed) == (ESTAB, SECRET, None)
