# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Where the processes of one drive meet: a DDS domain of their own on this host."""

from __future__ import annotations

import random
import socket
from collections.abc import Mapping
from pathlib import Path

import trustseg
import trustseg_lab
import trustseg_ros
from trustseg.host.ros_env import DISCOVERY_VARIABLES, PROFILE_VARIABLES, ros_environment, shared_memory_free_mb

# Domains whose ports stay below Linux's ephemeral ones.
DOMAINS = range(1, 102)
# Each of the six processes maps a 64 MB segment; where there is less (a container's 64 MB /dev/shm) a write into it
# would end the process, so the transport's own small defaults are used instead.
SHARED_MEMORY_MB = 6 * 64 + 32


def drive_environment(log_folder: Path, rng: random.Random, base: Mapping[str, str] | None = None) -> dict[str, str]:
    """Variables for every process of a drive: this host only, a domain that nobody uses, logs in `log_folder`.

    Args:
        log_folder: for ROS's own logs.
        rng: draws the domain.
        base: variables to start from, os.environ when None.
    """
    env = ros_environment(base)
    env["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    for name in DISCOVERY_VARIABLES:  # a server elsewhere knows nothing of a drive on this host
        env.pop(name, None)
    env["ROS_DOMAIN_ID"] = str(free_domain(rng))
    env["ROS_LOG_DIR"] = str(log_folder)
    free_mb = shared_memory_free_mb()
    if free_mb is not None and free_mb < SHARED_MEMORY_MB:
        for name in PROFILE_VARIABLES:
            env.pop(name, None)
    # The children run the code that this process runs, wherever it was imported from.
    own = [
        str(Path(package.__file__).parents[1]) for package in (trustseg, trustseg_ros, trustseg_lab) if package.__file__
    ]
    env["PYTHONPATH"] = ":".join(dict.fromkeys([*own, *filter(None, env.get("PYTHONPATH", "").split(":"))]))
    env["PYTHONUNBUFFERED"] = "1"
    return env


def free_domain(rng: random.Random, tries: int = 20) -> int:
    """A domain whose first participant's port is free on this host; the last one tried if none is."""
    domain = DOMAINS.start
    for _ in range(tries):
        domain = rng.choice(DOMAINS)
        if _is_free(7400 + 250 * domain + 10):
            break
    return domain


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
