# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""When a message was published, on the reader's clock: every time by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from trustseg.failsafe import publication
from trustseg.failsafe.publication import DRIFT, PublicationClock, host_id

MS, SECOND = 1_000_000, 1_000_000_000
OWN, OTHER = 5, 6


def test_on_one_host_the_age_is_exact() -> None:
    clock = PublicationClock(OWN)
    assert clock.published_ns(1, OWN, 70, 100) == 70
    assert clock.published_ns(1, OWN, 10, 5000) == 10
    assert clock.published_ns(1, OWN, 6000, 5000) == 5000  # nothing is published after it arrived


@pytest.mark.parametrize("host", [OTHER, 0])
def test_between_hosts_what_a_message_took_longer_than_the_shortest_way_is_its_age(host: int) -> None:
    clock = PublicationClock(OWN)
    assert clock.published_ns(1, host, 900 * SECOND, 2 * SECOND) == 2 * SECOND
    assert clock.published_ns(1, host, 900 * SECOND + 30 * MS, 2 * SECOND + 40 * MS) >= 2 * SECOND + 30 * MS
    late = clock.published_ns(1, host, 900 * SECOND + 60 * MS, 5 * SECOND)
    assert late == pytest.approx(2 * SECOND + 60 * MS, abs=3 * SECOND * DRIFT + 1)


def test_a_way_that_was_shorter_is_the_measure_from_then_on() -> None:
    clock = PublicationClock(OWN)
    clock.published_ns(1, OTHER, 0, 100 * MS)
    assert clock.published_ns(1, OTHER, 10 * MS, 50 * MS) == 50 * MS
    assert clock.published_ns(1, OTHER, 20 * MS, 120 * MS) == pytest.approx(60 * MS, abs=70 * MS * DRIFT + 1)


def test_two_clocks_that_part_slowly_make_nothing_old() -> None:
    clock = PublicationClock(OWN)
    for second in range(3600):
        now = second * SECOND
        assert now - clock.published_ns(1, OTHER, round(now * (1 - DRIFT / 2)), now) <= 1


def test_another_writer_begins_anew() -> None:
    clock = PublicationClock(OWN)
    clock.published_ns(1, OTHER, 0, 0)
    assert clock.published_ns(2, OTHER, 0, 9 * SECOND) == 9 * SECOND


def test_a_reader_that_knows_no_clock_of_its_own_shares_it_with_nobody() -> None:
    clock = PublicationClock(0)
    assert clock.published_ns(1, 0, 0, SECOND) == SECOND


def test_the_host_is_the_boot_of_a_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = host_id()
    assert 0 < own < 2**64

    def told(boot_id: Path, namespace: Path) -> int:
        monkeypatch.setattr(publication, "BOOT_ID", boot_id)
        monkeypatch.setattr(publication, "TIME_NAMESPACE", namespace)
        host_id.cache_clear()
        return host_id()

    try:
        boot, other = tmp_path / "boot_id", tmp_path / "other"
        boot.write_text("aa\n")
        other.write_text("bb\n")
        first = told(boot, publication.TIME_NAMESPACE)
        assert told(boot, publication.TIME_NAMESPACE) == first != told(other, publication.TIME_NAMESPACE)
        assert 0 != told(boot, tmp_path / "none") != first
        assert told(tmp_path / "none", tmp_path / "none") == 0
    finally:
        monkeypatch.undo()
        host_id.cache_clear()
    assert host_id() == own
