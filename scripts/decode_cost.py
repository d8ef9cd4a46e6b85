# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What decoding the dearest pictures costs that the node takes: processor time, on one core of this machine.

The figures of SECURITY.md: `.venv/bin/python scripts/decode_cost.py`
"""

from __future__ import annotations

import time

import cv2
import numpy as np

from trustseg.frames import FrameLimits, decode_compressed
from trustseg.imaging.image_header import jpeg_scans

REPEATS = 3
SIZES = ((720, 1280), (3000, 4160), (6300, 6300))  # the last is near the largest of `FrameLimits`
KINDS = {
    "JPEG, noise, quality 100": (".jpg", [cv2.IMWRITE_JPEG_QUALITY, 100]),
    "JPEG, the same, progressive": (".jpg", [cv2.IMWRITE_JPEG_QUALITY, 100, cv2.IMWRITE_JPEG_PROGRESSIVE, 1]),
    "PNG, black": (".png", [cv2.IMWRITE_PNG_COMPRESSION, 1]),
}


def main() -> None:
    """Print the time of each kind and size."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng(0)
    for height, width in SIZES:
        for kind, (suffix, options) in KINDS.items():
            noise = suffix == ".jpg"
            image = (
                rng.integers(0, 256, (height, width, 3), np.uint8) if noise else np.zeros((height, width, 3), np.uint16)
            )
            data = cv2.imencode(suffix, image, options)[1].tobytes()
            if len(data) > 60 << 20:
                print(f"{kind}, {height} x {width}: {len(data) / 1e6:.0f} MB, more than is decoded")
                continue
            costs = []
            for _ in range(REPEATS):
                begun = time.process_time()
                decode_compressed(data, limits=FrameLimits())
                costs.append(time.process_time() - begun)
            scans = jpeg_scans(data).count if noise else 1
            per = min(costs) / (height * width * scans) * 1e9
            print(
                f"{kind}, {height} x {width}, {len(data) / 1e6:.1f} MB: {min(costs) * 1e3:.0f} ms, "
                f"{per:.2f} ns a pixel and scan, {scans} scans"
            )


if __name__ == "__main__":
    main()
