"""Compares gzip implementations by ratio and speed on rows like Xporter's.

ISA-L at each level and zlib compress and decompress sections of one page (1,000 rows), like the
pull engine; zlib-ng is included if it is installed, which it is not by default. Run
``.venv/bin/python benchmarks/compression.py``; the last line of stdout is JSON.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from isal import isal_zlib
from pull_comparison.rows import render

ROWS, PAGE = 20_000, 1_000
ROUNDS = 3
_RAW = -15
Codec = Callable[[bytes], bytes]


def main() -> None:
    """Measure every candidate, show a table, print the JSON."""
    pages = _pages()
    found = {name: _measured(pages, *codecs) for name, codecs in _candidates().items()}
    print(f"\n{'':14}{'of the size':>12}{'MB/s in':>10}{'MB/s out':>10}", file=sys.stderr)
    for name, figures in found.items():
        row = f"{figures['ratio']:>12.1%}{figures['pack_mb_s']:>10,}{figures['unpack_mb_s']:>10,}"
        print(f"{name:14}{row}", file=sys.stderr)
    megabytes = sum(map(len, pages)) / 1e6
    print(json.dumps({"benchmark": "compression", "megabytes": round(megabytes, 1), **found}))


def _pages() -> list[bytes]:
    """Return pages of rows in the form of a snapshot: JSON lines."""
    with tempfile.TemporaryDirectory() as folder:
        rows = render(Path(folder) / "rows", ROWS)
        text = rows.path.read_bytes()
        spans = (rows.span(first, first + PAGE) for first in range(0, ROWS, PAGE))
        return [text[at : at + length].replace(b"},{", b"}\n{") for at, length in spans]


def _candidates() -> dict[str, tuple[Codec, Codec]]:
    isal = {f"isal {level}": (_packer(isal_zlib, level), _isal_out) for level in range(4)}
    plain = {f"zlib {level}": (_packer(zlib, level), _zlib_out) for level in (1, 6, 9)}
    if not find_spec("zlib_ng"):
        return isal | plain
    library = import_module("zlib_ng.zlib_ng")
    ng = {f"zlib-ng {level}": (_packer(library, level), _zlib_out) for level in (1, 2, 6)}
    return isal | plain | ng


def _packer(library: Any, level: int) -> Codec:
    def pack(data: bytes) -> bytes:
        work = library.compressobj(level, library.DEFLATED, _RAW)
        return bytes(work.compress(data) + work.flush(library.Z_FULL_FLUSH))

    return pack


def _isal_out(data: bytes) -> bytes:
    return isal_zlib.decompressobj(_RAW).decompress(data)


def _zlib_out(data: bytes) -> bytes:
    return zlib.decompressobj(_RAW).decompress(data)


def _measured(pages: list[bytes], pack: Codec, unpack: Codec) -> dict[str, float]:
    size = sum(map(len, pages))
    packed = [pack(page) for page in pages]
    if [unpack(section) for section in packed] != pages:
        raise RuntimeError("what was packed is not what comes out")
    return {
        "ratio": round(sum(map(len, packed)) / size, 4),
        "pack_mb_s": round(size / 1e6 / _best_seconds(pack, pages)),
        "unpack_mb_s": round(size / 1e6 / _best_seconds(unpack, packed)),
    }


def _best_seconds(codec: Codec, pieces: list[bytes]) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for piece in pieces:
            codec(piece)
        best = min(best, time.perf_counter() - began)
    return best


if __name__ == "__main__":
    main()
