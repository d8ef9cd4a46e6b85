# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Normalisation that a graph does itself: arithmetic on each channel before anything else looks at the image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from trustseg.backends.tensorrt.trunk import constants_of
from trustseg_lab.wrap.find_input import CHANNELS, MOST_OFF_CENTRE, Normalisation

PASSED = ("Cast", "Identity", "Transpose")
ARITHMETIC = ("Add", "Sub", "Mul", "Div", "BatchNormalization")
NEAR = 0.3  # |middle| of the values behind it as a share of their span: they lie around 0; where only scaled it is 0.5
USUAL_SPAN = (0.5, 20.0)  # networks are trained on values of about -2 to 2; spans of 0 to 255 and 0 to 1 never both fit
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class InnerNormalisation:
    """What the graph makes of a value v of each channel: factor * v + shift, float64 (3,); by which operators."""

    factor: Floats
    shift: Floats
    operators: tuple[str, ...]

    @property
    def takes_bytes(self) -> bool | None:
        """Whether the values v are 0 to 255, and not 0 to 1; None where neither is clear.

        A graph that takes a mean off tells by where its values come to lie: only one of both leaves them around 0. One
        that only scales tells by how far apart it brings them.
        """
        middle, span = self._middle_and_span(255.0)
        middle_of_one, span_of_one = self._middle_and_span(1.0)
        off, off_of_one = float((middle / span).max()), float((middle_of_one / span_of_one).max())
        for limit in (MOST_OFF_CENTRE, NEAR):
            if (off <= limit) != (off_of_one <= limit):
                return off <= limit
        if off > MOST_OFF_CENTRE:
            return None
        usual, usual_of_one = (USUAL_SPAN[0] <= float(each.mean()) <= USUAL_SPAN[1] for each in (span, span_of_one))
        return usual if usual != usual_of_one else None

    def _middle_and_span(self, high: float) -> tuple[Floats, Floats]:
        """|middle| and width, float64 (3,) each, of what becomes of values 0 to `high`."""
        return np.abs(self.factor * high / 2 + self.shift), np.abs(self.factor) * high

    def outside(self, color_order: str, kind: str) -> Normalisation | None:
        """What is left to be done outside the graph, whose input is of `kind` (uint8 holds bytes); None: not clear."""
        takes_bytes = kind == "uint8" or self.takes_bytes
        if takes_bytes is None:
            return None
        return Normalisation((0.0,) * 3, (1.0,) * 3, 1.0 if takes_bytes else 1 / 255, color_order)


def find_normalisation(model: onnx.ModelProto, entry: str) -> InnerNormalisation | None:
    """The arithmetic with constants of one value, or one a channel, that begins at input `entry`; None without any."""
    constants, factor, shift, done = constants_of(model), np.ones(CHANNELS), np.zeros(CHANNELS), []
    name = entry
    while True:
        users = [node for node in model.graph.node if name in node.input]
        step = _step(users[0], name, constants) if len(users) == 1 else None
        if step is None:
            break
        factor, shift = factor * step[0], shift * step[0] + step[1]
        done += [users[0].op_type] if users[0].op_type in ARITHMETIC else []
        name = users[0].output[0]
    if not done or not np.all(factor):
        return None
    return InnerNormalisation(factor, shift, tuple(done))


def _step(node: onnx.NodeProto, name: str, constants: dict[str, npt.NDArray[Any]]) -> tuple[Floats, Floats] | None:
    """(factor, shift) of one node, float64 (3,) or of one value; None where it is none of these operators."""
    one, zero = np.ones(CHANNELS), np.zeros(CHANNELS)
    if node.op_type in PASSED:
        return one, zero
    if node.op_type == "BatchNormalization":
        scale, bias, mean, variance = (constants[each].astype(np.float64) for each in node.input[1:5])
        epsilon = next((each.f for each in node.attribute if each.name == "epsilon"), 1e-5)
        factor = scale / np.sqrt(variance + epsilon)
        return factor, bias - mean * factor
    if node.op_type not in ARITHMETIC:
        return None
    other = next((each for each in node.input if each != name), name)
    value = constants.get(other)
    if value is None or value.size not in (1, CHANNELS):
        return None
    number = value.astype(np.float64).ravel() * one
    first = node.input[0] == name
    if node.op_type == "Mul":
        return number, zero
    if node.op_type == "Add":
        return one, number
    if node.op_type == "Sub":
        return (one, -number) if first else (-one, number)
    return (1 / number, zero) if first and np.all(number) else None
