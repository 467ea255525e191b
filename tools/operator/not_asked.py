"""The numbered assumptions that no question without consequences shows, and why."""

_CALLBACK = "Only a callback of Xporter shows it, and a probe receives none."
_TIME_SHOWS = "Only days or weeks of operation show it."
_CHANGES = "Seeing it needs a call that changes something."
NOT_ASKED = {
    "13.1": ("names of the install flags", _CALLBACK),
    "13.2": ("reply and retries of the authentication callback", _CALLBACK),
    "13.3": ("forged callbacks", _CALLBACK),
    "13.4": ("the old secret after a new authorisation", _TIME_SHOWS),
    "13.5": ("how long a school stays paused", _TIME_SHOWS),
    "13.6": (
        "whether a refused secret means revoked",
        "No wrong secret is tried: nobody says after how many a school is locked out.",
    ),
    "13.8": ("what the `GET` with `callbackUrl` answers", _CHANGES),
    "13.9": ("method and body of database webhooks", _CALLBACK),
    "13.10": ("reply to a registration", _CHANGES),
    "13.11": ("lost webhooks", _TIME_SHOWS),
    "13.13": ("deletions that are no deletions", _TIME_SHOWS),
    "13.18": ("how outcomes arrive", _CALLBACK),
    "13.19": ("`AuthParams` of invitations", "Not used."),
    "13.20": ("whether webhooks outlive an authorisation", _CALLBACK),
    "13.21": ("standing of GetXodSchoolTokens", "Not asked; `reconcile` calls it."),
}
