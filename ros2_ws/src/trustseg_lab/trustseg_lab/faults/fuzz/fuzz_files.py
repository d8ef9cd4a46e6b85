# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Malformed files by the million through every reader: half by structure (hypothesis), half by coverage (atheris)."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from trustseg.errors import InputError
from trustseg_lab.faults.fuzz.file_readers import READERS

WAYS = {"structure": "hypothesis", "bytes": "atheris"}  # how files are made -> the package that makes them
MEMORY = "/dev/shm"
LAST_LINES = 30
COUNTED = re.compile(r"^#(\d+)\s")  # a line of libFuzzer


@dataclass
class Search:
    """One reader, one way: what was tried and found.

    Attributes:
        reader, way: as in `READERS`, `WAYS`. count: files to try. done: tried so far.
        wrong: results that must not be, one line each, with the file as hexadecimal digits.
        crash: the last words of a process that died.
        files: the bytes of each of these.
    """

    reader: str
    way: str
    count: int
    done: int = 0
    wrong: list[str] = field(default_factory=list)
    crash: str = ""
    files: list[bytes] = field(default_factory=list)


def fuzz_files(
    count: int,
    seed: int = 0,
    on_step: Callable[[int], None] = lambda done: None,
    readers: Sequence[str] = (),
    keep: Path | None = None,
) -> dict[str, Any]:
    """Try `count` files, spread evenly over the readers and the two ways.

    Args:
        count: of all files. seed: of everything random. on_step: hears how many are done.
        readers: names of `READERS`; empty: all that this installation can run. keep: folder for files that were read
            wrong; None keeps none.

    Returns:
        JSON-ready: `files` tried, `interrupted` by Ctrl-C (all else is what was found until then), `readers` (name ->
        way -> files), `left_out`, `wrong`, `crashes`, `kept`.

    Raises:
        InputError: an unknown reader, or a package that makes the files is not installed.
    """
    unknown = sorted(set(readers) - READERS.keys())
    if unknown:
        raise InputError("unknown reader", expected=", ".join(READERS), got=", ".join(unknown))
    for package in WAYS.values():
        if importlib.util.find_spec(package) is None:
            raise InputError(f"{package} is not installed", fix="pip install -r requirements/fuzz.txt")
    lacking = [n for n, each in READERS.items() if each.needs and importlib.util.find_spec(each.needs) is None]
    chosen = [name for name in readers or READERS if name not in lacking]
    pairs = [(name, way) for way in WAYS for name in chosen]
    searches = [
        Search(name, way, count // len(pairs) + (i < count % len(pairs))) for i, (name, way) in enumerate(pairs)
    ]
    lock = threading.Lock()

    def step() -> None:
        with lock:
            on_step(sum(each.done for each in searches))

    processes: set[subprocess.Popen[str]] = set()
    ending = threading.Event()
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        waiting = [pool.submit(_run, each, seed, step, processes, ending) for each in searches if each.count]
        try:
            for finished in waiting:
                finished.result()
        except KeyboardInterrupt:  # after hours, what was found until then must not be lost
            ending.set()
            for process in list(processes):
                process.kill()
    return {
        "files": sum(each.done for each in searches),
        "interrupted": ending.is_set(),
        "readers": {name: {each.way: each.done for each in searches if each.reader == name} for name in chosen},
        "left_out": lacking,
        "wrong": [f"{each.reader}, {each.way}: {line}" for each in searches for line in each.wrong],
        "crashes": [f"{each.reader}, {each.way}: {each.crash}" for each in searches if each.crash],
        "kept": _kept(searches, keep),
    }


def _run(
    search: Search,
    seed: int,
    step: Callable[[], None],
    processes: set[subprocess.Popen[str]],
    ending: threading.Event,
) -> None:
    if ending.is_set():
        return
    # In memory where that can be: a million small files on a disk take longer than reading them.
    memory = MEMORY if os.access(MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="trustseg_fuzz_", dir=memory) as scratch:
        arguments = [search.reader, search.way, str(search.count), str(seed), scratch]
        process = subprocess.Popen(
            [sys.executable, "-m", "trustseg_lab.faults.fuzz.fuzz_worker", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace", cwd=scratch,
            env={**os.environ, "OPENCV_LOG_LEVEL": "SILENT"}, start_new_session=True,
        )  # fmt: skip
        processes.add(process)
        assert process.stdout is not None  # noqa: S101
        assert process.stderr is not None  # noqa: S101
        last: deque[str] = deque(maxlen=LAST_LINES)
        listener = threading.Thread(target=_listen, args=(process.stderr, search, last, step), daemon=True)
        listener.start()
        for line in process.stdout:
            _take(line, search)
            step()
        code = process.wait()
        listener.join()
        processes.discard(process)
        if code and not search.wrong and not ending.is_set():
            now = Path(scratch) / "now" / READERS[search.reader].name
            search.files.append(now.read_bytes() if now.is_file() else b"")
            search.crash = f"exit status {code}; " + " | ".join(last)[-3000:]


def _listen(stream: IO[str], search: Search, last: deque[str], step: Callable[[], None]) -> None:
    for line in stream:
        last.append(line.rstrip())
        counted = COUNTED.match(line)
        if counted and search.way == "bytes":
            search.done = int(counted[1])
            step()


def _take(line: str, search: Search) -> None:
    try:
        told = json.loads(line)
    except ValueError:  # a library that writes on stdout
        return
    if isinstance(told, dict) and "wrong" in told:
        data = bytes.fromhex(told["file"])
        search.files.append(data)
        search.wrong.append(f"{told['wrong']}; {len(data)} bytes {data[:100].hex()}")
    elif isinstance(told, dict) and "done" in told:
        search.done = int(told["done"])


def _kept(searches: Sequence[Search], keep: Path | None) -> list[str]:
    if keep is None:
        return []
    keep.mkdir(parents=True, exist_ok=True)
    found = []
    for search in searches:
        for number, data in enumerate(search.files):
            path = keep / f"{search.reader}_{search.way}_{number}{Path(READERS[search.reader].name).suffix}"
            path.write_bytes(data)
            found.append(str(path))
    return found
