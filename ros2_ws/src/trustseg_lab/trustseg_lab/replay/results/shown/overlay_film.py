# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`overlay.mp4`: camera and mask over it, frame by frame, with a red bar while the failure flag is up (H.264)."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from trustseg.imaging.colours import ClassColours
from trustseg.types import UInt8Array
from trustseg_lab.replay.results.shown.event_images import Moment

NAME = "overlay.mp4"
BAR_ROWS = 8
FLAG_UP, FLAG_DOWN = (36, 42, 196), (60, 127, 26)  # BGR
OPTIONS = {"crf": "23", "preset": "veryfast", "threads": "1"}


class OverlayFilm:
    """Writes the film; frames without a mask show the last image dark.

    Every image has the network's size, whatever the camera's was.

    Args:
        path: new file. painter: draws masks, in BGR. rate_hz: frames a second.
    """

    def __init__(self, path: Path, painter: ClassColours, rate_hz: float) -> None:
        self._painter, self._rate_hz, self._path = painter, rate_hz, path
        self._container: Any = None
        self._stream: Any = None
        self._last: UInt8Array | None = None

    def add(self, moment: Moment, failure: bool) -> None:
        """Append one frame."""
        if moment.image is not None and moment.labels is not None:
            self._last = self._painter.overlay(moment.labels, moment.image)
            picture = self._last
        elif self._last is not None:
            picture = self._last // 3
        else:
            return
        # H.264 takes even sizes only.
        shown = np.array(picture[: picture.shape[0] // 2 * 2, : picture.shape[1] // 2 * 2])
        if self._container is None:
            # By a stream of Python's own: PyAV takes no name that is no UTF-8.
            self._file = self._path.open("wb")
            self._container = av.open(self._file, "w", format="mp4")
            self._stream = self._container.add_stream("libx264", rate=Fraction(self._rate_hz).limit_denominator(1000))
            self._stream.height, self._stream.width = shown.shape[:2]
            self._stream.pix_fmt, self._stream.options = "yuv420p", OPTIONS
        shown[:BAR_ROWS] = FLAG_UP if failure else FLAG_DOWN
        self._container.mux(self._stream.encode(av.VideoFrame.from_ndarray(shown, format="bgr24")))

    def close(self) -> None:
        """Write the film's end; nothing where no frame had an image."""
        if self._container is not None:
            self._container.mux(self._stream.encode(None))
            self._container.close()
            self._file.close()
            self._container = None
