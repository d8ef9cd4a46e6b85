# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Where the processes of one drive meet: a DDS domain of their own on this host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import trustseg
import trustseg_lab
import trustseg_ros
from trustseg.host.ros_env import DISCOVERY_VARIABLES, PROFILE_VARIABLES, ros_environment, shared_memory_free_mb
from trustseg_lab.harness.domains import own_domain

# Each of the six processes maps a 64 MB segment; where there is less (a container's 64 MB /dev/shm) a write into it
# would end the process, so the transport's own small defaults are used instead.
SHARED_MEMORY_MB = 6 * 64 + 32


@contextmanager
def drive_environment(log_folder: Path, base: Mapping[str, str] | None = None) -> Iterator[dict[str, str]]:
    """Variables for every process of a drive: this host only, a domain of its own, logs in `log_folder`.

    The domain is the drive's until the context is left: leave it when every process has ended.

    Args:
        log_folder: for ROS's own logs.
        base: variables to start from, os.environ when None.

    Raises:
        TrustSegError: every domain of this host is taken.
    """
    env = ros_environment(base)
    env["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    for name in DISCOVERY_VARIABLES:  # a server elsewhere knows nothing of a drive on this host
        env.pop(name, None)
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
    with own_domain() as domain:
        env["ROS_DOMAIN_ID"] = str(domain)
        yield env
