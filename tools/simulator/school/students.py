"""The rows of the Students table, in the recorded order of their 76 keys."""

from datetime import date
from operator import mul

from tools.simulator.school.groups import house_of, registration_of, year_of
from tools.simulator.school.people import (
    address,
    birthday,
    contact_name,
    family,
    student_id,
    student_name,
)
from tools.simulator.school.profiles import Profile
from tools.simulator.school.revisioned_tables import Row
from tools.simulator.school.seeded_random import draw, guid, number, row_hash, xid

_ETHNICITIES = (
    ("WENG", "White - English"), ("WENG", "White - English"), ("WENG", "White - English"),
    ("WWEL", "White - Welsh"), ("AIND", "Indian"), ("APKN", "Pakistani"),
    ("BAFR", "Black - African"), ("MWBC", "White and Black Caribbean"),
    ("WEEU", "White Eastern European"),
)  # fmt: skip
_RELIGIONS = (
    ("CH", "Christian"), ("NO", "No Religion"), ("MU", "Muslim"), ("HI", "Hindu"),
    ("SI", "Sikh"), ("NO", "No Religion"),
)  # fmt: skip
_LANGUAGES = (
    ("ENG", "English"), ("ENG", "English"), ("ENG", "English"), ("ENG", "English"),
    ("ENG", "English"), ("PNJ", "Panjabi"), ("POL", "Polish"), ("URD", "Urdu"),
)  # fmt: skip
_TRAVEL = ("Walk", "Car", "Bus (type not known)", "Cycle", "Train")
_NOTES = (
    None,
    "Enjoys the school choir",
    "Moved house this term",
    "New glasses: sits at the front",
    "Collected by grandmother on Fridays",
)
_UPN_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"


def upn(profile: Profile, n: int) -> str:
    """Return a unique pupil number with its proper check letter."""
    # From the 1,000th pupil on, the entry year goes back, so that numbers stay unique.
    older, serial = divmod(n, 1000)
    digits = f"{profile.estab}{(profile.year_start.year - older) % 100:02d}{serial:03d}"
    weighted = sum(map(mul, range(2, 14), map(int, digits)))
    return f"{_UPN_LETTERS[weighted % 23]}{digits}"


def _identity(profile: Profile, n: int, version: int) -> Row:
    forename, last, gender = student_name(profile, n)
    identity = student_id(n)
    mail = f"{forename[0]}{last}{identity}{f'.{version}' if version else ''}@{profile.domain}"
    mail = mail.lower().replace("'", "")
    year, registration, house = (
        year_of(profile, n),
        registration_of(profile, n),
        house_of(profile, n),
    )
    return {
        "Id": identity,
        "XID": xid(0, n),
        "ExternalId": guid(draw(profile.key, b"pupil", n)),
        "IdaasId": f"PL-{identity}",
        "Forename": forename,
        "Surname": last,
        "DisplayName": f"{forename} {last}",
        "AdmissionNo": f"{n + 4000:06d}",
        "Gender": gender,
        "RegGroupId": registration.identity,
        "RegGroup": registration.name,
        "YearGroupId": year.identity,
        "YearGroup": year.name,
        "HouseGroupId": house.identity,
        "HouseGroup": house.name,
        "WorkEmail": mail,
        "IdaasEmail": mail,
    }


def _enrolment(profile: Profile, n: int) -> Row:
    forename, last, _ = student_name(profile, n)
    year = profile.years[n % len(profile.years)]
    fixed = draw(profile.key, b"enrol", n)
    entry = date(profile.year_start.year - (year - profile.years[0]), 9, 3)
    pool = ("James", "Rose", "Anne", "David", "Grace", "Louise", "Thomas", None)
    return {
        "DateofBirth": birthday(profile, n, year).isoformat(),
        "UniqueLearnerNumber": str(1_100_000_000 + n * 7),
        "UPN": upn(profile, n),
        "formerUPN": None,
        "MiddleName": pool[fixed[0] % 8],
        "EnrolmentStatus": "C",
        "Boarder": 0,
        "LegalForename": forename,
        "LegalSurname": last,
        "EntryDate": entry.isoformat(),
        "LeavingDate": None,
        "Destination": None,
        "DestinationStartDate": None,
        "ReasonForLeaving": None,
    }


def _support(profile: Profile, n: int) -> Row:
    fixed = draw(profile.key, b"support", n)
    free_meals = int(fixed[0] < 58)
    in_care = int(fixed[1] < 3)
    return {
        "SENProvision": ("K", "E")[fixed[2] & 1] if fixed[3] < 44 else "N",
        "FSMEligible": free_meals,
        "FsmEndDate": None,
        "UniformAllowance": 0,
        "PupilPremium": int(free_meals or in_care),
        "YSSA": "Not applicable",
        "EAL": int(_LANGUAGES[fixed[4] % 8][0] != "ENG"),
        "FSMEver6": int(free_meals or fixed[5] < 20),
        "Gifted": int(fixed[6] < 12) if fixed[6] < 240 else None,
        "ServiceChild": "0" if fixed[7] > 4 else "1",
        "ServiceChildSource": "Parent",
        "InLeaCare": in_care,
        "LeaCareAuthority": profile.estab[:3] if in_care else None,
        "EverInCare": in_care,
        "IsYoungCarer": int(fixed[8] < 5) if fixed[8] < 240 else None,
        "AsylumStatus": None,
    }


def _background(profile: Profile, n: int, version: int) -> Row:
    fixed = draw(profile.key, b"background", n)
    language_code, language = _LANGUAGES[draw(profile.key, b"support", n)[4] % 8]
    ethnicity_code, ethnicity = _ETHNICITIES[fixed[0] % len(_ETHNICITIES)]
    religion_code, religion = _RELIGIONS[fixed[1] % len(_RELIGIONS)]
    return {
        "ReligionCode": religion_code,
        "Religion": religion,
        "EthnicityCode": ethnicity_code,
        "Ethnicity": ethnicity,
        "EthnicitySource": "P",
        "HomeLanguage": language,
        "HomeLanguageCode": language_code,
        "FirstLanguage": language,
        "FirstLanguageCode": language_code,
        "FirstLanguageSource": "P",
        "EnglishProficiencyLevel": "E" if language_code == "ENG" else "ABCD"[fixed[2] % 4],
        "NationalIdentity": "British",
        "Nationality": "GBR",
        "ModeOfTravel": _TRAVEL[(fixed[3] + version) % len(_TRAVEL)],
        "IsTraveller": int(fixed[4] < 2),
        "TravellerSource": "Parent",
    }


def student_row(profile: Profile, n: int, version: int, stamp: str | None) -> Row:
    """Return pupil ``n``; with each version the pupil has moved house and changed mail address."""
    drawn = draw(profile.key, b"Students", n, version)
    household = family(n)
    return {
        **_identity(profile, n, version),
        **_enrolment(profile, n),
        **_support(profile, n),
        **_background(profile, n, version),
        "ParentalSalutation": " ".join(contact_name(profile, household * 2)),
        **address(profile, household, version),
        "StudentStatus": "OnRoll",
        "QuickNote": _NOTES[(number(drawn, 0) + version) % len(_NOTES)],
        "LastUpdated": stamp or profile.stamps[drawn[2]],
        "RowHash": row_hash(drawn),
    }
