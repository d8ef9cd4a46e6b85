# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Input health on rendered drives: quiet while the drive is clean, and each trouble by its own name."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from trustseg.input_health import HealthConfig, InputHealth
from trustseg.reasons import Reason
from trustseg_lab.scenes import Drive, apply_condition

CLEAN, TROUBLED = 33, 14  # 30 it takes to learn what a lens shows, and seven to call it covered
Pair = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def frames() -> list[Pair]:
    """(image, depth) of a drive at 10 Hz."""
    drive = Drive(11)
    rendered = [drive.frame(k) for k in range(CLEAN + TROUBLED)]
    return [(f.image_rgb, f.depth_m) for f in rendered]


@pytest.fixture(scope="module")
def after_clean(frames: list[Pair]) -> InputHealth:
    """The checks after the clean frames, of which none has a reason; to be copied."""
    health = InputHealth(HealthConfig())
    found = [health.check(image, k + 1).reasons for k, (image, _) in enumerate(frames[:CLEAN])]
    assert found == [Reason.NONE] * CLEAN
    return health


def reasons_of(after_clean: InputHealth, frames: list[Pair], kind: str = "", severity: float = 0.0) -> list[Reason]:
    """Of the frames that follow the clean ones, under a condition."""
    health, found = copy.deepcopy(after_clean), []
    for k, (image, depth) in enumerate(frames[CLEAN:], start=CLEAN):
        shown = apply_condition(kind, severity, image, depth, seed=7) if kind else image
        found.append(health.check(shown, k + 1).reasons)
    return found


def test_clean_drive_is_quiet(after_clean: InputHealth, frames: list[Pair]) -> None:
    assert reasons_of(after_clean, frames) == [Reason.NONE] * TROUBLED


@pytest.mark.parametrize(
    ("kind", "severity", "reason", "from_frame"),
    [
        ("defocus", 1.0, Reason.BLUR, 0),
        ("occlusion", 0.6, Reason.OBSCURED, 10),
    ],
)
def test_trouble_by_its_name(
    after_clean: InputHealth, frames: list[Pair], kind: str, severity: float, reason: Reason, from_frame: int
) -> None:
    found = reasons_of(after_clean, frames, kind, severity)
    assert all(reason in r for r in found[from_frame:]), found


@pytest.mark.parametrize(("kind", "severity"), [("night", 0.8), ("rain", 0.6), ("snow", 0.6), ("glare", 0.6)])
def test_weather_is_left_to_the_learned_score(
    after_clean: InputHealth, frames: list[Pair], kind: str, severity: float
) -> None:
    assert set(reasons_of(after_clean, frames, kind, severity)) == {Reason.NONE}
