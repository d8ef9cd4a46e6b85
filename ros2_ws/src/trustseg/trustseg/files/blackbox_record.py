# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A black box's record as a folder: what its parts are called, and which topic is the camera's. No ROS, no library."""

from __future__ import annotations

import json
from pathlib import Path

FORMAT, VERSION = "trustseg_blackbox", 1
RECORD, PICTURE = "record.json", "picture.jpg"


def recorded_camera(bag: Path) -> str | None:
    """The camera's topic where `bag` (a folder, or the file in it) is a record; None for any other bag."""
    try:
        about = json.loads(((bag if bag.is_dir() else bag.parent) / RECORD).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        return None
    camera = about.get("camera")
    return camera if isinstance(camera, str) else None
