# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A ROS domain is one drive's at a time: held by name in this process and in others, free again when they end."""

from __future__ import annotations

import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator

import pytest

from trustseg.errors import TrustSegError
from trustseg_lab.harness import domains
from trustseg_lab.harness.domains import DOMAINS, first_port, own_domain

HOLDER = """
import sys
from trustseg_lab.harness import domains
domains.DOMAINS, domains._NAME = range(int(sys.argv[1]), int(sys.argv[1]) + 1), chr(0) + sys.argv[2]
with domains.own_domain() as domain:
    print(domain, flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The only domain there is, and nobody uses it: held under its usual name, free under the one that counts here."""
    with own_domain() as domain:
        monkeypatch.setattr(domains, "DOMAINS", range(domain, domain + 1))
        monkeypatch.setattr(domains, "_NAME", f"\0test_{uuid.uuid4().hex}")
        yield domain


def test_no_domain_reaches_into_the_ephemeral_ports() -> None:
    assert first_port(0) == 7410
    assert first_port(DOMAINS[-1]) < 32768 <= first_port(DOMAINS[-1] + 1)
    assert 0 not in DOMAINS  # where a vehicle's nodes are unless they are told otherwise


def test_a_domain_is_held_by_one_and_free_again_afterwards(free: int) -> None:
    with own_domain() as first:
        assert first == free
        with pytest.raises(TrustSegError, match="every ROS domain of this host is taken"), own_domain():
            pass
    with own_domain() as again:
        assert again == free


def test_a_domain_that_another_process_holds_is_left_alone_until_that_is_killed(free: int) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(free), domains._NAME[1:]],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder:
        assert holder.stdout is not None
        assert int(holder.stdout.readline()) == free
        with pytest.raises(TrustSegError), own_domain():
            pass
        holder.kill()
        holder.wait()
        with own_domain() as domain:
            assert domain == free


def test_a_child_of_the_holder_does_not_keep_the_domain(free: int) -> None:
    with own_domain():
        child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.readline()"], stdin=subprocess.PIPE)
    with child:
        with own_domain() as domain:
            assert domain == free
        child.kill()


def test_a_domain_whose_port_somebody_uses_without_asking_is_not_drawn(free: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.1", first_port(free)))
        with pytest.raises(TrustSegError), own_domain():
            pass


def test_drives_at_once_are_in_different_domains() -> None:
    held = [own_domain() for _ in range(8)]
    numbers = [each.__enter__() for each in held]
    for each in held:
        each.__exit__(None, None, None)
    assert len(set(numbers)) == len(held)
    assert set(numbers) <= set(DOMAINS)
