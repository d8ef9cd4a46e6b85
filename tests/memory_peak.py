# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The most memory that a program held while it read one file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from trustseg_lab.recordings.unpack import MOST_BYTES

# What a reader may hold: packed and unpacked, a message cut out of its chunk, and the interpreter with its libraries.
MOST_MB = 2 * MOST_BYTES / 1e6 + 200
PEAK = """
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def outcome(program: str, path: Path) -> tuple[str, float]:
    """What the program said of the file, and the most memory that it held, MB."""
    command = [sys.executable, "-c", program + PEAK, path]
    *said, peak = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return "\n".join(said), int(peak) * 1024 / 1e6
