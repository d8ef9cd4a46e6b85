# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The point labels `trustseg_point_labels`: each cloud again, its points with class and confidence.

A process of its own, as the ground grid: it can be late or end without any effect on segmenter and monitor. Every cloud
is answered; whatever is missing, old, unmatched or flagged makes its points class 255 with confidence 0.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from trustseg_interfaces.msg import FailureState, SegmentationStatus

from trustseg.bounds import MS, TICK_NS
from trustseg.errors import InputError
from trustseg.types import UInt8Array
from trustseg_ros.common.diagnostics import NodeDiagnosis
from trustseg_ros.common.node_main import spin_node, steady_timer
from trustseg_ros.common.parameters import load, watch
from trustseg_ros.common.qos import (
    CAMERA_INFO_TOPIC,
    STATUS_TOPIC,
    VERDICT_TOPIC,
    camera_qos,
    latest_qos,
    output_qos,
    status_qos,
    verdict_qos,
)
from trustseg_ros.common.transforms import Transforms
from trustseg_ros.common.transitions import refuse_invalid, tell_failure, told, undo
from trustseg_ros.ground_grid.camera_lens import CameraLens
from trustseg_ros.ground_grid.matched_frames import MatchedFrames, pixels_of
from trustseg_ros.ground_grid.projection import CameraMount, Lens
from trustseg_ros.planner.guard import FailureGuard
from trustseg_ros.point_labels.cloud import places, with_labels
from trustseg_ros.point_labels.config import PointLabelsConfig
from trustseg_ros.point_labels.look_up import looked_up, nothing
from trustseg_ros.point_labels.newest_cloud import NewestCloud
from trustseg_ros.point_labels.pairing import Pairing

NODE_NAME = "trustseg_point_labels"
MASK_TOPIC, CONFIDENCE_TOPIC, CLOUD_TOPIC = "trustseg/mask", "trustseg/confidence", "points"
LOG_PERIOD_S = 1.0
SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE


@dataclass(frozen=True)
class SeenFrame:
    """Mask and confidence of one frame, uint8 (h, w), the lens of an image of their size, and its frame in tf."""

    labels: UInt8Array
    confidence: UInt8Array
    lens: Lens
    frame_id: str


class PointLabelsNode(LifecycleNode):
    """Lifecycle: configure makes the publisher, activate subscribes."""

    def __init__(self) -> None:
        super().__init__(NODE_NAME)
        self.config = load(self, PointLabelsConfig)
        watch(self, self.config, lambda changed: None)
        refuse_invalid(self)
        self._bounds = self.config.bounds
        self.guard = FailureGuard(simulation=self.config.simulation)
        self._begin_anew()
        self._camera = CameraLens(self.config.rectified)
        fixed = self.config.mount
        self._place: Callable[[str, str], CameraMount]
        if fixed is None:
            self._place = partial(self._by_tf, Transforms(self, self.config.max_tf_age_ms))
        else:
            self._place = lambda cloud, camera: fixed
        self._diagnosis = NodeDiagnosis(self, "points", latest_qos())
        self._out: Any = None
        self._inputs: list[Any] = []
        self._timer: Any = None
        if self.config.autostart:
            self._autostart = steady_timer(self, 0.0, self._start_by_itself)

    def _start_by_itself(self) -> None:
        self._autostart.cancel()
        if self.trigger_configure() == SUCCESS:
            self.trigger_activate()

    def _begin_anew(self) -> None:
        self._frames = MatchedFrames()
        tolerance_ns = round(self.config.max_stamp_difference_ms * MS)
        # A mask that takes longer than the age limit raises the flag: nobody has to wait for it.
        self._pairing: Pairing[PointCloud2, SeenFrame] = Pairing(tolerance_ns, self._bounds.age_limit_ns)
        self._problem = "no mask has arrived"
        self._newest = NewestCloud()

    # Lifecycle ------------------------------------------------------------------------------------------------

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Make the publisher."""
        try:
            self._out = self.create_lifecycle_publisher(PointCloud2, "~/points", output_qos())
        except Exception as error:
            tell_failure(self, "configure", error)
            return FAILURE
        return SUCCESS

    @told
    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Begin to listen, with nothing known."""
        result = super().on_activate(state)
        self._begin_anew()
        self._listen(Image, MASK_TOPIC, lambda m: self._take("mask", m), output_qos())
        self._listen(Image, CONFIDENCE_TOPIC, lambda m: self._take("confidence", m), output_qos())
        self._listen(SegmentationStatus, STATUS_TOPIC, lambda m: self._take("status", m), status_qos(self._bounds))
        self._listen(CameraInfo, CAMERA_INFO_TOPIC, self._camera.note, camera_qos())
        self._listen(FailureState, VERDICT_TOPIC, self._on_verdict, verdict_qos())
        self._listen(PointCloud2, CLOUD_TOPIC, self._on_cloud, camera_qos())
        self._timer = steady_timer(self, TICK_NS / 1e9, self._answer)
        self._answer()
        return result

    def _listen(self, kind: Any, topic: str, take: Callable[[Any], None], qos: Any) -> None:
        self._inputs.append(self.create_subscription(kind, topic, take, qos))

    @told
    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Say that nothing is known, and listen no more."""
        self._diagnose("the node is not active")
        self._end()
        return super().on_deactivate(state)

    @told
    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Take the publisher down."""
        self._clean_up()
        return SUCCESS

    @told
    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """As deactivate and cleanup."""
        self._end()
        self._clean_up()
        return SUCCESS

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """A transition raised: back to unconfigured, with nothing left of it."""
        undo(self, self._end, self._clean_up)
        return SUCCESS

    def _clean_up(self) -> None:
        # Forgotten first: what cannot be destroyed is not tried for ever.
        out, self._out = self._out, None
        if out is not None:
            self.destroy_lifecycle_publisher(out)

    def _end(self) -> None:
        if self._timer is not None:
            self.destroy_timer(self._timer)
        self._timer = None
        for each in self._inputs:
            self.destroy_subscription(each)
        self._inputs = []

    # What arrives ---------------------------------------------------------------------------------------------

    def _on_verdict(self, message: FailureState) -> None:
        self.guard.on_message(message)
        self._answer()

    def _on_cloud(self, message: PointCloud2) -> None:
        self._pairing.add_cloud(_stamp_ns(message), message, time.monotonic_ns())
        self._answer()

    def _take(self, part: str, message: Any) -> None:
        found = self._frames.take(part, message)
        if found is None:
            return
        mask = found[0]
        try:
            labels, confidence = pixels_of(*found)
            frame = SeenFrame(labels, confidence, self._camera.of(mask), mask.header.frame_id)
        except InputError as error:
            self._problem = str(error)
            return
        self._problem = ""
        self._pairing.add_frame(_stamp_ns(mask), frame)
        self._answer()

    # What is said ---------------------------------------------------------------------------------------------

    def _answer(self) -> None:
        """Publish the clouds that wait for nothing more; with the flag up none waits."""
        failed = self.guard.failed()
        for pair in self._pairing.ready(time.monotonic_ns(), at_once=failed):
            try:
                self._out.publish(self._labelled(pair.cloud, pair.frame, failed))
            except InputError as error:
                self._newest.answered(str(error), time.monotonic_ns())
                self.get_logger().error(f"a cloud is left out: {error}", throttle_duration_sec=LOG_PERIOD_S)
        self._diagnose(self.guard.why if failed else self._newest.problem(time.monotonic_ns()))

    def _diagnose(self, problem: str) -> None:
        self._diagnosis.tell(f"no point has a class: {problem}" if problem else "", {})

    def _labelled(self, cloud: PointCloud2, frame: SeenFrame | None, failed: bool) -> PointCloud2:
        points, mount = places(cloud), None
        problem = ""
        if failed:
            problem = self.guard.why
        elif frame is None:
            problem = self._problem or "no mask is near enough in time"
        else:
            try:
                mount = self._mount_of(cloud, frame)
            except InputError as error:
                problem = str(error)
        self._tell(problem)
        if frame is None or mount is None:
            return with_labels(cloud, *nothing(len(points)))
        return with_labels(cloud, *looked_up(points, frame.lens, mount, frame.labels, frame.confidence))

    def _mount_of(self, cloud: PointCloud2, frame: SeenFrame) -> CameraMount:
        """Where the camera is in the cloud's axes; InputError where that is not known."""
        wanted, of = self.config.cloud_frame, cloud.header.frame_id
        if wanted and of != wanted:
            raise InputError(f"clouds are of {of!r}, the camera's place was given for {wanted!r}")
        return self._place(of, self.config.camera_frame or frame.frame_id)

    @staticmethod
    def _by_tf(transforms: Transforms, cloud: str, camera: str) -> CameraMount:
        found = transforms.between(cloud, camera)
        return CameraMount.of_optical(found.rotation, found.translation)

    def _tell(self, problem: str) -> None:
        """Say what has changed, once."""
        if not self._newest.answered(problem, time.monotonic_ns()):
            return
        if problem:
            self.get_logger().warning(f"no point has a class: {problem}")
        else:
            self.get_logger().info("points have classes again")


def _stamp_ns(message: Any) -> int:
    return int(message.header.stamp.sec) * 1_000_000_000 + int(message.header.stamp.nanosec)


def main(args: list[str] | None = None) -> int:
    """Entry point: 0 after a signal, 2 with one line for a parameter that cannot be used."""
    return spin_node(PointLabelsNode, args)


if __name__ == "__main__":
    raise SystemExit(main())
