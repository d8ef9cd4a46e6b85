"""Jobs for processes that die: in a module that a spawned process can import."""

from __future__ import annotations

import os
import time
from pathlib import Path


def work(job: tuple[str, str]) -> str:
    """`once` kills its process the first time, `always` every time, `raises` raises; the others give their name."""
    kind, folder = job
    flag = Path(folder) / f"{kind}.tried"
    first = not flag.exists()
    flag.touch()
    if kind == "always" or (kind == "once" and first):
        time.sleep(0.3)  # the others have begun
        os._exit(9)
    if kind == "raises":
        raise ValueError("as told")
    return kind
