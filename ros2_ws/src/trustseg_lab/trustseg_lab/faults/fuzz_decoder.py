# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The decoder and the validator under atheris: input is bred by the code that it reaches."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from trustseg.errors import InputError
from trustseg_lab.faults.fuzz_images import DEFINED, rows_of

MAX_BYTES = 4096
SIDE = 8
TARGET = """
import sys, atheris
with atheris.instrument_imports(include=["trustseg.frames"]):
    from trustseg.frames import FrameLimits, decode_compressed, decode_pixels
from trustseg.errors import FrameRejected
from trustseg_lab.faults.fuzz_images import DEFINED, rows_of

LIMITS = FrameLimits(max_pixels=1 << 16)
NAMES = (*DEFINED, "rgb16", "")

def one(data):
    feed = atheris.FuzzedDataProvider(data)
    try:
        if feed.ConsumeBool():
            image, _ = decode_compressed(feed.ConsumeBytes(len(data)), limits=LIMITS)
            assert image.shape[0] * image.shape[1] <= LIMITS.max_pixels
        else:
            encoding = NAMES[feed.ConsumeIntInRange(0, len(NAMES) - 1)]
            height, width, step = (feed.ConsumeIntInRange(0, 300) for _ in range(3))
            rest = feed.ConsumeBytes(len(data))
            image, _ = decode_pixels(rest, height, width, step, encoding, limits=LIMITS)
            size, _, _ = DEFINED[encoding]
            rows = rows_of(encoding, height)
            assert image.shape == (height, width, 3) and step >= width * size and len(rest) == rows * step
    except FrameRejected:
        pass

atheris.Setup(sys.argv, one)
atheris.Fuzz()
"""


def fuzz_decoder(runs: int, seed: int = 0) -> dict[str, Any]:
    """Run atheris in a process of its own (it ends its process); its last words where it found something.

    Raises:
        InputError: atheris is not installed.
    """
    if importlib.util.find_spec("atheris") is None:
        raise InputError("atheris is not installed", fix="pip install -r requirements/fuzz.txt")
    options = [f"-runs={runs}", f"-seed={seed + 1}", f"-max_len={MAX_BYTES}", "-timeout=10"]
    with tempfile.TemporaryDirectory(prefix="trustseg_fuzz_") as folder:
        for number, data in enumerate(seeds()):
            (Path(folder) / str(number)).write_bytes(data)
        done = subprocess.run(
            [sys.executable, "-c", TARGET, *options, folder],
            capture_output=True, text=True, errors="replace", check=False,
        )  # fmt: skip
    lines = done.stderr.splitlines()
    covered = [line for line in lines if "cov:" in line]
    crashes = [] if done.returncode == 0 else ["\n".join(lines[-30:])]
    last = covered[-1].split() if covered else []
    reached = int(last[last.index("cov:") + 1]) if last else 0
    return {"runs": runs, "coverage": reached, "wrong": [], "crashes": crashes}


def seeds() -> list[bytes]:
    """Good frames as TARGET takes them apart (bytes from the front, numbers from the end): what is bred begins here.

    From nothing no signature of a JPEG or PNG is ever hit upon.
    """
    picture = np.arange(SIDE * SIDE * 3, dtype=np.uint8).reshape(SIDE, SIDE, 3)
    found = [b"\1" + cv2.imencode(kind, picture)[1].tobytes() for kind in (".png", ".jpg")]
    for number, (encoding, (size, _, _)) in enumerate(DEFINED.items()):
        rows = rows_of(encoding, SIDE)
        found.append(bytes(1 + rows * SIDE * size) + bytes([SIDE * size, 0, SIDE, 0, SIDE, 0, number]))
    return found
