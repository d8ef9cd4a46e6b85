# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A planner that imports from `trustseg_ros.matched`, the earlier place, gets the class of the new one."""

from __future__ import annotations

from trustseg_ros import matched
from trustseg_ros.planner.matched_outputs import OutputMatch


def test_the_earlier_place_gives_the_same_class() -> None:
    assert matched.OutputMatch is OutputMatch
    assert matched.__all__ == ["OutputMatch"]
