# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A planner that imports from `trustseg_ros.guard`, the earlier place, gets the class of the new one."""

from __future__ import annotations

from trustseg_ros import guard
from trustseg_ros.planner.guard import FailureGuard


def test_the_earlier_place_gives_the_same_class() -> None:
    assert guard.FailureGuard is FailureGuard
    assert guard.__all__ == ["FailureGuard"]
