"""The authentication callback: what Xporter posts when a school authorises or installs."""

from typing import Any
from urllib.parse import urlencode

from tools.simulator.http.errors import ControlError
from tools.simulator.school.schools import School
from tools.simulator.service.application import Application
from tools.simulator.service.callback_sender import Call

_FORM = "application/x-www-form-urlencoded"


def body(application: Application, school: School, *, install_completed: bool | None) -> str:
    """Return the form in the documented order; the install flags, of unknown name, come last."""
    fields: list[tuple[str, str]] = [
        ("schoolSecret", school.secret),
        ("schoolId", school.estab),
        ("schoolEmail", f"office@{school.profile.domain}"),
        ("schoolName", school.profile.name),
        ("templateScopes", ",".join(school.template_scopes)),
        ("scopes", ",".join(school.scopes)),
        ("thirdParty", "XporterOnDemand"),
        ("partnerId", application.relying_party),
    ]
    if install_completed is not None:
        installed = install_completed or school.is_installed
        fields.append((application.installed_field, str(installed).lower()))
    if install_completed:
        fields.append((application.completed_field, "true"))
    return urlencode(fields)


def call(application: Application, school: School, options: dict[str, Any]) -> Call:
    """Return the callback to make.

    Raises:
        ControlError: The application has no authentication URL.
    """
    if not application.authentication_url:
        raise ControlError("no authentication_url: PUT /_sim/application sets it", 409)
    content = body(application, school, install_completed=options.get("install_completed"))
    return Call(
        "authentication", school.estab, "POST", application.authentication_url,
        content.encode(), _FORM,
    )  # fmt: skip
