# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Charts of the report as SVG text: no script draws them, so nothing but a browser is needed to see them."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trustseg_lab.metrics.calibration_error import Reliability
from trustseg_lab.metrics.score_histogram import Floats

WIDTH, HEIGHT = 480, 340
LEFT, RIGHT, TOP, BOTTOM = 60, 12, 12, 40
COLOURS = ("#2563eb", "#d97706", "#1a7f3c", "#c4242a", "#7c3aed", "#0891b2", "#78716c", "#65a30d", "#be185d", "#0f766e")


@dataclass(frozen=True)
class Line:
    """One curve: its name, and x and y, float64 (n,)."""

    name: str
    x: Floats
    y: Floats


def colour(index: int) -> str:
    """The colour of curve `index`."""
    return COLOURS[index % len(COLOURS)]


def legend(names: Sequence[str]) -> str:
    """Names with their colours."""
    parts = (f'<span><i style="background:{colour(i)}"></i>{html.escape(n)}</span>' for i, n in enumerate(names))
    return f'<div class="legend">{"".join(parts)}</div>'


def line_chart(lines: Sequence[Line], x_title: str, y_title: str, *, top: float, diagonal: bool = False) -> str:
    """Curves over x in [0, 1] and y in [0, top], with their legend."""
    steps = 5
    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{html.escape(y_title)}">']
    for i in range(steps + 1):
        x, y = _x(i / steps), _y(i / steps, 1.0)
        parts.append(f'<path class="axis" d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 15}" text-anchor="middle">{i / steps:g}</text>')
        parts.append(f'<text x="{LEFT - 5}" y="{y + 4:.1f}" text-anchor="end">{top * i / steps:.2g}</text>')
    if diagonal:
        ends = f'x1="{_x(0):.1f}" y1="{_y(0, top):.1f}" x2="{_x(1):.1f}" y2="{_y(1, top):.1f}"'
        parts.append(f'<line class="ideal" {ends}/>')
    for index, line in enumerate(lines):
        points = " ".join(f"{_x(x):.1f},{_y(y, top):.1f}" for x, y in zip(line.x, line.y, strict=True))
        parts.append(f'<polyline stroke="{colour(index)}" points="{points}"/>')
        if len(line.x) <= 20:
            dots = (f'<circle cx="{_x(x):.1f}" cy="{_y(y, top):.1f}" r="3"/>' for x, y in zip(line.x, line.y))
            parts.append(f'<g fill="{colour(index)}">{"".join(dots)}</g>')
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 6}" text-anchor="middle">{html.escape(x_title)}</text>')
    parts.append(
        f'<text transform="translate(11 {middle}) rotate(-90)" text-anchor="middle">{html.escape(y_title)}</text></svg>'
    )
    return f"<figure>{''.join(parts)}{legend([line.name for line in lines])}</figure>"


def scatter_chart(x: Floats, y: Floats, value: Floats, x_title: str, y_title: str) -> str:
    """Points float64 (n,), from dark for a `value` of 0 to light for 1."""
    low, high = np.min([x, y], axis=1), np.max([x, y], axis=1)
    at = (np.stack([x, y]) - low[:, None]) / np.maximum(high - low, 1e-12)[:, None]
    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{html.escape(y_title)}">']
    parts.append(f'<path class="axis" d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}"/>')
    for left, up, each in zip(*at.tolist(), value.tolist(), strict=True):
        tone = f"hsl({round(230 - 190 * min(max(each, 0.0), 1.0))} 75% {round(30 + 25 * each)}%)"
        parts.append(f'<circle cx="{_x(left):.1f}" cy="{_y(up, 1.0):.1f}" r="3" fill="{tone}"/>')
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 6}" text-anchor="middle">{html.escape(x_title)}</text>')
    turned = f'transform="translate(11 {middle}) rotate(-90)" text-anchor="middle"'
    return f"<figure>{''.join(parts)}<text {turned}>{html.escape(y_title)}</text></svg></figure>"


def reliability_chart(diagrams: Sequence[tuple[str, Reliability]]) -> str:
    """Accuracy over confidence; the dashed diagonal is a perfectly calibrated score."""
    lines = [Line(name, each.confidence, each.accuracy) for name, each in diagrams]
    return line_chart(lines, "mean confidence of the bin", "share of right pixels", top=1.0, diagonal=True)


def _x(value: float) -> float:
    return LEFT + float(value) * (WIDTH - LEFT - RIGHT)


def _y(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - min(float(value) / top, 1.0) * (HEIGHT - TOP - BOTTOM)
