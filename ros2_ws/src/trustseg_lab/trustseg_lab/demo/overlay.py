# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`overlay.mp4`: camera, mask, confidence and the flag with its reason, side by side, over the whole drive.

H.264 in yuv420p with the index in front, which every browser plays.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageDraw

from trustseg.imaging.colours import ClassColours, confidence_heat
from trustseg_lab.demo.moments import Moment
from trustseg_lab.demo.paint import (
    AMBER,
    BLUE,
    FAINT,
    GREEN,
    INK,
    PANEL,
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
from trustseg_lab.demo.words import STATES, main_reason, reason_words
from trustseg_lab.harness.script import TITLES
from trustseg_lab.metrics.images.image_quality import FAILURE_BELOW

SIZE = (1280, 720)
BANNER = (0, 0, 1280, 108)
TROUBLE = (0, 108, 1280, 152)
PANELS_TOP, PANEL_SIZE, PANEL_GAP = 186, (413, 310), 12
LEGEND_TOP = 504
CHART = (64, 556, 1262, 694)
CAPTIONS = ("camera", "mask: what each pixel is", "confidence: bright = a guess")


def write_overlay(
    path: Path, moments: Sequence[Moment], classes: Sequence[ClassColor], rate_hz: float, tick: Callable[[], object]
) -> None:
    """Encode one frame per moment.

    Args:
        path: the mp4 to write.
        moments: the drive.
        classes: names and colours of the mask's ids.
        rate_hz: frames a second.
        tick: called once a frame, for a progress bar.
    """
    painter = OverlayPainter(moments, classes)
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=Fraction(rate_hz).limit_denominator(1000))
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        stream.options = {"preset": "veryfast", "crf": "23"}
        # Playback in a browser seeks by key frames: one a second or two makes scrubbing pleasant.
        stream.codec_context.gop_size = max(1, round(2 * rate_hz))
        for moment in moments:
            picture = av.VideoFrame.from_ndarray(np.asarray(painter.paint(moment)), format="rgb24")
            for packet in stream.encode(picture):
                container.mux(packet)
            tick()
        for packet in stream.encode(None):
            container.mux(packet)


class OverlayPainter:
    """Paints moments in the order of time; keeps the last picture, to show it darkened where none arrives."""

    def __init__(self, moments: Sequence[Moment], classes: Sequence[ClassColor]) -> None:
        self._classes, self._colours = classes, ClassColours([each.color for each in classes])
        self._span_s = max(moments[-1].time_s, 1e-3)
        self._chart = self._paint_chart(moments)
        self._last: Image.Image | None = None

    def paint(self, moment: Moment) -> Image.Image:
        """The whole frame, RGB, `SIZE`."""
        canvas = Image.new("RGB", SIZE, PAPER)
        draw = ImageDraw.Draw(canvas)
        _banner(draw, moment)
        _trouble(draw, moment)
        for index, panel in enumerate(self._panels(moment)):
            left = PANEL_GAP + index * (PANEL_SIZE[0] + PANEL_GAP)
            draw.text((left + 2, PANELS_TOP - 28), CAPTIONS[index], font=font(18), fill=FAINT)
            canvas.paste(panel, (left, PANELS_TOP))
        draw_legend(draw, self._classes, PANEL_GAP, LEGEND_TOP, SIZE[0] - PANEL_GAP)
        self._paste_chart(canvas, draw, moment)
        return canvas

    def _panels(self, moment: Moment) -> list[Image.Image]:
        image = read_image(moment.image)
        if image is None:
            camera = placeholder(PANEL_SIZE, "no image arrives", self._last)
        else:
            camera = self._last = fitted(image, PANEL_SIZE)
            if moment.repeated:
                camera = labelled(camera.copy(), "the same image again")
        mask, confidence = read_gray(moment.mask), read_gray(moment.confidence)
        heat = None if confidence is None else confidence_heat(confidence)
        return [
            camera,
            placeholder(PANEL_SIZE, "no mask") if mask is None else fitted(self._colours.mask(mask), PANEL_SIZE),
            placeholder(PANEL_SIZE, "no confidence") if heat is None else fitted(heat, PANEL_SIZE),
        ]

    def _x(self, time_s: float) -> float:
        return CHART[0] + (CHART[2] - CHART[0]) * time_s / self._span_s

    def _paint_chart(self, moments: Sequence[Moment]) -> Image.Image:
        """The quality of the whole drive with the flag beneath; drawn once, revealed as time goes on."""
        canvas = Image.new("RGB", SIZE, PAPER)
        draw = ImageDraw.Draw(canvas)
        left, top, right, bottom = CHART
        flag_top = bottom - 16
        draw.rectangle((left, top, right, flag_top - 4), fill=PANEL)
        step = self._x(moments[1].time_s) - self._x(0) if len(moments) > 1 else 1.0
        for moment in moments:
            x = self._x(moment.time_s)
            if moment.trouble:
                draw.rectangle((x, top, x + step, flag_top - 4), fill=(74, 62, 34))
            draw.rectangle((x, flag_top, x + step, bottom), fill=RED if moment.flag.up else GREEN)

        def y(quality: float) -> float:
            return flag_top - 4 - (flag_top - 4 - top) * quality

        draw.line((left, y(FAILURE_BELOW), right, y(FAILURE_BELOW)), fill=FAINT)
        for values, color in (([m.true for m in moments], WHITE), ([m.predicted for m in moments], BLUE)):
            for before, after, a, b in zip(moments, moments[1:], values, values[1:], strict=False):
                if not (math.isnan(a) or math.isnan(b)):
                    draw.line((self._x(before.time_s), y(a), self._x(after.time_s), y(b)), fill=color, width=2)
        draw.text((left - 8, y(1.0)), "1", font=font(14), fill=FAINT, anchor="rt")
        draw.text((left - 8, y(0.5)), "0.5", font=font(14), fill=FAINT, anchor="rm")
        draw.text((left - 8, y(0.0)), "0", font=font(14), fill=FAINT, anchor="rb")
        draw.text((left - 8, (flag_top + bottom) / 2), "flag", font=font(14), fill=FAINT, anchor="rm")
        return canvas

    def _paste_chart(self, canvas: Image.Image, draw: ImageDraw.ImageDraw, moment: Moment) -> None:
        _, top, right, bottom = CHART
        now = round(self._x(moment.time_s))
        area = (0, top, SIZE[0], SIZE[1])
        canvas.paste(self._chart.crop(area), area[:2])
        if now + 1 < right:
            draw.rectangle((now + 1, top, right + 4, bottom), fill=PANEL)
        draw.line((now, top, now, bottom), fill=INK, width=2)
        key = [("quality of the mask:", FAINT), (f"true {_figure(moment.true)}", WHITE)]
        key.append((f"predicted by the node {_figure(moment.predicted)}", BLUE))
        left = float(CHART[0])
        for text, color in key:
            draw.text((left, top - 24), text, font=font(16), fill=color)
            left += draw.textlength(text, font=font(16)) + 18


def _figure(value: float) -> str:
    return "unknown" if math.isnan(value) else f"{value:.2f}"


def _banner(draw: ImageDraw.ImageDraw, moment: Moment) -> None:
    up = moment.flag.up
    draw.rectangle(BANNER, fill=RED if up else GREEN)
    draw.text((24, 14), "DO NOT TRUST THE MASK" if up else "MASK CAN BE TRUSTED", font=font(40, True), fill=WHITE)
    name = main_reason(moment.flag.reasons)
    why = f"because {reason_words(name)}  ({name})" if up and name else "failure flag down"
    draw.text(
        (26, 66),
        shortened(draw, why if name or not up else "no word from the monitor", font(24), 900),
        font=font(24),
        fill=WHITE,
    )
    draw.text((SIZE[0] - 24, 18), STATES[moment.flag.state], font=font(36, True), fill=WHITE, anchor="ra")
    draw.text((SIZE[0] - 24, 66), f"{moment.time_s:.1f} s", font=font(24), fill=WHITE, anchor="ra")


def _trouble(draw: ImageDraw.ImageDraw, moment: Moment) -> None:
    draw.rectangle(TROUBLE, fill=AMBER if moment.trouble else PANEL)
    text = "clear road"
    if moment.trouble:
        text = f"injected: {TITLES[moment.trouble]}"
        if 0 < moment.severity < 1:
            text += f", {moment.severity:.0%}"
    draw.text(
        (24, 130),
        text,
        font=font(24, bool(moment.trouble)),
        fill=(20, 20, 20) if moment.trouble else FAINT,
        anchor="lm",
    )
