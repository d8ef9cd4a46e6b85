# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""One search, in a process of its own: a decoder that falls over takes no more with it, and leaves its file behind.

`python -m trustseg_lab.faults.fuzz.fuzz_worker READER structure|bytes COUNT SEED FOLDER`. Writes one JSON object a line
on stdout: `done`, files so far, or `wrong` and `file`. The file under test lies in FOLDER/now.
"""

from __future__ import annotations

import faulthandler
import json
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

HANG_S = 300.0
MEMORY_BYTES = 4 << 30  # beside what the process had when it began
BATCH = 5000  # hypothesis remembers what it tried: a new search begins after so many
MOST_WRONG = 5  # searches that found something, until this one ends
TELL_EVERY = 200
MOST_BYTES = 1 << 15


class Wrong(AssertionError):
    """What was found; the text is told."""


def tell(**what: Any) -> None:
    """One line for the process that started this one."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def bound_memory() -> None:
    """What is read may not need more than `MEMORY_BYTES`: beyond, allocation fails."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = pages * os.sysconf("SC_PAGE_SIZE") + MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def by_structure(name: str, count: int, seed: int, folder: Path) -> None:
    """`count` files as hypothesis makes them."""
    import hypothesis
    from hypothesis import HealthCheck, Phase, given, settings

    from trustseg_lab.faults.fuzz.file_structures import files_of

    strategy, check = files_of(name), _checked(name, folder)
    done = found = batch = 0

    def search(most: int, first: int) -> tuple[int, str, bytes]:
        """(files tried, what was found, the smallest file that shows it)."""
        tried, smallest = 0, b""

        @hypothesis.seed(first)
        @settings(
            max_examples=most, database=None, deadline=None, suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink], report_multiple_bugs=False, print_blob=False,
        )  # fmt: skip
        @given(strategy)
        def one(data: bytes) -> None:
            nonlocal tried, smallest
            tried += 1
            if tried % TELL_EVERY == 0:
                tell(done=done + tried)
            wrong = check(data)
            if wrong:
                smallest = data
                raise Wrong(wrong)

        try:
            one()
        except Wrong as error:
            return tried, str(error), smallest
        return tried, "", b""

    while done < count and found < MOST_WRONG:
        tried, wrong, data = search(min(BATCH, count - done), seed * 1_000_003 + batch)
        done, batch = done + max(1, tried), batch + 1
        if wrong:
            found += 1
            tell(wrong=wrong, file=data.hex())
    tell(done=done)


def by_bytes(name: str, count: int, seed: int, folder: Path) -> None:
    """`count` files as atheris breeds them by the code that they reach; it ends the process."""
    import atheris

    with atheris.instrument_imports(include=["trustseg", "trustseg_lab"]):  # before anything imports them
        from trustseg_lab.faults.fuzz.file_readers import READERS
    corpus = folder / "corpus"
    corpus.mkdir()
    for number, data in enumerate(READERS[name].good()):
        (corpus / str(number)).write_bytes(data)
    check = _checked(name, folder)

    def one(data: bytes) -> None:
        wrong = check(data)
        if wrong:
            tell(wrong=wrong, file=data.hex())
            raise Wrong(wrong)

    options = [
        f"-runs={count}", f"-seed={seed + 1}", f"-max_len={MOST_BYTES}", "-len_control=0", "-rss_limit_mb=0",
        f"-artifact_prefix={folder}/", "-print_final_stats=1", str(corpus),
    ]  # fmt: skip
    atheris.Setup([sys.argv[0], *options], one)
    atheris.Fuzz()


def _checked(name: str, folder: Path) -> Callable[[bytes], str]:
    from trustseg_lab.faults.fuzz.file_readers import READERS, judge

    now = folder / "now"
    now.mkdir()

    def check(data: bytes) -> str:
        faulthandler.dump_traceback_later(HANG_S, exit=True)
        wrong = judge(READERS[name], data, now)
        faulthandler.cancel_dump_traceback_later()
        return wrong

    return check


def main(arguments: list[str]) -> None:
    """See above."""
    name, how, count, seed, folder = arguments
    faulthandler.enable()
    bound_memory()
    {"structure": by_structure, "bytes": by_bytes}[how](name, int(count), int(seed), Path(folder))


if __name__ == "__main__":
    main(sys.argv[1:])
