# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What this machine has for the product, and what it lacks and why: facts for `trustseg env` and for bug reports."""

from __future__ import annotations

import importlib
import importlib.util
import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from trustseg.backend_registry import BACKENDS, REGISTRY
from trustseg.host import ros_env
from trustseg.host.hardware import cpu_fields
from trustseg.host.socket_buffers import WANTED_BYTES, granted_bytes, shortfall
from trustseg.install_hint import pip_install

# Instruction sets that decide how fast the CPU backends are, in the kernel's spelling.
CPU_FLAGS = (
    "sse4_2",
    "avx2",
    "fma",
    "avx512f",
    "avx512_vnni",
    "avx_vnni",
    "avx512_bf16",
    "amx_bf16",
    "amx_int8",
    "asimd",
)
BACKEND_MODULES = {name: REGISTRY[name].libraries[0] for name in BACKENDS}
OPTIONAL = {
    "torch": ("trustseg_lab", "train"),
    "ray": ("trustseg_lab", "ray"),
    "pycuda": ("trustseg", "gpu"),
    "cuda-python": ("trustseg", "gpu"),
}
PACKAGES = ("trustseg", "numpy", "opencv-python-headless", "onnxruntime", "openvino", "onnx", "rosbags", "av")
# The segmenter, the monitor, a camera, a recorder, an observer and the command itself.
DRIVE_SEGMENTS_MB = 6 * 64
GPU_QUERY_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Fact:
    """One line of the survey.

    Attributes:
        name: what was looked for.
        found: whether the product can use it.
        text: what was found, or why not and what to do.
    """

    name: str
    found: bool
    text: str


def python_facts() -> list[Fact]:
    """The interpreter and the packages that matter, with versions."""
    here = Fact("python", sys.version_info[:2] >= (3, 10), f"{platform.python_version()} ({sys.executable})")
    return [here, *(_package(name) for name in PACKAGES)]


def optional_facts() -> list[Fact]:
    """Packages of the extras."""
    return [_package(name, f"not installed; {pip_install(*extra)}") for name, extra in OPTIONAL.items()]


def backend_facts() -> list[Fact]:
    """Inference libraries that can be imported here."""
    facts = []
    for name, module in BACKEND_MODULES.items():
        if importlib.util.find_spec(module) is None:
            facts.append(Fact(name, False, "not installed"))
            continue
        try:
            library = importlib.import_module(module)
        except Exception as error:  # a library that was built for another machine raises anything
            facts.append(Fact(name, False, f"installed but does not load: {_one_line(error)}"))
        else:
            facts.append(Fact(name, True, str(getattr(library, "__version__", "version unknown"))))
    return facts


def ros_facts() -> list[Fact]:
    """ROS 2, our messages, the transport profile and the room in shared memory."""
    ros = ros_env.find_ros()
    if ros.source == "none":
        return [Fact("ros", False, "none: run scripts/setup.sh, or source an installed ROS 2 (setup.bash)")]
    origin = "wheels in this environment" if ros.source == "wheels" else "installed and sourced"
    facts = [Fact("ros", True, f"{ros.distribution or 'distribution unknown'}, {origin}")]
    facts.append(
        Fact("messages", True, f"trustseg_interfaces in {ros.workspace}")
        if ros.workspace
        else Fact("messages", False, "trustseg_interfaces is not built: run scripts/setup.sh or colcon build")
    )
    given = [os.environ[name] for name in ros_env.PROFILE_VARIABLES if os.environ.get(name)]
    profile = Path(given[0] if given else next(iter(ros_env.transport_environment().values())))
    facts.append(Fact("transport profile", profile.is_file(), str(profile)))
    facts += socket_buffer_facts()
    free_mb = ros_env.shared_memory_free_mb()
    if free_mb is not None:
        enough = free_mb >= DRIVE_SEGMENTS_MB
        hint = "" if enough else f"; a drive takes {DRIVE_SEGMENTS_MB} MB (docker run --shm-size=1g)"
        facts.append(Fact("shared memory", enough, f"{free_mb:.0f} MB free in /dev/shm{hint}"))
    domain, reach = os.environ.get("ROS_DOMAIN_ID", "0"), os.environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "default")
    note = ros_env.discovery_note()
    facts.append(Fact("discovery", True, f"domain {domain}, range {reach}{note and f', {note}'}"))
    return facts


def socket_buffer_facts() -> list[Fact]:
    """Whether the kernel grants the UDP buffers that the transport profiles ask for; nothing where it has no limits."""
    granted = granted_bytes()
    if not granted:
        return []
    missing = shortfall(granted)
    told = f"{WANTED_BYTES} bytes wanted and granted ({', '.join(granted)})"
    return [Fact("socket buffers", not missing, missing or told)]


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpu_facts() -> list[Fact]:
    """Processor, cores that this process may use, and instruction sets."""
    fields = cpu_fields()
    flags = (fields.get("flags") or fields.get("Features") or "").split()
    model = fields.get("model name") or platform.processor() or platform.machine()
    vector = [flag for flag in CPU_FLAGS if flag in flags]
    return [
        Fact("cpu", True, f"{model}, {usable_cores()} of {os.cpu_count()} cores usable"),
        Fact("instructions", bool(vector), " ".join(vector) or "none of " + " ".join(CPU_FLAGS)),
    ]


def gpu_fact() -> Fact:
    """The NVIDIA GPU, or the first thing that is missing on the way to one."""
    tegra = Path("/etc/nv_tegra_release")
    if tegra.is_file():
        return Fact("gpu", True, "Jetson, " + tegra.read_text(encoding="utf-8").partition(",")[0].lstrip("# "))
    if not Path("/proc/driver/nvidia/version").is_file():
        return Fact("gpu", False, "none: the NVIDIA driver is not loaded (no /proc/driver/nvidia)")
    try:
        query = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version,compute_cap", "--format=csv,noheader"]
        asked = subprocess.run(query, capture_output=True, text=True, timeout=GPU_QUERY_TIMEOUT_S, check=False)
    except FileNotFoundError:
        return Fact("gpu", False, "the NVIDIA driver is loaded but nvidia-smi is not on the PATH")
    except subprocess.TimeoutExpired:
        return Fact("gpu", False, f"nvidia-smi gave no answer within {GPU_QUERY_TIMEOUT_S:g} s")
    first = (asked.stdout or asked.stderr).strip().partition("\n")[0]
    return Fact("gpu", asked.returncode == 0 and bool(asked.stdout.strip()), first or "nvidia-smi names no GPU")


def _package(name: str, otherwise: str = "not installed") -> Fact:
    try:
        return Fact(name, True, metadata.version(name))
    except metadata.PackageNotFoundError:
        return Fact(name, False, otherwise)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
