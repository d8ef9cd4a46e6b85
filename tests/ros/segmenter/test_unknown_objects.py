# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""An unknown object on the road, over real DDS: map, status, flag; and a bundle that knows nothing of such things."""

from __future__ import annotations

import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sensor_msgs.msg import Image
from trustseg_interfaces.msg import SegmentationStatus

from bundle_factory import MAGENTA, make_tiny_bundle
from ros_probe import HEIGHT, WIDTH, Probe, stamp_ns
from trustseg.reasons import Reason, Severity, State
from trustseg_ros.common.qos import output_qos

BOX = (slice(HEIGHT * 3 // 4, HEIGHT * 3 // 4 + 8), slice(WIDTH // 2, WIDTH // 2 + 8))


def with_box(probe: Probe) -> Any:
    """The probe's scene with a box of no class's colour on its road."""
    message = probe.image()
    image = np.frombuffer(message.data, np.uint8).reshape(HEIGHT, WIDTH, 3).copy()
    image[BOX] = MAGENTA
    message.data = array.array("B", image.tobytes())
    return probe.publish(message)


def told(probe: Probe, stamp: int) -> SegmentationStatus:
    return next(s for s in reversed(probe.statuses) if stamp_ns(s) == stamp)


@pytest.fixture
def knowing(tmp_path: Path) -> Path:
    return make_tiny_bundle(tmp_path / "engines" / "knowing", height=HEIGHT, width=WIDTH, unknown=True)


def test_a_box_on_the_road_is_a_reason_a_map_and_a_flag(
    segmenter: Callable[..., Any], monitor: Callable[..., Any], probe: Probe, knowing: Path
) -> None:
    segmenter(bundle=str(knowing))
    monitor()
    maps: list[Image] = []
    probe.connect()
    probe.drive_until_ok()
    probe.node.create_subscription(Image, "trustseg/unknown", maps.append, output_qos())
    seen = len(probe.verdicts)
    probe.until(
        lambda: (
            any(v.failure and v.reasons & Reason.UNKNOWN_OBJECT for v in probe.verdicts[seen:])
            and any(m.data[HEIGHT * 3 // 4 * WIDTH + 4 * WIDTH + WIDTH // 2 + 4] > 200 for m in maps)
        ),
        "flag and map", every=lambda: with_box(probe),
    )  # fmt: skip
    raised = next(v for v in probe.verdicts[seen:] if v.failure and v.reasons & Reason.UNKNOWN_OBJECT)
    assert State(raised.state) is State.DEGRADED
    message = next(m for m in reversed(maps) if stamp_ns(m) in probe.answered())
    status = told(probe, stamp_ns(message))
    assert Reason.UNKNOWN_OBJECT in Reason(status.reasons)
    assert (status.frame_ok, Severity(status.severity)) == (False, Severity.SOFT)
    assert (message.encoding, message.height, message.width) == ("mono8", HEIGHT, WIDTH)
    assert message.header.frame_id == "front"
    score = np.frombuffer(message.data, np.uint8).reshape(HEIGHT, WIDTH)
    assert score[BOX][3:5, 3:5].min() > 200  # its middle: the map is enlarged, so that its edge is soft
    assert score[HEIGHT - 8 :].max() < 128  # road


def test_a_bundle_without_the_plane_offers_no_map_and_says_so(
    segmenter: Callable[..., Any], probe: Probe, tmp_path: Path
) -> None:
    segmenter()
    probe.connect()
    stamp = stamp_ns(with_box(probe))
    probe.until(lambda: stamp in probe.answered(), "status")
    assert Reason.UNKNOWN_OBJECT not in Reason(told(probe, stamp).reasons)
    topics = {name for name, _ in probe.node.get_topic_names_and_types()}
    assert "/trustseg/mask" in topics
    assert "/trustseg/unknown" not in topics
    log = "".join(path.read_text(errors="replace") for path in tmp_path.glob("*.log"))
    assert "unknown objects are NOT noticed" in log
