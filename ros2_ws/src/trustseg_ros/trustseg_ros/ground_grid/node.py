# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The ground grid `trustseg_ground_grid`: what planners and Nav2 take, from mask, confidence, status and verdict.

A process of its own: it can be late, stop or end without any effect on segmenter and monitor. Whatever is missing, old,
unmatched or flagged makes every cell unknown, within a tick of the monitor.
"""

from __future__ import annotations

import array
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
from geometry_msgs.msg import Pose, Quaternion
from nav_msgs.msg import OccupancyGrid
from rclpy.duration import Duration
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from sensor_msgs.msg import CameraInfo, Image, Range
from trustseg_interfaces.msg import FailureState, SegmentationStatus

from trustseg.bounds import TICK_NS
from trustseg.bundle.light_bundle import check_light_bundle
from trustseg.bundle.loading import load_bundle
from trustseg.errors import InputError
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
    view_qos,
)
from trustseg_ros.common.said_once import without_figures
from trustseg_ros.common.transforms import Transforms
from trustseg_ros.common.transitions import refuse_invalid, tell_failure, told, undo
from trustseg_ros.ground_grid.camera_lens import CameraLens
from trustseg_ros.ground_grid.config import GroundGridConfig
from trustseg_ros.ground_grid.matched_frames import MatchedFrames, pixels_of
from trustseg_ros.ground_grid.mount_words import MountWords
from trustseg_ros.ground_grid.occupancy import UNKNOWN, GroundGrid, Int8
from trustseg_ros.ground_grid.projection import CameraMount, footprints
from trustseg_ros.planner.guard import FailureGuard

NODE_NAME = "trustseg_ground_grid"
MASK_TOPIC, CONFIDENCE_TOPIC = "trustseg/mask", "trustseg/confidence"
# While nothing is known this is said again so often: whoever comes later hears it too.
REPEAT_NS = 100_000_000
# How long the last word may take to whoever listens, before its publisher goes.
LAST_WORD = Duration(nanoseconds=100_000_000)
TOO_OLD, NOT_ACTIVE = "the newest mask is too old", "the node is not active"
SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE


class GroundGridNode(LifecycleNode):
    """Lifecycle: configure reads the bundle's classes, activate subscribes."""

    def __init__(self) -> None:
        super().__init__(NODE_NAME)
        self.config = load(self, GroundGridConfig)
        watch(self, self.config, lambda changed: None)
        refuse_invalid(self)
        self._shape, self._mount, self._bounds = self.config.shape, self.config.mount, self.config.bounds
        self.guard = FailureGuard(simulation=self.config.simulation)
        self._frames = MatchedFrames()
        self._camera = CameraLens(self.config.rectified)
        self._grid: GroundGrid | None = None
        self._grid_of: Any = None
        self._free: list[int] = []
        self._models: frozenset[str] = frozenset()
        self._good_ns: int | None = None
        self._told_ns, self._told = 0, ""
        self._problem = ""
        self._outputs: list[Any] = []
        self._inputs: list[Any] = []
        self._timer: Any = None
        self._words = MountWords(self.get_logger(), self.config.pitch_error_deg, self.config.max_error_m)
        self._share = 0.0
        fixed = self._mount
        self._place: Callable[[Image], CameraMount]
        if fixed is None:
            self._place = partial(self._by_tf, Transforms(self, self.config.max_tf_age_ms))
        else:
            self._place = lambda mask: fixed
            self._words.errors(fixed.height_m)
        self._diagnosis = NodeDiagnosis(self, "grid", latest_qos())
        if self.config.autostart:
            self._autostart = steady_timer(self, 0.0, self._start_by_itself)

    def _start_by_itself(self) -> None:
        self._autostart.cancel()
        if self.trigger_configure() == SUCCESS:
            self.trigger_activate()

    # Lifecycle ------------------------------------------------------------------------------------------------

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Read the names of the classes."""
        try:
            bundle = load_bundle(self.config.bundle)
            known = [bundle]
            if self.config.light_bundle:
                known.append(load_bundle(self.config.light_bundle))
                check_light_bundle(bundle, known[-1])
            self._free = self.config.free_ids({each.name: each.id for each in bundle.card.classes})
            self._models = frozenset(each.sha256 for one in known for each in one.card.models.values())
            self._grid_out = self._output(OccupancyGrid, "~/grid")
            self._class_out = self._output(OccupancyGrid, "~/class_grid")
            self._range_out = self._output(Range, "~/free_distance")
        except Exception as error:
            tell_failure(self, "configure", error)
            self._clean_up()
            return FAILURE
        return SUCCESS

    def _output(self, kind: Any, topic: str) -> Any:
        self._outputs.append(self.create_lifecycle_publisher(kind, topic, view_qos()))
        return self._outputs[-1]

    @told
    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Begin to listen, with nothing known."""
        result = super().on_activate(state)
        self._frames, self._good_ns, self._problem = MatchedFrames(), None, "no frame has arrived"
        self._listen(Image, MASK_TOPIC, lambda m: self._take("mask", m), output_qos())
        self._listen(Image, CONFIDENCE_TOPIC, lambda m: self._take("confidence", m), output_qos())
        self._listen(SegmentationStatus, STATUS_TOPIC, lambda m: self._take("status", m), status_qos(self._bounds))
        self._listen(CameraInfo, CAMERA_INFO_TOPIC, self._camera.note, camera_qos())
        self._listen(FailureState, VERDICT_TOPIC, self._on_verdict, verdict_qos())
        self._timer = steady_timer(self, TICK_NS / 1e9, self._look)
        self._look()
        return result

    def _listen(self, kind: Any, topic: str, take: Callable[[Any], None], qos: Any) -> None:
        self._inputs.append(self.create_subscription(kind, topic, take, qos))

    @told
    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Say that nothing is known, and listen no more."""
        self._tell_unknown(NOT_ACTIVE)
        self._diagnose(NOT_ACTIVE)
        self._end()
        return super().on_deactivate(state)

    @told
    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Forget the bundle."""
        self._clean_up()
        return SUCCESS

    @told
    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """As deactivate and cleanup."""
        self._say_last_word()
        self._end()
        self._clean_up()
        return SUCCESS

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """A transition raised: back to unconfigured, with nothing left of it."""
        undo(self, self._end, self._clean_up)
        return SUCCESS

    def _clean_up(self) -> None:
        # Forgotten first: what cannot be destroyed is not tried for ever.
        outputs, self._outputs, self._grid, self._grid_of = self._outputs, [], None, None
        for each in outputs:
            self.destroy_lifecycle_publisher(each)

    def close(self) -> None:
        """Say that nothing is known, for the end of the process; after a signal nothing can be said any more."""
        if self.context.ok():
            with suppress(Exception):  # a signal may come in between, and the process ends in any case
                self._say_last_word()

    def _say_last_word(self) -> None:
        """Whoever keeps the last grid is not left with free cells."""
        if self._inputs:
            self._tell_unknown(NOT_ACTIVE)
            self._diagnose(NOT_ACTIVE)
            for each in self._outputs:
                each.wait_for_all_acked(LAST_WORD)

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
        self._look()

    def _take(self, part: str, message: Any) -> None:
        frame = self._frames.take(part, message)
        if frame is None:
            return
        try:
            self._problem = self._publish(*frame)
        except InputError as error:
            self._problem = str(error)
        if not self._problem:
            self._good_ns = self._frames.published_ns
        self._look()

    def _look(self) -> None:
        """Say that nothing is known where that is so."""
        problem = self._problem_now()
        now_ns = time.monotonic_ns()
        if problem and (without_figures(problem) != self._told or now_ns - self._told_ns >= REPEAT_NS):
            self._tell_unknown(problem)
        elif not problem:
            self._told = ""
        self._diagnose(problem)

    def _diagnose(self, problem: str) -> None:
        mount = self._mount
        values = {} if mount is None else {"camera height m": mount.height_m, "camera pitch deg": mount.pitch_deg}
        self._diagnosis.tell(f"every cell is unknown: {problem}" if problem else "", values)

    def _problem_now(self) -> str:
        if self.guard.failed():
            return self.guard.why
        if self._problem:
            return self._problem
        return TOO_OLD if self._good_ns is None or self._is_old(self._good_ns) else ""

    def _is_old(self, published_ns: int) -> bool:
        """By its publication: a mask that waited in a queue is old when it arrives."""
        return time.monotonic_ns() - published_ns > self._bounds.age_limit_ns

    # What is said ---------------------------------------------------------------------------------------------

    def _publish(self, mask: Image, confidence: Image, status: SegmentationStatus) -> str:
        """Publish the grid of one frame; returns why it cannot be made, empty when it was, or when the flag is up."""
        if status.model_sha256 not in self._models:
            names = " and ".join(filter(None, (self.config.bundle, self.config.light_bundle)))
            return f"the mask is of another network than those of bundle {names}"
        if self._is_old(self._frames.published_ns):
            return TOO_OLD
        labels, sure = pixels_of(mask, confidence, status)
        grid = self._made_for(mask)
        if self.guard.failed():
            return ""
        occupancy = grid.occupancy(labels, sure)
        self._grid_out.publish(self._message(mask.header.stamp, occupancy))
        if self._class_out.get_subscription_count():
            self._class_out.publish(self._message(mask.header.stamp, grid.classes(labels, occupancy)))
        found = grid.free_distance(occupancy, self.config.corridor_width_m)
        free_m = found.free_m or -np.inf  # as REP 117: too near to tell
        self._range_out.publish(
            self._range(mask.header.stamp, found.from_m, found.to_m, np.inf if free_m >= found.to_m else free_m)
        )
        return ""

    def _made_for(self, mask: Image) -> GroundGrid:
        """The grid of this camera, its place and size, computed when one changes; InputError where it cannot be."""
        lens, mount = self._camera.of(mask), self._place(mask)
        if self._grid is None or (lens, mount) != self._grid_of:
            config, lowest = self.config, round(self.config.visible_share * mask.height)
            cells = footprints(
                self._shape, lens, mount, pitch_error_deg=config.pitch_error_deg, most_error_m=config.max_error_m,
                lowest_row=lowest, foot_m=config.obstacle_foot_m,
            )  # fmt: skip
            self._grid = GroundGrid(
                self._shape, cells, self._free, least_confidence=round(config.min_confidence * 255),
                most_unsure=config.max_unsure_share, lowest_row=lowest,
            )  # fmt: skip
            self._grid_of = lens, mount
            self._share = float(cells.seen.mean())
        self._words.share(self._share)
        return self._grid

    def _by_tf(self, transforms: Transforms, mask: Image) -> CameraMount:
        """Where the camera is; InputError where tf does not say it, or says what no camera of a vehicle can be."""
        camera, base = self.config.camera_frame or mask.header.frame_id, self.config.base_frame
        self._mount = None
        found = transforms.between(base, camera)
        mount = CameraMount.of_optical(found.rotation, found.translation)
        if not mount.height_m > 0:
            raise InputError(
                f"tf's place of {camera!r} in {base!r}", expected="a camera above the ground",
                got=f"{mount.height_m:g} m", fix="base_frame must be on the ground (base_footprint)",
            )  # fmt: skip
        self._words.errors(mount.height_m)
        self._mount = mount
        return mount

    def _tell_unknown(self, problem: str) -> None:
        cause = without_figures(problem)
        if cause != self._told:
            self.get_logger().warning(f"every cell is unknown: {problem}")
        self._told, self._told_ns = cause, time.monotonic_ns()
        stamp = self.get_clock().now().to_msg()
        unknown = self._message(stamp, np.full(self._shape.size, UNKNOWN, np.int8))
        self._grid_out.publish(unknown)
        if self._class_out.get_subscription_count():
            self._class_out.publish(unknown)
        self._range_out.publish(self._range(stamp, self.config.from_m, self.config.to_m, -np.inf))

    def _message(self, stamp: Any, values: Int8) -> OccupancyGrid:
        message = OccupancyGrid()
        message.header.stamp, message.header.frame_id = stamp, self.config.base_frame
        info = message.info
        info.map_load_time, info.resolution = stamp, float(self._shape.cell_m)
        info.height, info.width = values.shape
        info.origin = Pose(orientation=Quaternion(w=1.0))
        info.origin.position.x, info.origin.position.y = float(self._shape.from_m), float(self._shape.right_m)
        message.data = array.array("b", values.tobytes())
        return message

    def _range(self, stamp: Any, least: float, most: float, free_m: float) -> Range:
        message = Range(min_range=least, max_range=most, range=float(free_m))
        message.header.stamp, message.header.frame_id = stamp, self.config.base_frame
        return message


def main(args: list[str] | None = None) -> int:
    """Entry point: 0 after a signal, 2 with one line for a parameter that cannot be used."""
    return spin_node(GroundGridNode, args)


if __name__ == "__main__":
    raise SystemExit(main())
