# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Jobs for processes that die: in a module that a spawned process can import."""

from __future__ import annotations

import os
import signal
from pathlib import Path


def work(job: tuple[str, str]) -> str:
    """`once` kills its process the first time, `always` every time, `raises` raises, `forever` does not end.

    The others give their name. `KIND.tried` in the folder counts the tries.
    """
    kind, folder = job
    tried = Path(folder) / f"{kind}.tried"
    tries = int(tried.read_text()) + 1 if tried.exists() else 1
    tried.write_text(str(tries))
    if kind == "always" or (kind == "once" and tries == 1):
        os._exit(9)
    if kind == "raises":
        raise ValueError("as told")
    if kind == "forever":
        signal.pause()
    return kind
