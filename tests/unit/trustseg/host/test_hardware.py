# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The machine's name out of /proc and /sys: of a board, a server with a GPU, and of a machine that tells nothing."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from trustseg.host import hardware


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_a_board_is_named_by_its_device_tree(tmp_path: Path) -> None:
    root = write(tmp_path, {"proc/device-tree/model": "NVIDIA Jetson AGX Orin\0", "proc/cpuinfo": "processor : 0\n"})
    assert hardware.name_below(root) == "NVIDIA Jetson AGX Orin"


def test_a_server_is_named_by_product_processor_and_gpus(tmp_path: Path) -> None:
    files = {
        "sys/class/dmi/id/sys_vendor": "Some Vendor Inc.\n",
        "sys/class/dmi/id/product_name": "Box 9\n",
        "proc/cpuinfo": "processor\t: 0\nmodel name\t: Fast CPU  @ 3 GHz\n\nprocessor\t: 1\nmodel name\t: other\n",
        "proc/driver/nvidia/gpus/0000:01:00.0/information": "Model: \t\t NVIDIA X1\nIRQ: 7\n",
        "proc/driver/nvidia/gpus/0000:02:00.0/information": "Model: \t\t NVIDIA X1\n",
    }
    assert hardware.name_below(write(tmp_path, files)) == "Some Vendor Inc. Box 9, Fast CPU  @ 3 GHz, NVIDIA X1"


@pytest.mark.parametrize("blank", ["To Be Filled By O.E.M.\n", "\n"])
def test_a_machine_that_tells_nothing_has_a_name_still(tmp_path: Path, blank: str) -> None:
    root = write(tmp_path, {"sys/class/dmi/id/product_name": blank})
    assert hardware.name_below(root) == f"{platform.machine()} machine"
    assert hardware.hardware_name()


@pytest.mark.parametrize(
    ("line", "saturate"),
    [
        ("flags : fpu avx2 fma", True),
        ("flags : fpu avx2 avx512f avx512_vnni", False),
        ("flags : fpu avx2 avx_vnni", False),
        ("flags : fpu amx_int8", False),
        ("Features : fp asimd", False),
        ("", False),
    ],
)
def test_x86_without_vnni_cuts_off_sums_of_8_bit_products(tmp_path: Path, line: str, saturate: bool) -> None:
    assert hardware.eight_bit_sums_saturate(write(tmp_path, {"proc/cpuinfo": f"{line}\n"})) is saturate
