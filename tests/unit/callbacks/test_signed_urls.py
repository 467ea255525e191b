from urllib.parse import parse_qs, parse_qsl, quote, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.builders import BASE_URL, ESTAB, KEY, OTHER_ESTAB, signed_url
from tests.support.fuzz import few_or_many
from xporter_bridge.callbacks.signed_urls import (
    CallbackKind,
    CallbackSubject,
    SigningKey,
    fingerprint,
    is_authentication_token,
    key_id,
    sign,
    verify,
)
from xporter_bridge.errors import CallbackRejectedError, ConfigurationError

NEW = SigningKey("key-0002", b"the secret after the rotation")
DATABASE = CallbackKind.DATABASE


def query_of(url: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(urlsplit(url).query).items()}


@pytest.mark.parametrize(
    ("kind", "subject"),
    [
        (CallbackKind.DATABASE, "XodSchoolData"),
        (CallbackKind.AVAILABILITY, "pull-0123456789abcdef"),
        (CallbackKind.WRITEBACK, "writeback-0123456789abcdef"),
    ],
)
def test_what_we_signed_is_what_we_read_back(kind: CallbackKind, subject: str) -> None:
    url = signed_url(kind, ESTAB, subject)
    assert url.startswith(f"{BASE_URL}/callbacks/{kind}?")
    assert verify(kind, query_of(url), keys=[KEY]) == CallbackSubject(kind, ESTAB, subject, KEY.id)


def test_the_url_shows_the_school_and_the_database_in_its_parameters() -> None:
    query = query_of(signed_url())
    assert query["estab"] == ESTAB
    assert query["database"] == "XodSchoolData"
    assert set(query) == {"estab", "database", "key", "signature"}


# Xporter holds URLs that earlier versions signed, for as long as a school stays registered.
SIGNED_EARLIER = {
    CallbackKind.DATABASE: (
        "XodSchoolData",
        "database?estab=3281102&database=XodSchoolData&key=key-0001&signature=DhUMdijo-F9xpyV4MOR0_QTCMjSSdnOaIor_T2Ny0X8",
    ),
    CallbackKind.AVAILABILITY: (
        "pull-1",
        "availability?estab=3281102&id=pull-1&key=key-0001&signature=gO5HHTVvuV0mLh18n96sof6Y_pWeQ5oP5jTkwgKuuNw",
    ),
    CallbackKind.WRITEBACK: (
        "writeback-1.0.1",
        "writeback?estab=3281102&id=writeback-1.0.1&key=key-0001&signature=p3ATwzxyv3OEKMkb9-F5MWqodewJPwxU_qPFTs06-ic",
    ),
}


@pytest.mark.parametrize("kind", CallbackKind)
def test_a_url_is_signed_as_it_always_was(kind: CallbackKind) -> None:
    subject, url = SIGNED_EARLIER[kind]
    assert signed_url(kind, ESTAB, subject) == f"{BASE_URL}/callbacks/{url}"


def test_the_fingerprint_of_a_url_is_what_it_always_was() -> None:
    # Another one would have every webhook of every school registered anew.
    assert fingerprint("https://a.example/callbacks") == "149b677688386855"


def test_the_id_of_a_key_is_read_whatever_the_case_of_its_name() -> None:
    assert key_id(query_of(signed_url())) == key_id({"KEY": KEY.id}) == KEY.id
    assert key_id({"estab": ESTAB}) == ""


@pytest.mark.parametrize("parameter", ["estab", "database", "signature"])
def test_half_a_character_is_refused_like_any_other_fault(parameter: str) -> None:
    query = {**query_of(signed_url()), parameter: "\ud800"}
    with pytest.raises(CallbackRejectedError) as rejected:
        verify(DATABASE, query, keys=[KEY])
    assert rejected.value.status == 404


def test_a_base_url_with_a_path_and_a_trailing_slash_is_kept() -> None:
    url = sign(DATABASE, ESTAB, "X", base_url="https://a.example/xporter/", keys=[KEY])
    assert url.startswith("https://a.example/xporter/callbacks/database?")


@pytest.mark.parametrize("parameter", ["estab", "database", "signature"])
def test_every_character_of_every_signed_parameter_counts(parameter: str) -> None:
    query = query_of(signed_url())
    for place, character in enumerate(query[parameter]):
        other = "1" if character != "1" else "2"
        text = query[parameter][:place] + other + query[parameter][place + 1 :]
        with pytest.raises(CallbackRejectedError) as rejected:
            verify(DATABASE, {**query, parameter: text}, keys=[KEY])
        assert (rejected.value.status, rejected.value.reason) == (404, "wrong_signature")


def test_a_signature_for_one_school_opens_nothing_at_another() -> None:
    query = {**query_of(signed_url()), "estab": OTHER_ESTAB}
    with pytest.raises(CallbackRejectedError):
        verify(DATABASE, query, keys=[KEY])


def test_a_signature_for_one_kind_of_callback_opens_no_other() -> None:
    query = query_of(signed_url(CallbackKind.AVAILABILITY, ESTAB, "pull-1"))
    with pytest.raises(CallbackRejectedError):
        verify(CallbackKind.WRITEBACK, query, keys=[KEY])


def test_parts_cannot_be_shifted_from_one_parameter_to_the_next() -> None:
    query = query_of(signed_url(CallbackKind.AVAILABILITY, "328", "1102"))
    with pytest.raises(CallbackRejectedError):
        verify(CallbackKind.AVAILABILITY, {**query, "estab": "3281", "id": "102"}, keys=[KEY])
    with pytest.raises(CallbackRejectedError):
        verify(CallbackKind.AVAILABILITY, {**query, "estab": "328\n1102", "id": ""}, keys=[KEY])


def test_a_missing_signature_is_told_apart_from_a_wrong_one_in_the_reason_alone() -> None:
    query = query_of(signed_url())
    del query["signature"]
    with pytest.raises(CallbackRejectedError) as rejected:
        verify(DATABASE, query, keys=[KEY])
    assert (rejected.value.status, rejected.value.reason) == (404, "unsigned")


@pytest.mark.parametrize("estab", ["", "3281102"])
def test_nothing_at_all_is_refused(estab: str) -> None:
    with pytest.raises(CallbackRejectedError):
        verify(DATABASE, {"estab": estab}, keys=[KEY])


def test_names_of_parameters_and_of_databases_have_no_case() -> None:
    query = {name.upper(): value for name, value in query_of(signed_url()).items()}
    query["DATABASE"] = query["DATABASE"].lower()
    assert verify(DATABASE, query, keys=[KEY]).estab == ESTAB


def test_an_id_has_case() -> None:
    query = query_of(signed_url(CallbackKind.WRITEBACK, ESTAB, "writeback-a"))
    with pytest.raises(CallbackRejectedError):
        verify(CallbackKind.WRITEBACK, {**query, "id": "WRITEBACK-A"}, keys=[KEY])


def test_parameters_that_xporter_adds_are_ignored() -> None:
    query = {**query_of(signed_url()), "XodCompleted": "True", "trackingid": "20171101.1"}
    assert verify(DATABASE, query, keys=[KEY]).subject == "XodSchoolData"


def test_a_url_of_the_previous_key_is_good_until_that_key_is_dropped() -> None:
    query = query_of(signed_url(DATABASE, ESTAB, "XodSchoolData", KEY))
    assert verify(DATABASE, query, keys=[NEW, KEY]).key_id == KEY.id
    with pytest.raises(CallbackRejectedError):
        verify(DATABASE, query, keys=[NEW])


def test_the_newest_key_signs() -> None:
    query = query_of(signed_url(DATABASE, ESTAB, "XodSchoolData", NEW, KEY))
    assert query["key"] == NEW.id
    assert verify(DATABASE, query, keys=[NEW]).key_id == NEW.id


@pytest.mark.parametrize("keys", [[], [SigningKey("empty", b"")], [KEY, SigningKey("empty", b"")]])
def test_without_a_usable_key_nothing_is_signed_and_nothing_believed(
    keys: list[SigningKey],
) -> None:
    with pytest.raises(ConfigurationError, match=r"^no key to sign callback URLs with$"):
        sign(DATABASE, ESTAB, "XodSchoolData", base_url=BASE_URL, keys=keys)
    with pytest.raises(ConfigurationError):
        verify(DATABASE, query_of(signed_url()), keys=keys)
    with pytest.raises(ConfigurationError):
        is_authentication_token("", keys=keys)


@given(st.dictionaries(st.sampled_from(["estab", "database", "key", "signature"]), st.text()))
def test_no_invented_query_is_ever_believed(query: dict[str, str]) -> None:
    with pytest.raises(CallbackRejectedError):
        verify(DATABASE, query, keys=[KEY])


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_no_guessed_path_token_is_believed_whatever_its_characters(guess: str) -> None:
    assert not is_authentication_token(guess, keys=[KEY])


def test_half_a_character_is_no_path_token() -> None:
    assert not is_authentication_token("\ud800", keys=[KEY])


def test_the_current_and_the_previous_path_token_are_believed() -> None:
    for key in (NEW, KEY):
        assert is_authentication_token(key.secret.decode(), keys=[NEW, KEY])
    assert not is_authentication_token(KEY.secret.decode(), keys=[NEW])


def test_a_key_never_shows_its_secret() -> None:
    assert KEY.secret.decode() not in repr(KEY)
    assert str(KEY.secret) not in f"{KEY}"


def test_a_fingerprint_tells_two_urls_apart_without_holding_either() -> None:
    one, other = signed_url(), signed_url(DATABASE, OTHER_ESTAB)
    assert fingerprint(one) == fingerprint(one) != fingerprint(other)
    assert query_of(one)["signature"] not in fingerprint(one)


# -- properties

PARTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
KINDS = st.sampled_from(CallbackKind)
quick = few_or_many(80)


@quick
@given(KINDS, PARTS, PARTS)
def test_what_was_signed_is_believed_after_any_encoding_of_the_url(
    kind: CallbackKind, estab: str, subject: str
) -> None:
    url = sign(kind, estab, subject, base_url="https://a.example", keys=[KEY])
    query = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
    again = dict(parse_qsl(urlencode(query, quote_via=quote), keep_blank_values=True))
    shuffled = dict(reversed(list(again.items())))
    found = verify(kind, {name.upper(): value for name, value in shuffled.items()}, keys=[KEY])
    assert found.subject.casefold() == subject.casefold()
    assert found.estab == estab


@quick
@given(KINDS, PARTS, PARTS, KINDS, PARTS, PARTS)
def test_no_url_is_good_for_anything_but_what_it_was_signed_for(
    kind: CallbackKind, estab: str, subject: str, other: CallbackKind, estab2: str, subject2: str
) -> None:
    def meaning(kind: CallbackKind, estab: str, subject: str) -> tuple[CallbackKind, str, str]:
        return kind, estab, subject.casefold() if kind is DATABASE else subject

    query = query_of(sign(kind, estab, subject, base_url="https://a.example", keys=[KEY]))
    name = "database" if other is DATABASE else "id"
    taken = {**query, "estab": estab2, name: subject2}
    if meaning(kind, estab, subject) == meaning(other, estab2, subject2):
        return
    with pytest.raises(CallbackRejectedError):
        verify(other, taken, keys=[KEY])
