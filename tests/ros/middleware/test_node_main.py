# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The life of a node's process: what start-up made is out of the garbage collector's sight once callbacks run."""

from __future__ import annotations

import gc
import signal
from collections.abc import Iterator

import pytest
from rclpy.node import Node

from trustseg_ros.common.node_main import spin_node


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_the_collector_does_not_walk_through_what_start_up_made() -> None:
    seen: list[bool] = []

    class Brief(Node):
        def __init__(self) -> None:
            super().__init__("brief")
            self.create_timer(0.0, self.look)

        def look(self) -> None:
            seen.append(any(each is self for each in gc.get_objects()))
            self.context.shutdown()

    gc.unfreeze()
    assert spin_node(Brief, []) == 0
    assert seen[0] is False
