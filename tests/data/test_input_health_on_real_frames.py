# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Input health on real frames: no false alarm on clean ones, and faults put onto the same ones are found."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest

from moving_street import grain
from trustseg.bundle.verdict_file import ONE_CLASS_SHARE
from trustseg.input_health import HealthConfig, InputHealth
from trustseg.reasons import Reason

FIRST, EVERY = 40, (2, 4, 8)  # frame at which a buffer is filled no more, and of how many it is one


@pytest.fixture(scope="module")
def data() -> Path:
    folder = os.environ.get("TRUSTSEG_DATA")
    if not folder or not (Path(folder) / "camvid").is_dir():
        pytest.skip("TRUSTSEG_DATA does not name a folder with camvid/ and clips/")
    return Path(folder)


@pytest.fixture(scope="module")
def stills(data: Path) -> list[np.ndarray]:
    """Every fifth CamVid image of every split, in the order of the drives."""
    files = [f for split in ("train", "val", "test") for f in sorted((data / "camvid" / split).iterdir())[::5]]
    images = [cv2.imread(str(f)) for f in files]
    assert len(images) > 130
    return images


def clip(data: Path) -> Iterator[np.ndarray]:
    capture = cv2.VideoCapture(str(data / "clips" / "highway_960x540.mp4"))
    while True:
        more, image = capture.read()
        if not more:
            return
        yield image


@pytest.fixture(scope="module")
def small_clip(data: Path) -> list[np.ndarray]:
    """The beginning of the clip, 480 x 270."""
    decoded = islice(clip(data), FIRST + 5 * max(EVERY))
    return [cv2.resize(each, (480, 270), interpolation=cv2.INTER_AREA) for each in decoded]


def brighter(gain: float, offset: float = 0.0) -> Callable[[np.ndarray], np.ndarray]:
    """What makes of each value of an image `gain` times that and `offset`."""
    table = np.clip(np.arange(256) * gain + offset, 0, 255).astype(np.uint8)
    return lambda image: cv2.LUT(image, table)


def reasons_of_each(images: list[np.ndarray]) -> list[Reason]:
    """Each image as the first of a stream."""
    return [InputHealth(HealthConfig()).check(image, 1).reasons for image in images]


def test_no_false_alarm_on_clean_stills(stills: list[np.ndarray]) -> None:
    health = InputHealth(HealthConfig())
    assert {health.check(image, stamp).reasons for stamp, image in enumerate(stills, start=1)} == {Reason.NONE}


def test_no_false_alarm_on_a_compressed_clip(data: Path) -> None:
    health = InputHealth(HealthConfig())
    reports = [health.check(image, stamp) for stamp, image in enumerate(clip(data), start=1)]
    assert len(reports) == 221
    assert {report.reasons for report in reports} == {Reason.NONE}


@pytest.mark.parametrize("sigma", [0.0, 1.0])
@pytest.mark.parametrize("every", EVERY)
def test_one_buffer_of_several_that_is_filled_no_more_is_frozen_on_a_clip(
    small_clip: list[np.ndarray], every: int, sigma: float
) -> None:
    """As it is decoded, and under a raw camera's noise: when the old picture comes back the fourth time."""
    health, rng = InputHealth(HealthConfig()), np.random.default_rng(1)
    old, found = None, []
    for k, small in enumerate(small_clip[: FIRST + 5 * every]):
        image = grain(small, sigma, rng) if sigma else small
        old = image if k == FIRST - 1 else old
        shown = old.copy() if old is not None and k >= FIRST and (k - FIRST) % every == 0 else image
        if Reason.FROZEN in health.check(shown, k + 1).reasons:
            found.append(k - FIRST)
    assert found == [4 * every]  # the first picture that comes back is the second that is shown


def test_margins_hold(stills: list[np.ndarray]) -> None:
    """The clean figures that the thresholds' comments state."""
    figures = [InputHealth(HealthConfig()).check(image, 1).figures for image in stills]
    assert max(f["dark_share"] for f in figures) < 0.35
    assert max(f["bright_share"] for f in figures) < 0.46
    assert min(f["blur_ratio"] for f in figures) > 1.3


@pytest.mark.parametrize(
    ("fault", "reason", "least"),
    [
        (lambda i: cv2.GaussianBlur(i, (0, 0), 3.0), Reason.BLUR, 1.0),
        (lambda i: cv2.GaussianBlur(i, (0, 0), 1.0), Reason.BLUR, 0.0),
        (lambda i: cv2.GaussianBlur(i, (31, 1), 5.0), Reason.BLUR, 0.9),
        (brighter(0.02), Reason.DARK, 1.0),
        (brighter(0.3), Reason.DARK, 0.0),
        (brighter(20.0, 120.0), Reason.BRIGHT, 1.0),
        (brighter(1.5), Reason.BRIGHT, 0.0),
    ],
    ids=["defocus", "slight defocus", "motion", "black", "dusk", "overexposed", "bright day"],
)
def test_faults_on_real_images(stills: list[np.ndarray], fault: object, reason: Reason, least: float) -> None:
    """`least` is the share that must be found; 0 means that none may be."""
    found = np.mean([reason in r for r in reasons_of_each([fault(i) for i in stills])])  # type: ignore[operator]
    assert found >= least
    if least == 0.0:
        assert found == 0.0


def test_no_real_mask_is_nearly_one_class(data: Path) -> None:
    """What `ONE_CLASS_SHARE` rests on: the commonest class of every labelled image, void left out."""
    shares = []
    for split in ("trainannot", "valannot", "testannot"):
        for file in sorted((data / "camvid" / split).iterdir()):
            labels = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
            counts = cv2.calcHist([labels], [0], None, [256], [0, 256])
            counts[11] = 0
            shares.append(counts.max() / counts.sum())
    assert len(shares) == 701
    assert max(shares) < ONE_CLASS_SHARE - 0.2
