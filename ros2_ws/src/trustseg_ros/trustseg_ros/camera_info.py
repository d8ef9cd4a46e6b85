"""Whether frames have the CameraInfo that they need (fault 28)."""

from __future__ import annotations

from typing import Any

from trustseg.bounds import Bounds
from trustseg.reasons import Reason
from trustseg.types import Frame


class CameraInfoCheck:
    """Keeps the newest CameraInfo of one stream.

    Args:
        required: frames without one of their own are CAMERA_INFO.
        bounds: how long one may be missing: as long as low rates are judged over.
        now_ns: the stream's begin, steady clock.
    """

    def __init__(self, required: bool, bounds: Bounds, now_ns: int) -> None:
        self._required, self._limit_ns = required, bounds.rate_window_ns
        self._at_ns = now_ns
        self.newest: Any = None

    def note(self, message: Any, now_ns: int) -> None:
        """Take one CameraInfo."""
        self.newest, self._at_ns = message, now_ns

    def reasons(self, frame: Frame, now_ns: int) -> Reason:
        """CAMERA_INFO when one is required and missing for too long, of another size or of another frame_id."""
        if not self._required:
            return Reason.NONE
        info = self.newest
        fits = info is None or (
            (info.height, info.width) == frame.image.shape[:2] and info.header.frame_id == frame.frame_id
        )
        return Reason.NONE if fits and now_ns - self._at_ns <= self._limit_ns else Reason.CAMERA_INFO
