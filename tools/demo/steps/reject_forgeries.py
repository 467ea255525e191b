"""Forged callbacks."""

from collections.abc import Iterator
from urllib.parse import urlencode

import httpx

from tools.demo.context import Journey
from tools.demo.errors import NotYetError
from tools.demo.schools import CAUTIOUS, PRIMARY
from tools.demo.wait import expect, until


def reject_forgeries(journey: Journey) -> str:
    """Forged URLs get 404 and cause no request; a wrong secret leaves the working one in place."""
    since = journey.simulator.last_request()
    forged = list(_forged_urls(journey))
    for method, url in forged:
        answer = httpx.request(method, url, trust_env=False, timeout=30)
        expect(answer.status_code == 404, f"a forged {method} got {answer.status_code}")
    _post_wrong_secret(journey)
    # The wrong secret's own token request comes after whatever the forgeries would have caused.
    paths = _requests_until_refusal(journey, since)
    expect(paths == ["/api/oauth/gettoken"], f"forgeries caused requests: {paths}")
    journey.wait_for_state(f"/v1/schools/{PRIMARY.estab}", "live")
    return f"{len(forged)} forged calls: 404 and no request; the wrong secret was not believed"


def _forged_urls(journey: Journey) -> Iterator[tuple[str, str]]:
    """Yield the URLs that a stranger could make from public and observed URLs."""
    webhook = journey.simulator.school(PRIMARY.estab)["webhooks"][0]["url"]
    last = "A" if webhook[-1] != "A" else "B"
    unsigned = urlencode({"estab": PRIMARY.estab, "database": "XodSchoolData"})
    urls = [
        webhook[:-1] + last,
        webhook.replace(PRIMARY.estab, CAUTIOUS.estab),
        webhook.replace("XodSchoolData", "XodAttendanceSummary")
        if "XodSchoolData" in webhook
        else webhook.replace("XodAttendanceSummary", "XodSchoolData"),
        f"{journey.stack.callbacks_url}/callbacks/database?{unsigned}",
    ]
    yield from ((method, url) for url in urls for method in ("GET", "POST"))
    yield "POST", f"{journey.stack.callbacks_url}/callbacks/authentication/guessed"


def _post_wrong_secret(journey: Journey) -> None:
    form = {
        "schoolSecret": "11111111-1111-4111-8111-111111111111",
        "schoolId": PRIMARY.estab,
        "thirdParty": "XporterOnDemand",
        "partnerId": journey.stack.relying_party,
    }
    answer = httpx.post(journey.stack.authentication_url, data=form, trust_env=False, timeout=30)
    expect(answer.status_code == 202, f"an authentication callback got {answer.status_code}")


def _requests_until_refusal(journey: Journey, since: int) -> list[str]:
    def look() -> list[str]:
        paths = [entry["path"].lower() for entry in journey.simulator.requests(since)]
        if "/api/oauth/gettoken" not in paths:
            raise NotYetError("the wrong secret was not tried")
        return paths

    return until(look)
