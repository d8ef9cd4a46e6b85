# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""How much the kernel lets a UDP socket hold, and what to do where that is too little. Standard library only.

A camera of another DDS vendor, another machine or another user comes over UDP: one frame is a burst of datagrams, and
what the socket cannot hold is lost, with it the frame. Linux's usual limit of 208 KB holds a third of a 480x360 image.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Mapping

# As the transport profiles ask for (resources/fastdds*.xml); holds one frame of 1920x1080 in RGB.
WANTED_BYTES = 4 << 20
LIMITS = {"net.core.rmem_max": socket.SO_RCVBUF, "net.core.wmem_max": socket.SO_SNDBUF}


def granted_bytes(wanted: int = WANTED_BYTES) -> dict[str, int]:
    """What a socket of this process gets that asks for `wanted` bytes, by the kernel's limit; empty if not Linux."""
    if not sys.platform.startswith("linux"):
        return {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        got = {}
        for limit, option in LIMITS.items():
            probe.setsockopt(socket.SOL_SOCKET, option, wanted)
            got[limit] = probe.getsockopt(socket.SOL_SOCKET, option) // 2  # Linux tells its own overhead too
        return got


def shortfall(granted: Mapping[str, int], wanted: int = WANTED_BYTES) -> str:
    """Which limits are too low, and the command that mends them; empty where nothing is missing."""
    low = {limit: got for limit, got in granted.items() if got < wanted}
    if not low:
        return ""
    told = ", ".join(f"{limit} grants {got} of {wanted} bytes" for limit, got in low.items())
    command = " ".join(["sudo sysctl -w", *(f"{limit}={wanted}" for limit in low)])
    return f"{told}: frames over UDP get lost; {command}"
