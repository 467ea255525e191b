"""How SPDX expressions are read."""

import pytest

from tools.supply_chain.licences import is_allowed


@pytest.mark.parametrize(
    "expression",
    [
        "MIT",
        "MIT OR GPL-3.0-only",
        "GPL-3.0-only OR (MIT AND BSD-3-Clause)",
        "MPL-2.0 AND (Apache-2.0 OR MIT)",
        "MIT/Apache-2.0",
        "(Apache-2.0  WITH LLVM-exception)",
    ],
)
def test_a_licence_that_may_ship(expression: str) -> None:
    assert is_allowed(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "GPL-3.0-only",
        "MIT AND GPL-3.0-only",
        "GPL-3.0-only AND (MIT OR MIT)",
        "GPL-2.0-only WITH Classpath-exception-2.0",
        "MIT OR",
        "(MIT",
        "MIT)",
        "MIT MIT",
        "MIT OR GPL-3.0-only AND",
        "()",
        "LicenseRef-Ours",
    ],
)
def test_what_is_not_allowed_or_cannot_be_read_does_not_ship(expression: str) -> None:
    assert not is_allowed(expression)
