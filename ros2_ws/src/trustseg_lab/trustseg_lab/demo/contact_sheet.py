# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`contact_sheet.png`: one telling moment of each trouble in a row of its own: camera, mask, confidence, flag."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from trustseg.imaging.colours import ClassColours, confidence_heat
from trustseg_lab.demo.moments import Moment
from trustseg_lab.demo.paint import (
    FAINT,
    GREEN,
    INK,
    PAPER,
    RED,
    WHITE,
    ClassColor,
    draw_legend,
    fitted,
    font,
    labelled,
    placeholder,
    read_gray,
    read_image,
    shortened,
)  # fmt: skip
from trustseg_lab.demo.summary import Injected, Summary
from trustseg_lab.demo.words import STATES, main_reason, reason_words
from trustseg_lab.harness.script import TITLES

CELL, GAP, TEXT_WIDTH, HEAD, FOOT = (300, 225), 10, 330, 44, 34
COLUMNS = ("camera", "mask", "confidence (bright = a guess)", "failure flag")
SAMPLES_WITHOUT_TROUBLE = 6


def write_contact_sheet(path: Path, moments: Sequence[Moment], summary: Summary, classes: Sequence[ClassColor]) -> None:
    """Draw the sheet.

    Args:
        path: the PNG to write.
        moments: the drive.
        summary: its troubles.
        classes: names and colours of the mask's ids.
    """
    rows = chosen_moments(moments, summary)
    width = GAP + 3 * (CELL[0] + GAP) + TEXT_WIDTH + GAP
    canvas = Image.new("RGB", (width, HEAD + len(rows) * (CELL[1] + GAP) + FOOT), PAPER)
    draw = ImageDraw.Draw(canvas)
    for column, title in enumerate(COLUMNS):
        draw.text((GAP + column * (CELL[0] + GAP), 12), title, font=font(17, True), fill=FAINT)
    colours = ClassColours([each.color for each in classes])
    for row, (title, moment) in enumerate(rows):
        top = HEAD + row * (CELL[1] + GAP)
        for column, panel in enumerate(_panels(moment, moments, colours)):
            canvas.paste(panel, (GAP + column * (CELL[0] + GAP), top))
        _flag_cell(draw, title, moment, (GAP + 3 * (CELL[0] + GAP), top))
    draw_legend(draw, classes, GAP, canvas.height - FOOT, width - GAP)
    canvas.save(path)


def chosen_moments(moments: Sequence[Moment], summary: Summary) -> list[tuple[str, Moment]]:
    """A clear moment first, then one of each trouble; evenly spaced ones where nothing was injected."""
    if not summary.injected:
        step = max(1, len(moments) // SAMPLES_WITHOUT_TROUBLE)
        middle = moments[step // 2 :: step][:SAMPLES_WITHOUT_TROUBLE]
        return [(f"picture {m.slot}", m) for m in middle]
    found = []
    before = [m for m in moments if m.time_s < summary.injected[0].at_s and m.mask]
    if before:
        found.append(("clear road", before[-1]))
    for injected in summary.injected:
        inside = [m for m in moments if injected.at_s - 1e-3 <= m.time_s < injected.until_s]
        if inside:
            found.append((TITLES[injected.kind], _telling(inside, injected)))
    return found


def _telling(inside: Sequence[Moment], injected: Injected) -> Moment:
    """Shortly after the flag rose; for a trouble without one, where it was worst (at its end)."""
    if injected.onset_s is not None and injected.detected_after_ms is not None:
        risen_s = injected.onset_s + injected.detected_after_ms / 1000
        after = [m for m in inside if m.time_s >= risen_s and m.flag.up]
        # Where masks still come, one of them is shown.
        after = [m for m in after if m.mask] or after
        if after:
            return after[min(len(after) - 1, max(3, len(after) // 3))]
    return inside[-1]


def _panels(moment: Moment, moments: Sequence[Moment], colours: ClassColours) -> list[Image.Image]:
    image, mask, confidence = read_image(moment.image), read_gray(moment.mask), read_gray(moment.confidence)
    if image is None:
        earlier = next((m.image for m in reversed(moments[: moment.slot]) if m.image), None)
        last = read_image(earlier)
        camera = placeholder(CELL, "no image arrives", None if last is None else fitted(last, CELL))
    else:
        camera = fitted(image, CELL)
        if moment.repeated:
            camera = labelled(camera, "the same image again")
    return [
        camera,
        placeholder(CELL, "no mask") if mask is None else fitted(colours.mask(mask), CELL),
        placeholder(CELL, "no confidence") if confidence is None else fitted(confidence_heat(confidence), CELL),
    ]


def _flag_cell(draw: ImageDraw.ImageDraw, title: str, moment: Moment, at: tuple[int, int]) -> None:
    left, top = at
    up = moment.flag.up
    draw.rectangle((left, top, left + TEXT_WIDTH, top + CELL[1] - 1), fill=RED if up else GREEN)
    inner, width = left + 16, TEXT_WIDTH - 32
    draw.text((inner, top + 14), shortened(draw, title, font(20, True), width), font=font(20, True), fill=WHITE)
    draw.text((inner, top + 44), f"at {moment.time_s:.1f} s", font=font(15), fill=INK)
    draw.text((inner, top + 76), "DO NOT TRUST" if up else "TRUSTED", font=font(30, True), fill=WHITE)
    draw.text((inner, top + 114), f"state {STATES[moment.flag.state]}", font=font(16), fill=INK)
    name = main_reason(moment.flag.reasons)
    if up and name:
        draw.text((inner, top + 138), shortened(draw, reason_words(name), font(16), width), font=font(16), fill=INK)
        draw.text((inner, top + 160), name, font=font(14), fill=INK)
    quality = []
    if not math.isnan(moment.predicted):
        quality.append(f"predicted {moment.predicted:.2f}")
    if not math.isnan(moment.true):
        quality.append(f"true {moment.true:.2f}")
    if quality:
        draw.text((inner, top + 192), "quality: " + ", ".join(quality), font=font(16), fill=WHITE)
