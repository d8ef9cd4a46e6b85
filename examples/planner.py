# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A planner that obeys the failure flag: it slows down when DEGRADED, stops on failure or silence, and recovers.

.venv/bin/python examples/planner.py          (or python3 with a sourced ROS 2), while the nodes run
"""

from dataclasses import dataclass

from rclpy.node import Node
from std_msgs.msg import Float64
from trustseg_interfaces.msg import FailureState

from trustseg.bounds import TICK_NS
from trustseg.host.ros_env import enter
from trustseg.reasons import State
from trustseg_ros.common.node_main import spin_node, steady_timer
from trustseg_ros.common.parameters import load, parameter
from trustseg_ros.common.qos import VERDICT_TOPIC, verdict_qos
from trustseg_ros.planner.guard import FailureGuard

CRUISE_MPS, SLOW_MPS, STOP_MPS = 8.0, 2.0, 0.0


@dataclass(frozen=True)
class Config:
    """Parameters of the planner."""

    simulation: bool = parameter(False, "also drive by recorded or simulated frames, and with fault injection")


class Planner(Node):
    """Publishes the speed that the masks are worth, on the topic `speed`, 50 times a second."""

    def __init__(self) -> None:
        super().__init__("planner")
        self.guard = FailureGuard(simulation=load(self, Config).simulation)
        self.speed = self.create_publisher(Float64, "speed", 1)
        self.create_subscription(FailureState, VERDICT_TOPIC, self.guard.on_message, verdict_qos())
        steady_timer(self, TICK_NS / 1e9, self.plan)

    def plan(self) -> None:
        """Choose a speed by the newest verdict: cruise, slow, or stop."""
        speed = CRUISE_MPS if self.guard.state is State.OK else SLOW_MPS
        self.speed.publish(Float64(data=STOP_MPS if self.guard.failed() else speed))
        if self.guard.failed():
            self.get_logger().warning(f"stopped: {self.guard.why}", throttle_duration_sec=1.0)


if __name__ == "__main__":
    enter()
    raise SystemExit(spin_node(Planner))
