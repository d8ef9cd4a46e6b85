# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Names of the cameras of a rig: each is the namespace of one camera's nodes. No ROS; the rig's monitor imports it."""

from __future__ import annotations

import re

from trustseg.errors import InputError

CAMERA = re.compile(r"[A-Za-z_]\w*(/[A-Za-z_]\w*)*", re.ASCII)
MOST = 16
WANTED = f"1 to {MOST} different names with commas, each a namespace (front,left,car/rear)"


def camera_names(text: str) -> tuple[str, ...]:
    """The names of a text with commas between them, in its order.

    Raises:
        InputError: there is none, one twice, one that no namespace can be called, or more than `MOST`.
    """
    names = tuple(part.strip().strip("/") for part in text.split(","))
    if not all(map(CAMERA.fullmatch, names)) or len(set(names)) < len(names) or len(names) > MOST:
        raise InputError("names of cameras", expected=WANTED, got=repr(text))
    return names


def required_names(text: str, cameras: tuple[str, ...]) -> tuple[str, ...]:
    """The names of those cameras that are needed, in the order of `cameras`; empty: all.

    Raises:
        InputError: one is not among `cameras`, or the text holds no names.
    """
    if not text.strip():
        return cameras
    wanted = camera_names(text)
    for name in wanted:
        if name not in cameras:
            raise InputError("a required camera is unknown", expected=f"one of {', '.join(cameras)}", got=repr(name))
    return tuple(name for name in cameras if name in wanted)
