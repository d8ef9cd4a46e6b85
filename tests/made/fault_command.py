# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg faults` as a process of its own, over still footage and with a timing that a busy machine keeps."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from patience import WAIT_S
from ros_probe import HEIGHT, WIDTH
from still_footage import write_footage
from trustseg.bounds import MS, SECOND, derive_bounds

# A third of the frames is more than the ring check remembers: what begins anew is no ring of buffers.
FRAMES = 150
# Fast enough to be short, with a budget that a busy machine keeps: its lateness must not look like a fault.
TIMING = ("--rate", "20", "--latency-budget-ms", "500")
BOUNDS = derive_bounds(SECOND // 20, 500 * MS)


class FaultCommand:
    """Starts it with a bundle.

    Args:
        bundle: what its nodes run. folder: for the footage; its working folder. environ: variables of ROS.
    """

    def __init__(self, bundle: Path, folder: Path, environ: dict[str, str]) -> None:
        self._folder, self._environ = folder, environ
        footage = write_footage(folder / "footage" / "still", HEIGHT, WIDTH, FRAMES)
        self._given = ("--bundle", str(bundle), "--input", str(footage), *TIMING)

    def ended(self, *arguments: str, program: tuple[str, ...] = ("-m", "trustseg")) -> tuple[int, dict[str, Any], str]:
        """Exit status, the one document on stdout, and stderr."""
        process = subprocess.Popen(
            [sys.executable, *program, "faults", *arguments, *self._given],
            cwd=self._folder, env=self._environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        out, err = process.communicate(timeout=4 * WAIT_S)
        print(err)
        return process.returncode, json.loads(out), err
