# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Removes what killed processes leave in shared memory, and nothing that belongs to anybody who still lives.

Fast DDS keeps its segments as `/dev/shm/fastrtps_*` and the ports' semaphores as `sem.fastrtps_*`. A process that ends
in an orderly way removes its own; one that was killed cannot.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

FOLDER = Path("/dev/shm")
# A process that starts creates a file a moment before it maps it: whoever uses it shows after this time, and at every
# later look. A participant that starts meanwhile opens the files of others for a moment, to see who lives: on a busy
# machine at one look it is one of them, and at the next another.
NEXT_LOOK_S, LOOKS = 0.1, 3
PREFIXES = ("fastrtps_", "sem.fastrtps_", "fastdds_", "sem.fastdds_")


def segments() -> frozenset[str]:
    """Names of the Fast DDS files that are there now."""
    try:
        return frozenset(name for name in os.listdir(FOLDER) if name.startswith(PREFIXES))
    except OSError:
        return frozenset()


def remove_orphans(before: frozenset[str]) -> list[str]:
    """Remove this user's files that are newer than `before` and that no living process has open; returns their names.

    Another drive of the same user that runs meanwhile keeps its files: its processes have them mapped.
    """
    candidates = {name for name in segments() - before if _is_mine(name)}
    # A lock file belongs to its segment: it is held only while a process works, the segment all the time.
    used = candidates
    uses: set[tuple[int, str]] | None = None
    for _ in range(LOOKS):
        if used:
            time.sleep(NEXT_LOOK_S)
            uses = _uses(used) if uses is None else uses & _uses(used)
            used = {name for _, name in uses}
    removed = []
    for name in sorted(candidates):
        if name in used or name.removesuffix("_el") in used:
            continue
        try:
            os.unlink(FOLDER / name)
            removed.append(name)
        except OSError:
            continue
    return removed


def _is_mine(name: str) -> bool:
    try:
        return os.stat(FOLDER / name).st_uid == os.getuid()
    except OSError:
        return False


def _uses(names: set[str]) -> set[tuple[int, str]]:
    """(process, one of `names` that it has mapped or open), of this user's processes."""
    pids = [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]
    return {(pid, name) for pid in pids for name in held_by(pid) & names}


def held_by(pid: int) -> frozenset[str]:
    """Names of the files in shared memory that a process has mapped or open; none where it may not be looked at."""
    found: set[str] = set()
    with contextlib.suppress(OSError, IndexError):
        maps = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8", errors="replace")
        found |= {Path(line.split()[5]).name for line in maps.splitlines() if str(FOLDER) in line}
        for descriptor in os.listdir(f"/proc/{pid}/fd"):
            target = os.readlink(f"/proc/{pid}/fd/{descriptor}")
            if target.startswith(str(FOLDER)):
                found.add(Path(target).name)
    return frozenset(found)
