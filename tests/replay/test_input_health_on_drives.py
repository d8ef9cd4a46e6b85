# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Input health on rendered drives: quiet while the drive is clean, and each trouble by its own name."""

from __future__ import annotations

import numpy as np
import pytest

from trustseg.input_health import HealthConfig, InputHealth
from trustseg.reasons import Reason
from trustseg_lab.scenes import Drive, apply_condition

CLEAN, TROUBLED = 36, 16


@pytest.fixture(scope="module")
def frames() -> list[tuple[np.ndarray, np.ndarray]]:
    """(image, depth) of a drive at 10 Hz."""
    drive = Drive(11)
    rendered = [drive.frame(k) for k in range(CLEAN + TROUBLED)]
    return [(f.image_rgb, f.depth_m) for f in rendered]


def reasons_of(frames: list[tuple[np.ndarray, np.ndarray]], kind: str = "", severity: float = 0.0) -> list[Reason]:
    health = InputHealth(HealthConfig())
    found = []
    for k, (image, depth) in enumerate(frames):
        if kind and k >= CLEAN:
            image = apply_condition(kind, severity, image, depth, seed=7)
        found.append(health.check(image, k + 1).reasons)
    return found


def test_clean_drive_is_quiet(frames: list[tuple[np.ndarray, np.ndarray]]) -> None:
    assert reasons_of(frames) == [Reason.NONE] * len(frames)


@pytest.mark.parametrize(
    ("kind", "severity", "reason", "from_frame"),
    [
        ("defocus", 1.0, Reason.BLUR, 0),
        ("occlusion", 0.6, Reason.OBSCURED, 10),
    ],
)
def test_trouble_by_its_name(
    frames: list[tuple[np.ndarray, np.ndarray]], kind: str, severity: float, reason: Reason, from_frame: int
) -> None:
    found = reasons_of(frames, kind, severity)
    assert found[:CLEAN] == [Reason.NONE] * CLEAN
    assert all(reason in r for r in found[CLEAN + from_frame :]), found[CLEAN:]


@pytest.mark.parametrize(("kind", "severity"), [("night", 0.8), ("rain", 0.6), ("snow", 0.6), ("glare", 0.6)])
def test_weather_is_left_to_the_learned_score(
    frames: list[tuple[np.ndarray, np.ndarray]], kind: str, severity: float
) -> None:
    assert set(reasons_of(frames, kind, severity)) == {Reason.NONE}
