"""The key by which the API knows a repeated writeback."""

from __future__ import annotations

import hashlib
import json


def idempotency_key(*about: object) -> str:
    """Return the key of one thing that your software writes: the same key for the same words.

    Name what is written and which version of it: ``("register", "7B", "2026-11-20", "AM", 2)``.
    A process that begins anew after a crash then makes the same key, and nothing is written twice.
    """
    return hashlib.sha256(json.dumps([str(each) for each in about]).encode()).hexdigest()
