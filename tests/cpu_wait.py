# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""How long processes were denied a processor, as the kernel counts it: no program is to blame for that."""

from __future__ import annotations

from pathlib import Path

import pytest


def cpu_wait_ns(*pids: int) -> int:
    """Time that the threads of these processes have waited for a processor so far, all together, nanoseconds.

    A thread that has ended takes its count along; over a trial the difference is then too small, never too large.

    Raises:
        ProcessLookupError: one of them has ended.
    """
    total = 0
    for pid in pids:
        tasks = list(Path(f"/proc/{pid}/task").glob("*/schedstat"))
        if not Path(f"/proc/{pid}").exists():
            raise ProcessLookupError(f"process {pid} has ended")
        if not tasks:
            pytest.skip("this kernel does not count how long a process waits for a processor (/proc/PID/schedstat)")
        for each in tasks:
            try:
                total += int(each.read_text().split()[1])
            except (OSError, IndexError):  # it ended just now
                continue
    return total
