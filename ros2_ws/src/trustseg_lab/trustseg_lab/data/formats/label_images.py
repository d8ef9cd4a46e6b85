# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Label pictures: ids in samples or palette indices, with or without the number of an object, and ids in colours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trustseg.errors import InputError
from trustseg.imaging.stored_image import read_file
from trustseg_lab.data.label_pixels import decode_colours, decode_samples

SourceIds = npt.NDArray[np.integer[Any]]
Colour = tuple[int, int, int]
MOST_SHOWN = 8


@dataclass(frozen=True)
class SampleLabels:
    """Ids are samples or palette indices, 1 to 16 bits.

    Attributes:
        per_class: objects of one class in 16 bits: a sample of id * per_class + number stands for the id; 0: no such.
        from_sample: only samples from here on are of that form. None: all of a 16-bit picture.
    """

    per_class: int = 0
    from_sample: int | None = None

    def __call__(self, image: Path, labels: Path) -> SourceIds:
        """Ids (H, W) of a label file; InputError where it holds none."""
        samples = decode_samples(read_file(labels, "labels"), f"labels {labels}")
        if not self.per_class or samples.dtype != np.uint16:
            return samples
        ids = samples // self.per_class
        return ids if self.from_sample is None else np.where(samples >= self.from_sample, ids, samples)


@dataclass(frozen=True)
class ColourLabels:
    """Ids are colours. `colours`: RGB to id."""

    colours: Mapping[Colour, int]

    def __call__(self, image: Path, labels: Path) -> SourceIds:
        """Ids (H, W) of a label file.

        Raises:
            InputError: it cannot be decoded, or holds a colour that stands for nothing.
        """
        return self.ids_of(packed(decode_colours(read_file(labels, "labels"), f"labels {labels}")), f"labels {labels}")

    def ids_of(self, pixels: npt.NDArray[np.uint32], where: str) -> SourceIds:
        """Ids of packed colours; InputError for one that is not known."""
        keys, ids = self._sorted
        at = np.minimum(np.searchsorted(keys, pixels), len(keys) - 1)
        wrong = keys[at] != pixels
        if wrong.any():
            others, counts = np.unique(pixels[wrong], return_counts=True)
            shown = [f"#{int(others[i]):06x}" for i in np.argsort(-counts, kind="stable")[:MOST_SHOWN]]
            more = f" and {len(others) - MOST_SHOWN} more" if len(others) > MOST_SHOWN else ""
            raise InputError(
                f"{where} hold colours that the legend lacks", expected=f"its {len(keys)}",
                got=f"{', '.join(shown)}{more}, {int(wrong.sum())} of {pixels.size} pixels",
                fix="is it the legend of these labels? --label-format rgb:LEGEND names another",
            )  # fmt: skip
        return ids[at]

    @cached_property
    def _sorted(self) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int32]]:
        colours = sorted(self.colours.items())
        keys = [(red << 16) | (green << 8) | blue for (red, green, blue), _ in colours]
        return np.array(keys, np.uint32), np.array([each for _, each in colours], np.int32)


def packed(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint32]:
    """uint8 (H, W, 3) RGB as uint32 (H, W), 0xRRGGBB."""
    wide = rgb.astype(np.uint32)
    return np.asarray((wide[..., 0] << 16) | (wide[..., 1] << 8) | wide[..., 2], np.uint32)
