# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The machine by name: board or model, processor and GPU, as the kernel tells them. Standard library only.

For `hardware_id` on /diagnostics (REP-107), so nothing here starts a program or names a serial number: the monitor's
process asks too.
"""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path

CPU_INFO = "proc/cpuinfo"
# A Jetson or another board with a device tree; a PC or server.
BOARD = "proc/device-tree/model"
PRODUCT = ("sys/class/dmi/id/sys_vendor", "sys/class/dmi/id/product_name")
GPUS = "proc/driver/nvidia/gpus"
# Instructions of x86 that add up four products of 8 bits without cutting them off at 16 bits, in the kernel's spelling.
EIGHT_BIT_SUMS = frozenset({"avx512_vnni", "avx_vnni", "amx_int8"})
# What firmware says where nobody filled the field in.
BLANK = ("", "to be filled by o.e.m.", "system manufacturer", "system product name", "default string", "none")


@cache
def hardware_name() -> str:
    """This machine, in one line; never empty."""
    return name_below(Path("/"))


def name_below(root: Path) -> str:
    """The machine whose /proc and /sys lie below `root`."""
    board = _words(root / BOARD) or " ".join(_words(root / part) for part in PRODUCT).strip()
    fields = cpu_fields(root)
    gpus = sorted({_gpu(each) for each in (root / GPUS).glob("*/information")})
    named = [board, fields.get("model name", ""), *gpus]
    return ", ".join(each for each in named if each) or f"{platform.machine()} machine"


def cpu_fields(root: Path = Path("/")) -> dict[str, str]:
    """The first processor's fields of /proc/cpuinfo; empty where there is none."""
    fields: dict[str, str] = {}
    for line in _text(root / CPU_INFO).splitlines():
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), value.strip())
    return fields


def eight_bit_sums_saturate(root: Path = Path("/")) -> bool:
    """Whether sums of 8-bit products are cut off at 16 bits on this machine: an x86 processor without VNNI.

    OpenVINO computes with them all the same, so that an int8 graph can come out coarser than its golden output.
    """
    flags = cpu_fields(root).get("flags", "").split()  # other architectures call them "Features"
    return bool(flags) and EIGHT_BIT_SUMS.isdisjoint(flags)


def _gpu(information: Path) -> str:
    for line in _text(information).splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "Model":
            return value.strip()
    return ""


def _words(path: Path) -> str:
    """The file's text on one line, or nothing where it says nothing."""
    text = " ".join(_text(path).replace("\0", " ").split())
    return "" if text.lower() in BLANK else text


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
