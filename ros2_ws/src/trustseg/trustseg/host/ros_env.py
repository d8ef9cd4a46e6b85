# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The environment of this product's ROS 2 processes: paths, transport profile, allocator, discovery range.

Standard library only, so that the command can call it before anything else is imported. Nothing here imports ROS: a
machine without it gets an environment without ROS paths.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import trustseg
from trustseg.errors import InputError

INTERFACES = "trustseg_interfaces"
UNDERLAY = "ros-underlay.env"
# Who finds whom through a server or a list of hosts, and not by asking around.
DISCOVERY_VARIABLES = ("ROS_DISCOVERY_SERVER", "ROS_SUPER_CLIENT", "ROS_STATIC_PEERS")
DOMAIN_DEFAULTS = {"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}  # a drive must not leak into the office network
# Humble knows the older switch only; newer distributions warn about it.
OLD_DISTRIBUTIONS = ("foxy", "galactic", "humble")

# glibc returns a camera frame's memory to the kernel after each message and faults it in again for the next one:
# 2.7 ms a 720p frame against 1.36 ms with these (measured from publish to callback).
ALLOCATOR = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "100000000000", "MALLOC_TOP_PAD_": str(64 << 20)}

# The name changed between Jazzy and Kilted; each reads only its own.
PROFILE_VARIABLES = ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE")
# Which of our profiles: shared memory within one user, UDP where cameras or planners run as another one (containers).
TRANSPORT_VARIABLE = "TRUSTSEG_TRANSPORT"
TRANSPORTS = {"shm": "fastdds.xml", "udp": "fastdds_udp.xml"}

_BOOTSTRAP = "_ROS_WHEELS_BOOTSTRAP_COMPLETE"  # the wheels' own re-execution, which these paths make needless
_ENTERED = "_TRUSTSEG_ENVIRONMENT_OF"


@dataclass(frozen=True)
class RosInstallation:
    """What this Python can reach of ROS 2.

    Attributes:
        source: "wheels" (inside this Python's prefix), "system" (a sourced installation) or "none".
        distribution: such as "jazzy"; empty when unknown or none.
        prefixes: ament prefixes, most specific first; the workspace with our messages comes first where it is built.
        workspace: prefix that holds trustseg_interfaces, or None when the messages are not built.
    """

    source: Literal["wheels", "system", "none"]
    distribution: str
    prefixes: tuple[Path, ...]
    workspace: Path | None


def fastdds_profile(transport: str = "shm") -> Path:
    """The profile of a transport: Fast DDS's own defaults lose more than half of 720p best-effort frames."""
    if transport not in TRANSPORTS:
        raise InputError(TRANSPORT_VARIABLE, expected=" or ".join(TRANSPORTS), got=repr(transport))
    return Path(trustseg.__file__).resolve().parent / "resources" / TRANSPORTS[transport]


def find_ros(base: Mapping[str, str] | None = None) -> RosInstallation:
    """Where ROS 2 and our messages are, seen from this Python and the variables in `base` (default: os.environ)."""
    env = _with_underlay(os.environ if base is None else base)
    sourced = [Path(p) for p in env.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if p]
    prefix = Path(sys.prefix)
    own = (prefix / "share" / "rclpy").is_dir()
    outside = [p for p in sourced if p != prefix and (p / "share" / "rclpy").is_dir()]
    source: Literal["wheels", "system", "none"] = "wheels" if own else "system" if outside else "none"
    workspace = _workspace(sourced)
    prefixes = [*([workspace] if workspace else []), *sourced, *([prefix] if own else [])]
    distribution = "jazzy" if own else env.get("ROS_DISTRO", "") if outside else ""
    return RosInstallation(source, distribution, tuple(dict.fromkeys(prefixes)), workspace)


def _with_underlay(base: Mapping[str, str]) -> dict[str, str]:
    """`base`, with the installed ROS 2 that this environment was made with where none is sourced.

    scripts/setup.sh wrote it down, so that the command works in a shell that has not sourced that ROS 2.
    """
    env = dict(base)
    file = Path(sys.prefix) / UNDERLAY
    if env.get("ROS_DISTRO") or not file.is_file():
        return env
    for line in file.read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition("=")
        if name == "ROS_DISTRO":
            env[name] = value
        elif value:
            _prepend(env, name, map(Path, value.split(os.pathsep)))
    return env


def _workspace(sourced: Iterable[Path]) -> Path | None:
    """Prefix with our built messages: the source tree's own, else a sourced one, else an ancestor of this file."""
    here = Path(__file__).resolve()
    tree = [p / "install" for p in here.parents if p.name == "ros2_ws"]
    for candidate in [*tree, *sourced, *here.parents]:
        if (candidate / "share" / INTERFACES).is_dir():
            return candidate
    return None


def ros_environment(base: Mapping[str, str] | None = None, *, allocator: bool = True) -> dict[str, str]:
    """The whole environment for a process of this product; giving it to itself changes nothing.

    Variables that the user has set (discovery range, transport profile, allocator) are left alone.

    Args:
        base: variables to start from; os.environ when None. Not modified.
        allocator: also tell glibc to keep the memory of camera frames. For processes that handle frames at a rate.
    """
    env = _with_underlay(os.environ if base is None else base)
    ros = find_ros(env)
    if ros.source != "none":
        python = f"python{sys.version_info.major}.{sys.version_info.minor}"
        _prepend(env, "AMENT_PREFIX_PATH", ros.prefixes)
        if ros.workspace:
            _prepend(env, "PYTHONPATH", _existing(_python_folders(ros.workspace, python)))
        libraries = [ros.workspace / "lib"] if ros.workspace else []
        if ros.source == "wheels":
            prefix = Path(sys.prefix)
            libraries += [prefix / "lib", *sorted((prefix / "lib" / python / "site-packages").glob("ros_*.libs"))]
            env[_BOOTSTRAP] = "1"
            env["RMW_IMPLEMENTATION"] = "rmw_fastrtps_cpp"  # the only one among the wheels
        _prepend(env, "LD_LIBRARY_PATH", libraries)
        for name, value in DOMAIN_DEFAULTS.items():
            env.setdefault(name, value)
        if ros.distribution in OLD_DISTRIBUTIONS and env["ROS_AUTOMATIC_DISCOVERY_RANGE"] == "LOCALHOST":
            env.setdefault("ROS_LOCALHOST_ONLY", "1")
        for name, value in transport_environment(env).items():
            env.setdefault(name, value)
    if allocator:
        for name, value in ALLOCATOR.items():
            env.setdefault(name, value)
    return env


def discovery_note(env: Mapping[str, str] | None = None) -> str:
    """What is set that changes who finds whom, as `NAME=value, ...`; empty where nothing is."""
    given = os.environ if env is None else env
    return ", ".join(f"{name}={given[name]}" for name in DISCOVERY_VARIABLES if given.get(name))


def transport_environment(base: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables that make Fast DDS read our profile, under its old and its new name.

    Args:
        base: variables of which TRUSTSEG_TRANSPORT chooses it; os.environ when None.

    Raises:
        InputError: no such transport.
    """
    chosen = (os.environ if base is None else base).get(TRANSPORT_VARIABLE) or "shm"
    return dict.fromkeys(PROFILE_VARIABLES, str(fastdds_profile(chosen)))


def enter(*, allocator: bool = False) -> None:
    """Re-executes this Python once with `ros_environment()`, unless that changes nothing.

    The loader reads LD_LIBRARY_PATH and glibc its allocator settings at start only, so setting them here is too late.
    """
    wanted = ros_environment(allocator=allocator)
    # The process id survives execve: the same one means that the variables did not hold, and trying again would loop.
    if wanted == dict(os.environ) or os.environ.get(_ENTERED) == str(os.getpid()):
        return
    wanted[_ENTERED] = str(os.getpid())
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], wanted)


def shared_memory_free_mb() -> float | None:
    """Free space of /dev/shm in MB, or None where there is none; each process of a drive takes a 64 MB segment."""
    if platform.system() != "Linux" or not os.path.isdir("/dev/shm"):
        return None
    stat = os.statvfs("/dev/shm")
    return stat.f_bavail * stat.f_frsize / 1e6


def _python_folders(prefix: Path, python: str) -> list[Path]:
    """Where colcon puts Python packages: Debian's CMake layout for messages, setuptools' for the rest."""
    return [
        prefix / "lib" / python / "site-packages",
        prefix / "local" / "lib" / python / "dist-packages",
    ]


def _existing(folders: Iterable[Path]) -> list[Path]:
    return [f for f in folders if f.is_dir()]


def _prepend(env: dict[str, str], name: str, folders: Iterable[Path]) -> None:
    """Puts `folders` in front of a search path, each entry once."""
    parts = [*map(str, folders), *(p for p in env.get(name, "").split(os.pathsep) if p)]
    if parts:
        env[name] = os.pathsep.join(dict.fromkeys(parts))
