# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`selective_risk` and `missed_errors` over real DDS: the published mask is unlabelled where they do not hold."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from published_bundle import STRICTER, THRESHOLD, make_published_bundle
from ros_probe import HEIGHT, WIDTH, Probe, stamp_ns
from trustseg.reasons import Outcome


def pixels(message: Any) -> np.ndarray:
    return np.frombuffer(message.data, np.uint8).reshape(message.height, message.width)


@pytest.mark.parametrize(
    ("asked", "threshold"),
    [({"selective_risk": 0.02}, THRESHOLD), ({"selective_risk": 0.02, "missed_errors": 0.1}, STRICTER)],
)
def test_the_mask_is_unlabelled_below_the_higher_threshold(
    asked: dict[str, float], threshold: int, segmenter: Callable[..., Any], probe: Probe, tmp_path: Path
) -> None:
    segmenter(bundle=str(make_published_bundle(tmp_path / "engines" / "selective", HEIGHT, WIDTH)), **asked)
    probe.connect()
    status = probe.publish_and_wait()
    stamp = stamp_ns(status)

    def found() -> list[Any]:
        return [each for kept in probe.pictures.values() for each in kept if stamp_ns(each) == stamp]

    probe.until(lambda: len(found()) == 2, "mask and confidence")
    mask, confidence = (pixels(each) for each in found())
    assert np.array_equal(mask == 255, confidence < threshold)
    assert 0.0 < (mask == 255).mean() < 1.0
    assert status.outcome == Outcome.PROCESSED
    assert status.mask_crc32 == zlib.crc32(mask.tobytes())


def test_a_risk_that_the_bundle_does_not_hold_ends_configure(
    segmenter: Callable[..., Any], probe: Probe, tmp_path: Path
) -> None:
    segmenter(
        bundle=str(make_published_bundle(tmp_path / "engines" / "selective", HEIGHT, WIDTH)), selective_risk=0.005
    )
    log = tmp_path / "segmenter.log"
    probe.until(lambda: log.exists() and b"holds the selective risk" in log.read_bytes(), "a refusal")
    assert b"expected at least 0.0100, got 0.005" in log.read_bytes()
    probe.until(lambda: probe.statuses, "a status")
    assert probe.statuses[-1].outcome == Outcome.NO_FRAME
    assert not probe.pictures["mask"]
