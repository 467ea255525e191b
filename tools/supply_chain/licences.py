"""The licences that may ship, and the licence of a package."""

from __future__ import annotations

import re
from email.message import Message

# Licences that ask for no more than their text to be shipped (the notice does that), and MPL-2.0,
# which also asks to say where the source is. Any other licence is for a person to decide.
ALLOWED = frozenset(
    {
        "0BSD",
        "Apache-2.0",
        "Apache-2.0 WITH LLVM-exception",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "BSL-1.0",
        "ISC",
        "MIT",
        "MIT-0",
        "MPL-2.0",
        "PSF-2.0",
        "Unicode-3.0",
        "Unicode-DFS-2016",
        "Unlicense",
        "Zlib",
    }
)
# What older packages say instead of an SPDX expression.
_OTHER_WORDS = {
    "Apache License 2.0": "Apache-2.0",
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "License :: OSI Approved :: BSD License": "BSD-3-Clause",
    "License :: OSI Approved :: MIT License": "MIT",
    "License :: OSI Approved :: MIT No Attribution License (MIT-0)": "MIT-0",
    "License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
_TOKEN = re.compile(r"[()]|[^\s()]+(?:\s+WITH\s+[^\s()]+)?")


def licence_of(metadata: Message) -> str:
    """Return the SPDX expression of a package; empty if its metadata states none that is known.

    Several classifiers count as "and": nobody says that one of them may be chosen.

    Args:
        metadata: The METADATA file of the package.
    """
    if expression := metadata.get("License-Expression"):
        return str(expression)
    stated = str(metadata.get("License") or "").strip()
    if stated in ALLOWED or stated in _OTHER_WORDS:
        return _OTHER_WORDS.get(stated, stated)
    classifiers = [
        str(each)
        for each in metadata.get_all("Classifier") or []
        if str(each).startswith("License ::")
    ]
    if any(each not in _OTHER_WORDS for each in classifiers):
        return ""
    return " AND ".join(_OTHER_WORDS[each] for each in classifiers)


def is_allowed(expression: str) -> bool:
    """Tell whether a package under an SPDX expression may ship.

    Of licences joined by "OR", one that is allowed is enough; "AND" binds tighter, as in SPDX.
    An expression that cannot be read is not allowed.
    """
    tokens = _TOKEN.findall(expression.replace("/", " OR "))
    try:
        allowed = _any_of(tokens)
    except IndexError:
        return False
    return allowed and not tokens


def _any_of(tokens: list[str]) -> bool:
    allowed = _all_of(tokens)
    while tokens and tokens[0] == "OR":
        tokens.pop(0)
        allowed = _all_of(tokens) or allowed
    return allowed


def _all_of(tokens: list[str]) -> bool:
    allowed = _one(tokens)
    while tokens and tokens[0] == "AND":
        tokens.pop(0)
        allowed = _one(tokens) and allowed
    return allowed


def _one(tokens: list[str]) -> bool:
    token = tokens.pop(0)
    if token != "(":
        return " ".join(token.split()) in ALLOWED
    allowed = _any_of(tokens)
    return tokens.pop(0) == ")" and allowed
