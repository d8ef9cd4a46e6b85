# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`temporal_filter` over real DDS: mask and confidence are those of the vote, statuses those of the frame alone."""

from __future__ import annotations

import array
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builtin_interfaces.msg import Time

from bundle_factory import paint_scene
from ros_probe import HEIGHT, WIDTH, Probe, stamp_ns
from trustseg.backends import create_backend
from trustseg.bundle.loading import load_bundle
from trustseg.pipeline import Pipeline
from trustseg.reasons import Outcome, Reason
from trustseg.temporal_filter import TemporalFilter
from trustseg.types import Frame

WEIGHT, PERIOD_NS = 0.9, 100_000_000


def noisy(number: int) -> np.ndarray:
    grain = np.random.default_rng(number).integers(-60, 61, (HEIGHT, WIDTH, 3))
    return np.clip(paint_scene(HEIGHT, WIDTH) + grain, 0, 255).astype(np.uint8)


def pixels(message: Any) -> np.ndarray:
    return np.frombuffer(message.data, np.uint8).reshape(message.height, message.width)


def test_the_past_shows_in_the_mask_and_not_in_the_status(
    segmenter: Callable[..., Any], probe: Probe, bundle: Path
) -> None:
    """A rejected image first, so that what connected the two is forgotten; recorded stamps: no machine is too slow."""
    segmenter(temporal_filter=WEIGHT, mode="replay")
    probe.connect()
    pipeline = Pipeline(load_bundle(bundle), create_backend("onnxruntime", load_bundle(bundle), threads=1))
    by_hand = TemporalFilter(WEIGHT, 3 * PERIOD_NS)
    changed = 0
    for number, (image, encoding) in enumerate(
        [(noisy(0), "no encoding"), *((noisy(n), "rgb8") for n in range(1, 5)), (np.zeros_like(noisy(0)), "rgb8"),
         *((noisy(n), "rgb8") for n in range(5, 7))]
    ):  # fmt: skip
        at_ns = probe.sent[-1] + PERIOD_NS
        message = probe.image(encoding=encoding, data=array.array("B", image.tobytes()))
        message.header.stamp = Time(sec=at_ns // 10**9, nanosec=at_ns % 10**9)
        status = probe.publish_and_wait(message)
        if number == 0:
            assert status.outcome == Outcome.REJECTED
            continue
        mask, confidence = published(probe, at_ns)
        result = pipeline.process(Frame(image, at_ns, "front"))
        expected = result.labels, result.confidence
        if status.reasons:
            assert Reason.DARK in Reason(status.reasons)
            by_hand.forget()
        else:
            expected = by_hand.apply(*expected, at_ns, (HEIGHT, WIDTH))
        assert np.array_equal(mask, expected[0])
        assert np.array_equal(confidence, expected[1])
        assert status.mask_crc32 == zlib.crc32(mask.tobytes())
        assert status.failure_score == pytest.approx(result.verdict.failure_score, abs=1e-6)
        assert status.mean_confidence == pytest.approx(result.verdict.mean_confidence, abs=1e-6)
        changed += bool((mask != result.labels).any())
    pipeline.close()
    assert changed == 4  # not the first after the rejected image, nor the black one, nor the one behind it


def published(probe: Probe, at_ns: int) -> list[np.ndarray]:
    def found() -> list[Any]:
        return [each for kept in probe.pictures.values() for each in kept if stamp_ns(each) == at_ns]

    probe.until(lambda: len(found()) == 2, "mask and confidence")
    return [pixels(each) for each in found()]
