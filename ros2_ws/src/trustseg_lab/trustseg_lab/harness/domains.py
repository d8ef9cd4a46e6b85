# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""ROS domains of this host: each is used by one drive, bench or test at a time."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from trustseg.errors import TrustSegError

# Domains whose ports stay below Linux's ephemeral ones.
DOMAINS = range(1, 102)
# A name of the kernel's own, not of a file: it is gone when its process ends, however it ends, and no other user's
# file can stand in its way. Names are per network namespace, as the domains' ports are.
_NAME = "\0trustseg_ros_domain_{}"


@contextmanager
def own_domain() -> Iterator[int]:
    """A random domain that nobody on this host uses, held until the context is left or this process ends.

    Whoever draws by this rule is kept out by name. Others are kept out as far as they show: the port of a domain's
    first participant must be free.

    Yields:
        Number of the domain, one of DOMAINS.

    Raises:
        TrustSegError: every domain is taken.
    """
    for domain in random.SystemRandom().sample(DOMAINS, len(DOMAINS)):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as name:  # not inherited by children
            try:
                name.bind(_NAME.format(domain))
            except OSError:
                continue
            if not _port_is_free(first_port(domain)):
                continue
            yield domain
            return
    raise TrustSegError(
        "every ROS domain of this host is taken", expected=f"one of {DOMAINS.start} to {DOMAINS.stop - 1} to be free",
        fix="end drives, benches or tests that still run",
    )  # fmt: skip


def first_port(domain: int) -> int:
    """UDP port at which the first participant of a domain on this host listens (DDSI-RTPS, 9.6.1.1)."""
    return 7400 + 250 * domain + 10


def _port_is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
