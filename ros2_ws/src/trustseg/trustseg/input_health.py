"""Input health: is what the camera shows worth segmenting? Cheap figures of a small copy of each frame.

State is explicit and small: the previous frame (frozen camera) and a window of block figures (dirt on the lens).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from trustseg.reasons import Reason
from trustseg.types import HealthReport, UInt8Array

SMALL_SIZE = (135, 240)  # (height, width) of the copy that every figure is taken from


@dataclass(frozen=True)
class HealthConfig:
    """Thresholds of the input checks; lumas are 0..255.

    Attributes:
        frozen_after: FROZEN from this many identical frames in a row on; 0 switches it off (a simulator that stands
            still repeats its pixels, and so does replayed video that was compressed).
    """

    frozen_after: int = 3
    dark_luma: float = 32.0
    dark_share: float = 0.98
    bright_luma: float = 250.0
    bright_share: float = 0.75


class InputHealth:
    """Checks frames of one camera in their order of arrival.

    Holds on to the newest image until the next call: the caller must not overwrite it.
    """

    def __init__(self, config: HealthConfig) -> None:
        self.config = config
        self.reset()

    def reset(self) -> None:
        """Forget earlier frames."""
        self._last: UInt8Array | None = None
        self._last_small: UInt8Array | None = None
        self._last_stamp_ns: int | None = None
        self._identical = 1

    def check(self, image: UInt8Array, stamp_ns: int) -> HealthReport:
        """Report on one frame: uint8 (H, W, 3), its stamp in nanoseconds."""
        config = self.config
        height, width = SMALL_SIZE
        small: UInt8Array = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
        reasons = Reason.NONE
        if self._same_as_last(image, small) and stamp_ns != self._last_stamp_ns:
            self._identical += 1
        elif stamp_ns != self._last_stamp_ns:
            self._identical = 1
        self._last, self._last_small, self._last_stamp_ns = image, small, stamp_ns
        if config.frozen_after and self._identical >= config.frozen_after:
            reasons |= Reason.FROZEN
        luma = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
        dark = float(np.mean(luma < config.dark_luma))
        bright = float(np.mean(luma >= config.bright_luma))
        if dark >= config.dark_share:
            reasons |= Reason.DARK
        if bright >= config.bright_share:
            reasons |= Reason.BRIGHT
        return HealthReport(reasons, {"identical": float(self._identical), "dark_share": dark, "bright_share": bright})

    def _same_as_last(self, image: UInt8Array, small: UInt8Array) -> bool:
        """Exactly equal pixels; the small copies are compared first, so that the whole is compared only in doubt."""
        if self._last is None or self._last_small is None or self._last.shape != image.shape:
            return False
        return bool(np.array_equal(self._last_small, small)) and bool(np.array_equal(self._last, image))
