# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A planner that drives as fast as the ground ahead is free: it stops where nothing is known, and when the flag is up.

.venv/bin/python examples/grid_planner.py          (or python3 with a sourced ROS 2), while nodes and ground grid run
"""

import math
import time

from rclpy.node import Node
from sensor_msgs.msg import Range
from std_msgs.msg import Float64
from trustseg_interfaces.msg import FailureState

from trustseg.bounds import TICK_NS
from trustseg.host.ros_env import enter
from trustseg_ros.common.node_main import spin_node, steady_timer
from trustseg_ros.common.qos import VERDICT_TOPIC, verdict_qos
from trustseg_ros.planner.guard import FailureGuard

CRUISE_MPS, BRAKING_MPS2, OLD_S = 8.0, 3.0, 0.5


class GridPlanner(Node):
    """Publishes on `speed`, 50 times a second, the speed from which it can stop where the free ground ends."""

    def __init__(self) -> None:
        super().__init__("planner")
        self.guard, self.free_m, self.heard_s = FailureGuard(), 0.0, -math.inf
        self.speed = self.create_publisher(Float64, "speed", 1)
        self.create_subscription(FailureState, VERDICT_TOPIC, self.guard.on_message, verdict_qos())
        self.create_subscription(Range, "trustseg_ground_grid/free_distance", self.on_distance, 1)
        steady_timer(self, TICK_NS / 1e9, self.plan)

    def on_distance(self, message: Range) -> None:
        """Infinity means free as far as is seen, minus infinity that nothing is known to be free."""
        self.free_m, self.heard_s = min(message.range, message.max_range), time.monotonic()

    def plan(self) -> None:
        """No word for half a second is no free ground."""
        free_m = 0.0 if self.guard.failed() or time.monotonic() - self.heard_s > OLD_S else max(0.0, self.free_m)
        self.speed.publish(Float64(data=min(CRUISE_MPS, math.sqrt(2 * BRAKING_MPS2 * free_m))))


if __name__ == "__main__":
    enter()
    raise SystemExit(spin_node(GridPlanner))
