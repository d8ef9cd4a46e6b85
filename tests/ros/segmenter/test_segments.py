# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`~/segments` over real DDS: the objects of every mask for whoever listens, with the IoU that the bundle predicts."""

from __future__ import annotations

import array
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from trustseg_interfaces.msg import Segments

from bundle_factory import CLASSES, PALETTE
from published_bundle import make_published_bundle
from ros_probe import HEIGHT, WIDTH, Probe, stamp_ns
from trustseg_ros.common.qos import output_qos

CAR, PEDESTRIAN = CLASSES.index("car"), CLASSES.index("pedestrian")
# Of the mask; the tiny network sees blocks of four pixels.
BOXES = {CAR: (40, 48, 32, 16), PEDESTRIAN: (88, 40, 8, 24)}


def publish_street(probe: Probe) -> Any:
    """A road with a car and a pedestrian."""
    image = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    image[: HEIGHT // 2], image[HEIGHT // 2 :] = PALETTE[0], PALETTE[3]
    for each, (x, y, width, height) in BOXES.items():
        image[y : y + height, x : x + width] = PALETTE[each]
    # A camera's grain: two equal images would be a frozen one.
    image ^= np.random.default_rng(len(probe.sent)).integers(0, 2, image.shape, np.uint8)
    return probe.publish(probe.image(data=array.array("B", image.tobytes())))


def heard(probe: Probe) -> list[Segments]:
    found: list[Segments] = []
    probe.node.create_subscription(Segments, "trustseg/segments", found.append, output_qos())
    probe.until(lambda: found, "objects", every=lambda: publish_street(probe))
    return found


def test_a_tracker_hears_class_box_and_predicted_iou(
    segmenter: Callable[..., Any], probe: Probe, tmp_path: Path
) -> None:
    segmenter(bundle=str(make_published_bundle(tmp_path / "engines" / "objects", HEIGHT, WIDTH)))
    probe.connect()
    message = heard(probe)[-1]
    assert stamp_ns(message) in probe.sent
    assert (message.header.frame_id, message.height, message.width) == ("front", HEIGHT, WIDTH)
    assert message.has_predicted_iou
    found = {s.class_id: s for s in message.segments}
    assert {key: (s.x, s.y, s.width, s.height) for key, s in found.items()} == BOXES
    assert {key: s.area for key, s in found.items()} == {key: box[2] * box[3] for key, box in BOXES.items()}
    assert [found[key].class_name for key in (CAR, PEDESTRIAN)] == ["car", "pedestrian"]
    assert found[CAR].predicted_iou == 0.5
    assert math.isclose(found[PEDESTRIAN].predicted_iou, 1 / (1 + math.exp(-1)), rel_tol=1e-6)
    assert all(0.5 < s.mean_confidence <= 1.0 for s in found.values())


def test_without_a_model_the_iou_is_not_a_number(segmenter: Callable[..., Any], probe: Probe) -> None:
    segmenter(output_size="camera")
    probe.connect()
    message = heard(probe)[-1]
    assert not message.has_predicted_iou
    assert {s.class_id for s in message.segments} == {CAR, PEDESTRIAN}
    assert all(math.isnan(s.predicted_iou) for s in message.segments)
