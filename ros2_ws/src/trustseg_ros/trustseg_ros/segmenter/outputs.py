# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the node publishes about a processed frame besides its status: mask, confidence, pictures, camera info."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from rclpy.lifecycle import LifecycleNode
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Float64, Header
from trustseg_interfaces.msg import Segments

from trustseg.bundle.loading import Bundle
from trustseg.camera.geometry import confidence_at, unknown_at
from trustseg.imaging.colours import ClassColours, confidence_heat
from trustseg.imaging.resize import in_order
from trustseg.segments import Segment
from trustseg.types import Frame, PerceptionResult, UInt8Array
from trustseg_ros.common.qos import latest_qos, output_qos, static_qos, view_qos
from trustseg_ros.common.qos_overrides import QosOverrides
from trustseg_ros.segmenter.messages import ImageMessage, scaled_camera_info, segments_message

try:
    from vision_msgs.msg import LabelInfo, VisionClass
except ImportError:  # optional dependency
    LabelInfo = None


# Not label_info: whoever comes late must hear it. Not the status: the flag hangs on it.
OVERRIDABLE = (
    "~/mask", "~/confidence", "~/unknown", "~/segments", "~/color_mask", "~/overlay", "~/confidence_heat",
    "~/camera_info",
)  # fmt: skip


class ResultReader(Protocol):
    """What a result says beyond its maps: a `trustseg.pipeline.Pipeline`."""

    @property
    def predicts_segments(self) -> bool:
        """Whether they have a predicted IoU."""
        ...

    def segments(self, result: PerceptionResult) -> list[Segment]:
        """The objects in the mask of a processed frame."""
        ...

    def mask(self, result: PerceptionResult, size: tuple[int, int] | None = None) -> UInt8Array:
        """The mask of a processed frame as it is published, uint8 (h, w) or of `size`."""
        ...


class Outputs:
    """Publishers of one configured node.

    Args:
        node: owner; its private topics are used.
        bundle: names and colours of the classes.
        overrides: changes of the quality of service of `OVERRIDABLE`.
        reader: gives the mask to publish, and finds the objects in it while somebody listens to them.
        light: a second bundle, of the same classes, whose results may have to be read too.
    """

    def __init__(
        self, node: LifecycleNode, bundle: Bundle, overrides: QosOverrides, reader: ResultReader,
        light: Bundle | None = None,
    ) -> None:  # fmt: skip
        self._reader = reader
        self._node = node
        self._colours = ClassColours([c.color for c in bundle.card.classes])
        self._mask, self._confidence, self._image = ImageMessage("mono8"), ImageMessage("mono8"), ImageMessage("rgb8")
        self._unknown = ImageMessage("mono8")
        self._publishers: list[Any] = []

        def publisher(kind: Any, topic: str, qos: Any) -> Any:
            made = node.create_lifecycle_publisher(kind, topic, overrides.applied(qos, topic, "publisher"))
            self._publishers.append(made)
            return made

        self._mask_out = publisher(Image, "~/mask", output_qos())
        self._confidence_out = publisher(Image, "~/confidence", output_qos())
        # Not offered where there is nothing to say: a map of zeros would tell that all is known.
        plane = any(each is not None and each.card.unknown_size is not None for each in (bundle, light))
        self._unknown_out = publisher(Image, "~/unknown", output_qos()) if plane else None
        self._color_out = publisher(Image, "~/color_mask", view_qos())
        self._overlay_out = publisher(Image, "~/overlay", view_qos())
        self._heat_out = publisher(Image, "~/confidence_heat", view_qos())
        self._info_out = publisher(CameraInfo, "~/camera_info", output_qos())
        self._segments_out = publisher(Segments, "~/segments", output_qos())
        self._debug = {
            name: publisher(Float64, f"~/debug/{name}", latest_qos())
            for name in ("processing_time_ms", "cyclic_time_ms", "pipeline_latency_ms")
        }
        self._label_out = publisher(LabelInfo, "~/label_info", static_qos()) if LabelInfo is not None else None
        self._bundle = self._threshold_of = bundle

    def destroy(self) -> None:
        """Take the publishers down."""
        for each in self._publishers:
            self._node.destroy_lifecycle_publisher(each)
        self._publishers.clear()

    def read_with(self, reader: ResultReader, bundle: Bundle) -> None:
        """The frames from now on are read by another reader, of a bundle with the same classes."""
        self._reader, before, self._threshold_of = reader, self._threshold_of, bundle
        if bundle.card.low_confidence_threshold != before.card.low_confidence_threshold:
            self.announce_labels()

    def announce_labels(self) -> None:
        """Publish the class list, for readers of vision_msgs."""
        if self._label_out is None:
            return
        classes = [VisionClass(class_id=c.id, class_name=c.name) for c in self._bundle.card.classes]
        threshold = float(self._threshold_of.card.low_confidence_threshold)
        message = LabelInfo(class_map=classes, threshold=threshold)
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._label_out.publish(message)

    def publish(self, header: Header, frame: Frame, result: PerceptionResult, to_camera_size: bool) -> int:
        """Publish mask and confidence with the image's header; returns the CRC-32 of the mask's data."""
        if to_camera_size:
            size = (frame.image.shape[0], frame.image.shape[1])
            labels, confidence = self._reader.mask(result, size), confidence_at(result, size)
        else:
            labels, confidence = self._reader.mask(result), result.confidence
        self._mask_out.publish(self._mask.fill(header, labels))
        self._confidence_out.publish(self._confidence.fill(header, confidence))
        return self._mask.crc32

    def publish_unknown(self, header: Header, frame: Frame, result: PerceptionResult, to_camera_size: bool) -> None:
        """Publish the map of unknown objects, at the size of the mask, if the bundle has one and somebody listens."""
        if self._unknown_out is None or not result.unknown.size or not self._unknown_out.get_subscription_count():
            return
        shape = (frame.image if to_camera_size else result.labels).shape
        self._unknown_out.publish(self._unknown.fill(header, unknown_at(result, (shape[0], shape[1]))))

    def publish_segments(self, header: Header, frame: Frame, result: PerceptionResult, to_camera_size: bool) -> None:
        """Publish the objects in the mask if somebody listens to them."""
        if not self._segments_out.get_subscription_count():
            return
        size = (result.labels.shape[0], result.labels.shape[1])
        published = (frame.image.shape[0], frame.image.shape[1]) if to_camera_size else size
        names = [each.name for each in self._bundle.card.classes]
        found, predicted = self._reader.segments(result), self._reader.predicts_segments
        self._segments_out.publish(segments_message(header, found, names, size, published, predicted))

    def publish_images(
        self, header: Header, frame: Frame, result: PerceptionResult, opacity: float, info: CameraInfo | None,
        to_camera_size: bool,
    ) -> None:  # fmt: skip
        """Publish the pictures, at the network's size, and the camera info, at that of the mask, that somebody listens
        to."""
        self._if_heard(self._color_out, header, lambda: self._colours.mask(self._reader.mask(result)))
        self._if_heard(
            self._overlay_out,
            header,
            lambda: self._colours.overlay(
                self._reader.mask(result), in_order(frame.image, frame.color_order, "rgb"), opacity
            ),
        )
        self._if_heard(self._heat_out, header, lambda: confidence_heat(result.confidence))
        if info is not None and self._info_out.get_subscription_count():
            shape = (frame.image if to_camera_size else result.labels).shape
            scaled = scaled_camera_info(info, header, (shape[0], shape[1]))
            if scaled is not None:
                self._info_out.publish(scaled)

    def publish_times(self, **milliseconds: float) -> None:
        """Publish the debug figures that somebody listens to, by the name of their topic."""
        for name, value in milliseconds.items():
            if self._debug[name].get_subscription_count():
                self._debug[name].publish(Float64(data=float(value)))

    def _if_heard(self, publisher: Any, header: Header, draw: Callable[[], UInt8Array]) -> None:
        if publisher.get_subscription_count():
            publisher.publish(self._image.fill(header, draw()))
