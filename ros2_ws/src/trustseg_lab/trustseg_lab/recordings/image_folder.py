# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Pictures of a folder as one drive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np

from trustseg.bounds import SECOND
from trustseg.errors import InputError
from trustseg.imaging.image_header import JPEG_START, PNG_SIGNATURE, png_depth
from trustseg.imaging.orientation import UPRIGHT, orientation_of
from trustseg.imaging.stored_image import decode_image, read_file
from trustseg_lab.data import list_images, natural_order, shown
from trustseg_lab.recordings.recorded_image import ORIGIN_NS, CompressedPicture, RecordedImage, header_at, raw_image
from trustseg_lab.recordings.storage import one_line


class FolderSource:
    """Pictures of a folder in the order of their names, one a period."""

    topic, repeats = "", False

    def __init__(self, path: Path, rate_hz: float) -> None:
        self.path = path
        self._step_ns = round(SECOND / rate_hz)
        self.period_ns: int | None = self._step_ns
        found = list_images(path, order=natural_order)
        self._files, self.note = found.files, found.note
        self.names: Sequence[str] = [shown(each.name) for each in self._files]
        self.count = len(self._files)
        self._lost: list[str] = []

    @property
    def losses(self) -> list[str]:
        """See `ImageSource`."""
        return self._lost

    def images(self) -> Iterator[RecordedImage]:
        """See `ImageSource`."""
        self._lost = []
        for index, (path, name) in enumerate(zip(self._files, self.names, strict=True)):
            time_ns = ORIGIN_NS + index * self._step_ns
            try:
                data = read_file(path)
            except InputError as error:
                self._lost.append(f"{name}: {one_line(error)}")
                continue
            header = header_at(time_ns)
            image = None
            if not _as_it_is(data):
                with suppress(InputError):  # too large: the node's own rules refuse it as well
                    image = decode_image(data, cv2.IMREAD_COLOR, name)
            if image is None:
                kind = "png" if data.startswith(PNG_SIGNATURE) else "jpeg"
                yield RecordedImage(index, time_ns, CompressedPicture(header, kind, data), True, name)
            else:
                yield RecordedImage(index, time_ns, raw_image(header, np.asarray(image, np.uint8)), False, name)

    def close(self) -> None:
        """See `ImageSource`."""


def _as_it_is(data: bytes) -> bool:
    """Whether the node's own rules decode a picture's file, and to what it shows: an upright JPEG or PNG of 8 bits."""
    plain = data.startswith(JPEG_START) or 0 < png_depth(data) <= 8
    return plain and orientation_of(data) == UPRIGHT
