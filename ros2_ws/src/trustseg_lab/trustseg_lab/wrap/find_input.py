# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What goes into a network: the image's place among the axes, its size, and the normalisation that it expects."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import onnx

from trustseg.bundle.card import MAX_INPUT_SIDE
from trustseg.errors import InputError

CHANNELS = 3
LEAST_SIDE = 32
LEAST_SPAN, MOST_VALUE = 1e-3, 1e5  # of what pixels are normalised to
MOST_OFF_CENTRE = 10.0  # |middle| of a channel's values as a multiple of their span: all pixels would look alike
LAYOUTS = ("nchw", "nhwc")
NUMBER = r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})?"
LONGEST = 100  # characters of an option with numbers
IMAGENET = "--mean 0.485,0.456,0.406 --std 0.229,0.224,0.225 (ImageNet's)"
PLAIN = "--mean 0 --std 1 (values in 0..1)"
BYTES = "--mean 0 --std 1 --scale 1 (values in 0..255)"
FORMULA = "(pixel * scale - mean) / std; scale is 1/255 unless given"
KINDS = {onnx.TensorProto.FLOAT: "float32", onnx.TensorProto.FLOAT16: "float16", onnx.TensorProto.UINT8: "uint8"}


@dataclass(frozen=True)
class InputFacts:
    """The network's own input.

    Attributes:
        name: of the tensor. kind: "float32", "float16" or "uint8". layout: "nchw" or "nhwc".
        height, width: pixels. fixed: the graph says so itself.
    """

    name: str
    kind: str
    layout: str
    height: int
    width: int
    fixed: bool

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Of one image, in the layout."""
        size = (self.height, self.width)
        return (1, CHANNELS, *size) if self.layout == "nchw" else (1, *size, CHANNELS)


@dataclass(frozen=True)
class Normalisation:
    """What is made of a pixel value p in 0..255: (p * scale - mean) / std, one mean and std a channel."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    scale: float
    color_order: str

    def check(self) -> None:
        """InputError where no network can have been trained on such values."""
        ranges = [((0.0 - m) / s, (255.0 * self.scale - m) / s) for m, s in zip(self.mean, self.std, strict=True)]
        ends = [end for each in ranges for end in each]
        span = min(high - low for low, high in ranges)
        if span < LEAST_SPAN or max(map(abs, ends)) > MOST_VALUE:
            raise InputError(
                "--mean, --std and --scale do not go together",
                expected=f"pixels 0 to 255 at least {LEAST_SPAN:g} apart, and within {MOST_VALUE:g}",
                got=f"{min(ends):g} to {max(ends):g}", fix=FORMULA,
            )  # fmt: skip
        hint = ": --scale 1?" if self.scale < 1 else ""
        for low, high in ranges:
            if abs(low + high) / 2 > MOST_OFF_CENTRE * (high - low):
                raise InputError(
                    "--mean, --std and --scale do not go together", expected="pixels 0 to 255 spread around 0",
                    got=f"{low:.4g} to {high:.4g} in a channel", fix=FORMULA + hint,
                )  # fmt: skip


def find_input(model: onnx.ModelProto, layout: str | None, size: tuple[int, int] | None) -> InputFacts:
    """The one input of the graph.

    Args:
        layout: "nchw" or "nhwc", None for what the shape says. size: (height, width), None for what the graph says.

    Raises:
        InputError: several inputs, no image with three channels, or something that has to be said.
    """
    own = {each.name for each in model.graph.initializer}
    inputs = [each for each in model.graph.input if each.name not in own]
    if len(inputs) != 1:
        raise InputError(
            "the network has several inputs" if inputs else "the network has no input", expected="one image",
            got=", ".join(each.name for each in inputs[:5]), fix="export the part that takes the image alone",
        )  # fmt: skip
    (found,) = inputs
    kind = KINDS.get(found.type.tensor_type.elem_type)
    dims = [d.dim_value if d.HasField("dim_value") and d.dim_value > 0 else 0
            for d in found.type.tensor_type.shape.dim]  # fmt: skip
    if kind is None or len(dims) != 4:
        told = onnx.TensorProto.DataType.Name(found.type.tensor_type.elem_type).lower()
        raise InputError(
            f"input {found.name} is no image", expected="float32, float16 or uint8 with four axes, (1, 3, h, w) or "
            "(1, h, w, 3)", got=f"{told} with {len(dims)} axes",
        )  # fmt: skip
    if dims[0] > 1:
        raise InputError(
            f"input {found.name} takes {dims[0]} images", expected="one", fix="export it with a batch of 1"
        )
    chosen = layout or _layout(found.name, dims)
    places = {"nchw": (1, 2, 3), "nhwc": (3, 1, 2)}[chosen]
    channels, height, width = (dims[place] for place in places)
    if channels not in (0, CHANNELS):
        raise InputError(
            f"input {found.name} has {channels} channels", expected="3 (red, green, blue)", got=str(tuple(dims)),
            fix="--layout nchw or nhwc says where they are" if layout is None else "",
        )  # fmt: skip
    fixed = bool(height and width)
    if size is not None and any(told and told != given for told, given in zip((height, width), size, strict=True)):
        raise InputError(
            f"the graph takes images of {height}x{width} only", expected="that as --input-size, or none",
            got=f"{size[0]}x{size[1]}", fix="export it for that size, or with dynamic sizes",
        )  # fmt: skip
    if not fixed and size is None:
        raise InputError(
            "the network takes images of any size", expected="--input-size HEIGHTxWIDTH, as it was trained",
            fix="the graph of a bundle has one size",
        )  # fmt: skip
    height, width = size or (height, width)
    if not LEAST_SIDE <= min(height, width) <= max(height, width) <= MAX_INPUT_SIDE:
        raise InputError("size of the network's input", expected=f"{LEAST_SIDE}..{MAX_INPUT_SIDE} pixels a side",
                         got=f"{height}x{width}")  # fmt: skip
    return InputFacts(found.name, kind, chosen, height, width, fixed)


def _layout(name: str, dims: Sequence[int]) -> str:
    first, last = dims[1] == CHANNELS, dims[3] == CHANNELS
    if first != last:
        return "nchw" if first else "nhwc"
    told = ", ".join(str(each or "?") for each in dims)
    if not first and dims[1] and dims[3]:
        raise InputError(
            f"input {name} is no colour image", expected="three channels, (1, 3, h, w) or (1, h, w, 3)", got=f"({told})"
        )
    raise InputError(f"where are the channels of input {name}?", expected="--layout nchw or --layout nhwc",
                     got=f"({told})")  # fmt: skip


def one_number(text: str, option: str) -> float:
    """A number above 0, which may be a fraction, as 1/255."""
    found = _numbers(text)
    if len(found) != 1 or not found[0] > 0:
        raise InputError(f"{option} is wrong", expected="one number above 0, as 0.5 or 1/255", got=repr(text))
    return found[0]


def three_numbers(text: str, option: str) -> tuple[float, float, float]:
    """One number for each channel, or one for all; each may be a fraction, as 1/255."""
    found = _numbers(text)
    if len(found) not in (1, 3):
        raise InputError(f"{option} is wrong", expected="one number, or three with commas", got=repr(text))
    red, green, blue = found * 3 if len(found) == 1 else found
    return red, green, blue


def _numbers(text: str) -> list[float]:
    """Numbers and fractions of numbers with commas; none where one of them is none, or more than a float holds."""
    parts = [part.strip() for part in text.split(",")]
    if len(text) > LONGEST or not all(re.fullmatch(rf"{NUMBER}(/{NUMBER})?", part) for part in parts):
        return []
    try:
        pairs = [[Fraction(each) for each in (*part.split("/"), "1")[:2]] for part in parts]
        return [float(above / below) for above, below in pairs]
    except (ZeroDivisionError, OverflowError):
        return []
