# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The collector leaves alone what lives as long as the process; what is garbage or no longer referred to is freed."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from trustseg.host.long_lived import keep_for_good


class Knot:
    """An object that may refer to itself."""

    def __init__(self) -> None:
        self.other: object = None


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    """As before, with what the run itself had taken out of the collector's sight."""
    yield
    gc.freeze()


def test_what_lives_is_not_walked_through_again() -> None:
    gc.unfreeze()
    living = [Knot() for _ in range(1000)]
    assert any(each is living[0] for each in gc.get_objects())
    keep_for_good()
    assert gc.get_freeze_count() >= 1000
    assert not any(each is living[0] for each in gc.get_objects())


def test_garbage_is_freed_before() -> None:
    knot = Knot()
    knot.other = knot
    gone = weakref.ref(knot)
    del knot
    keep_for_good()
    assert gone() is None


def test_what_nothing_refers_to_any_more_is_freed_all_the_same() -> None:
    knot = Knot()
    keep_for_good()
    gone = weakref.ref(knot)
    del knot
    assert gone() is None
