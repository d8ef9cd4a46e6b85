# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Weather, lens and sensor conditions: pure functions of (image, depth, severity, seed), also for real pictures.

Half of the kinds may be fitted on (`FIT_KINDS`); the other half stays unseen until a method is judged on it
(`HELD_OUT_KINDS`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from trustseg.errors import InputError
from trustseg_lab.scenes import degradations, weather
from trustseg_lab.scenes.noise import stream

UInt8 = npt.NDArray[np.uint8]
Float32 = npt.NDArray[np.float32]
Effect = Callable[[UInt8, Float32, float, np.random.Generator], UInt8]

FIT_KINDS: tuple[str, ...] = ("fog", "night", "dirt", "defocus", "noise", "overexposure", "contrast", "jpeg")
HELD_OUT_KINDS: tuple[str, ...] = (
    "rain", "snow", "glare", "motion_blur", "underexposure", "occlusion", "impulse", "pixelate",
)  # fmt: skip
KINDS: tuple[str, ...] = FIT_KINDS + HELD_OUT_KINDS
LENS_KINDS: tuple[str, ...] = ("dirt", "occlusion", "glare")
"""Kinds whose pattern stays where it is on the lens from frame to frame."""

LEVELS = 5
_STREAM_CONDITION = 61
_EFFECTS: dict[str, Effect] = {
    "fog": weather.fog,
    "night": weather.night,
    "rain": weather.rain,
    "snow": weather.snow,
    "glare": weather.glare,
    "dirt": degradations.dirt,
    "occlusion": degradations.occlusion,
    "defocus": degradations.defocus,
    "motion_blur": degradations.motion_blur,
    "noise": degradations.noise,
    "impulse": degradations.impulse,
    "overexposure": degradations.overexposure,
    "underexposure": degradations.underexposure,
    "contrast": degradations.contrast,
    "jpeg": degradations.jpeg,
    "pixelate": degradations.pixelate,
}


def apply_condition(
    kind: str,
    severity: float,
    image: npt.NDArray[Any],
    depth: npt.NDArray[Any] | None = None,
    seed: int = 0,
    lamps: Float32 | None = None,
) -> UInt8:
    """The picture under one condition.

    Args:
        kind: one of `KINDS`.
        severity: 0 (none: a copy comes back) to 1; the benchmark's levels 1 to 5 are level / `LEVELS`.
        image: uint8 (H, W, 3), RGB.
        depth: float (H, W) in metres, infinite in the sky; None takes a street of usual proportions.
        seed: pattern of the condition. For a drive take the same seed for every frame where the kind is in
            `LENS_KINDS`, another one for every frame elsewhere (`condition_seed`).
        lamps: what shines at night, as in `weather.night`; None scatters some street lamps.

    Returns:
        uint8 (H, W, 3), a new array.

    Raises:
        InputError: an unknown kind, a severity outside [0, 1], an image or depth of another shape or dtype.
    """
    if kind not in _EFFECTS:
        raise InputError("kind of a condition", expected="one of " + ", ".join(KINDS), got=repr(kind))
    if not 0.0 <= severity <= 1.0:
        raise InputError(f"severity of {kind}", expected="a number in [0, 1]", got=str(severity))
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise InputError("image under a condition", expected="uint8 (H, W, 3)", got=f"{image.dtype} {image.shape}")
    if depth is not None and depth.shape != image.shape[:2]:
        raise InputError("depth of the image", expected=f"shape {image.shape[:2]}", got=str(depth.shape))
    picture = np.ascontiguousarray(image)
    if severity == 0:
        return picture.copy()
    far = weather.street_depth(picture.shape[:2]) if depth is None else np.asarray(depth, np.float32)
    rng = stream(_STREAM_CONDITION, KINDS.index(kind), seed)
    if kind == "night":
        return weather.night(picture, far, float(severity), rng, lamps)
    return _EFFECTS[kind](picture, far, float(severity), rng)


def condition_seed(kind: str, seed: int, k: int) -> int:
    """Seed of a condition in frame k of drive `seed`: constant where the pattern sits on the lens."""
    return seed if kind in LENS_KINDS else (seed * 1_000_003 + k + 1) & 0x7FFFFFFF


def apply_conditions(
    conditions: Sequence[tuple[str, float]],
    image: npt.NDArray[Any],
    depth: npt.NDArray[Any] | None = None,
    seed: int = 0,
    k: int = 0,
    lamps: Float32 | None = None,
) -> UInt8:
    """Several (kind, severity), applied in the order given to frame k of drive `seed`; see `apply_condition`."""
    out = np.asarray(image, np.uint8)
    for kind, severity in conditions:
        out = apply_condition(kind, severity, out, depth, condition_seed(kind, seed, k), lamps)
    return out


def parse_condition(text: str) -> tuple[str, float]:
    """`KIND` or `KIND:SEVERITY` to (kind, severity); the severity is 0.5 where it is left out.

    Raises:
        InputError: not of that form, an unknown kind, or a severity outside [0, 1].
    """
    kind, colon, number = text.partition(":")
    try:
        severity = float(number) if colon else 0.5
    except ValueError:
        raise InputError(f"condition {text!r}", expected="KIND:SEVERITY such as fog:0.6", got=repr(number)) from None
    if kind not in _EFFECTS:
        raise InputError(f"condition {text!r}", expected="one of " + ", ".join(KINDS), got=repr(kind))
    if not 0.0 <= severity <= 1.0:
        raise InputError(f"condition {text!r}", expected="a severity in [0, 1]", got=number)
    return kind, severity
