# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The process `segmenter_rig`: a segmentation node for each camera, all with one engine that they use in turn.

Each node is the ordinary one in the namespace of its camera: topics, lifecycle, parameters, diagnostics, self-test and
evidence are its own. Only the engine is shared, and with it the process: what ends it ends every camera.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from rclpy.node import Node

from trustseg_ros.common.camera_names import WANTED, camera_names
from trustseg_ros.common.node_main import spin_node
from trustseg_ros.common.parameters import ParameterError, SegmenterConfig, load, parameter, watch
from trustseg_ros.common.qos import IMAGE_TOPIC
from trustseg_ros.rig.shared_engines import SharedEngines
from trustseg_ros.rig.turns import Turns
from trustseg_ros.segmenter.company import Company
from trustseg_ros.segmenter.node import NODE_NAME as CAMERA_NODE
from trustseg_ros.segmenter.node import Segmenter
from trustseg_ros.segmenter.supervisor import Watch

NODE_NAME = "trustseg_rig"


@dataclasses.dataclass(frozen=True)
class RigConfig:
    """Parameters of the process `segmenter_rig`; those of its cameras' nodes may be given beside it."""

    cameras: str = parameter(
        "", "cameras, names with commas: each is the namespace of its node and topics", rule=camera_names, wanted=WANTED
    )


def _names(kind: type[Any]) -> frozenset[str]:
    return frozenset(each.name for each in dataclasses.fields(kind))


class Rig(Node):
    """Makes the cameras' nodes, which run with it.

    Attributes:
        companions: the segmentation nodes, in the order of the parameter `cameras`.
    """

    def __init__(self) -> None:
        super().__init__(NODE_NAME)
        # What a command line gives without a node's name is given to every node of the process.
        config = load(self, RigConfig, _names(SegmenterConfig))
        watch(self, config, lambda changed: None)
        cameras = camera_names(config.cameras)
        engines = SharedEngines(Turns(cameras))
        watches: dict[int, Watch] = {}
        self.companions: list[Segmenter] = []
        try:
            for name in cameras:
                self.companions.append(Segmenter(Company(name, engines.of(name), watches, _names(RigConfig))))
                self._check_name(name, self.companions[-1])
            self._check_images(cameras)
        except BaseException:
            self.close()
            self.destroy_node()
            raise
        self.get_logger().info(f"cameras: {', '.join(cameras)}; one engine, in turn")

    @staticmethod
    def _check_name(camera: str, node: Segmenter) -> None:
        """A name or namespace that the command line gives holds for every node, which then were one and the same."""
        expected, got = f"/{camera}/{CAMERA_NODE}", node.get_fully_qualified_name()
        if got != expected:
            fix = "leave __node and __ns out: the parameter cameras names the nodes; car/front is a name too"
            raise ParameterError(f"the node of camera {camera}", expected=expected, got=got, fix=fix)

    def _check_images(self, cameras: tuple[str, ...]) -> None:
        """A remapping without a node's name holds for every camera: all would see the same one, and be trusted."""
        heard: dict[str, str] = {}
        for name, node in zip(cameras, self.companions, strict=True):
            for topic in {node.resolve_topic_name(each) for each in node.input.topics}:
                other = heard.setdefault(topic, name)
                if other != name:
                    raise ParameterError(
                        f"the images of camera {name}", expected="a topic of its own", got=f"{topic}, as of {other}",
                        fix=f"remap /{name}/{IMAGE_TOPIC}, or nothing",
                    )  # fmt: skip

    @property
    def busy(self) -> bool:
        """Whether a thread of any camera is still deep in a library that loads an engine."""
        return any(each.busy for each in self.companions)

    def close(self) -> None:
        """End threads and release the engine; for the end of the process."""
        for each in self.companions:
            each.close()

    def destroy_node(self) -> None:
        """The cameras' nodes with it."""
        for each in self.companions:
            each.destroy_node()
        super().destroy_node()


def main(args: list[str] | None = None) -> int:
    """Entry point: 0 after a signal, 2 with one line for a parameter that cannot be used."""
    return spin_node(Rig, args)


if __name__ == "__main__":
    raise SystemExit(main())
