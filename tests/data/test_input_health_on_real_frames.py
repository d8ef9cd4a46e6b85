# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Input health on real frames: no false alarm on clean ones, and faults put onto the same ones are found."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest

from trustseg.bundle.verdict_file import ONE_CLASS_SHARE
from trustseg.input_health import HealthConfig, InputHealth
from trustseg.reasons import Reason


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
@pytest.mark.parametrize("every", [2, 4, 8])
def test_one_buffer_of_several_that_is_filled_no_more_is_frozen_on_a_clip(data: Path, every: int, sigma: float) -> None:
    """As it is decoded, and under a raw camera's noise: when the old picture comes back the fourth time."""
    health, rng, first = InputHealth(HealthConfig()), np.random.default_rng(1), 40
    old, found = None, []
    for k, decoded in enumerate(islice(clip(data), first + 5 * every)):
        image = cv2.resize(decoded, (480, 270), interpolation=cv2.INTER_AREA)
        if sigma:
            image = np.clip(image + rng.normal(0.0, sigma, image.shape), 0, 255).astype(np.uint8)
        old = image if k == first - 1 else old
        shown = old.copy() if old is not None and k >= first and (k - first) % every == 0 else image
        if Reason.FROZEN in health.check(shown, k + 1).reasons:
            found.append(k - first)
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
        (lambda i: (i * 0.02).astype(np.uint8), Reason.DARK, 1.0),
        (lambda i: (i * 0.3).astype(np.uint8), Reason.DARK, 0.0),
        (lambda i: np.clip(i * 20.0 + 120.0, 0, 255).astype(np.uint8), Reason.BRIGHT, 1.0),
        (lambda i: np.clip(i * 1.5, 0, 255).astype(np.uint8), Reason.BRIGHT, 0.0),
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
            shares.append(np.bincount(labels[labels != 11]).max() / (labels != 11).sum())
    assert len(shares) == 701
    assert max(shares) < ONE_CLASS_SHARE - 0.2
