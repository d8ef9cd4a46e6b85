# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Colours, fonts and panels that all pictures of a drive share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from trustseg.types import UInt8Array

Color = tuple[int, int, int]

PAPER: Color = (16, 18, 22)
PANEL: Color = (30, 33, 40)
INK: Color = (236, 238, 242)
FAINT: Color = (140, 146, 156)
GREEN: Color = (26, 127, 60)
RED: Color = (196, 36, 42)
AMBER: Color = (240, 170, 40)
BLUE: Color = (86, 160, 255)
WHITE: Color = (255, 255, 255)


@dataclass(frozen=True)
class ClassColor:
    """Name and display colour of a class, in the order of the ids."""

    name: str
    color: Color


@lru_cache(maxsize=16)
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which matplotlib brings along, at `size` pixels."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name), size)


def read_image(path: Path | None) -> UInt8Array | None:
    """uint8 RGB (H, W, 3) of a picture file, None where there is none or it cannot be read."""
    # As the node decodes them: an orientation tag turns nothing.
    image = None if path is None else cv2.imread(str(path), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    return None if image is None else np.asarray(image[..., ::-1], np.uint8)


def read_gray(path: Path | None) -> UInt8Array | None:
    """uint8 (H, W) of a mask or confidence file, None where there is none or it cannot be read."""
    image = None if path is None else cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    return None if image is None else np.asarray(image, np.uint8)


def fitted(image: UInt8Array, size: tuple[int, int]) -> Image.Image:
    """Picture of `size` (width, height) that holds the whole of `image`, with bars where the shapes differ."""
    width, height = size
    scale = min(width / image.shape[1], height / image.shape[0])
    inner = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    shrink = scale < 1.0
    resized = cv2.resize(image, inner, interpolation=cv2.INTER_AREA if shrink else cv2.INTER_LINEAR)
    panel = Image.new("RGB", size, PANEL)
    panel.paste(Image.fromarray(np.asarray(resized, np.uint8)), ((width - inner[0]) // 2, (height - inner[1]) // 2))
    return panel


def placeholder(size: tuple[int, int], text: str, behind: Image.Image | None = None) -> Image.Image:
    """Panel that says why there is no picture, over a darkened `behind` (the last one) if given."""
    panel = Image.new("RGB", size, PANEL) if behind is None else Image.eval(behind, lambda value: value // 4)
    draw = ImageDraw.Draw(panel)
    face = font(max(12, size[0] // 18), bold=True)
    draw.text((size[0] / 2, size[1] / 2), text, font=face, fill=INK, anchor="mm", align="center")
    return panel


def labelled(panel: Image.Image, text: str) -> Image.Image:
    """`panel` with a note in its lower left corner; changes the panel."""
    draw, face = ImageDraw.Draw(panel), font(max(12, panel.width // 24), bold=True)
    pad = face.size // 3
    top = panel.height - face.size - 3 * pad
    draw.rectangle((0, top, draw.textlength(text, font=face) + 4 * pad, panel.height), fill=AMBER)
    draw.text((2 * pad, (top + panel.height) / 2), text, font=face, fill=PAPER, anchor="lm")
    return panel


def draw_legend(
    draw: ImageDraw.ImageDraw, classes: Sequence[ClassColor], left: float, top: float, right: float
) -> None:
    """The classes' colours and names in one line from `left` to at most `right`."""
    face = font(15)
    for entry in classes:
        width = 26 + draw.textlength(entry.name, font=face)
        if left + width > right:
            break
        draw.rectangle((left, top, left + 16, top + 16), fill=entry.color)
        draw.text((left + 22, top - 2), entry.name, font=face, fill=FAINT)
        left += width + 14


def shortened(draw: ImageDraw.ImageDraw, text: str, face: ImageFont.FreeTypeFont, width: int) -> str:
    """`text`, cut with an ellipsis where it is wider than `width` pixels."""
    if draw.textlength(text, font=face) <= width:
        return text
    while text and draw.textlength(text + "...", font=face) > width:
        text = text[:-1]
    return text.rstrip() + "..."
