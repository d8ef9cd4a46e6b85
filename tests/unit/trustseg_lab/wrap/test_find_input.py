# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What is read off the input of a graph, and what is asked for in one line."""

from __future__ import annotations

import onnx
import pytest
from onnx import TensorProto, helper

from trustseg.errors import InputError
from trustseg_lab.wrap.find_input import Normalisation, find_input, one_number, three_numbers


def graph(*shapes: list[int | str], kind: int = TensorProto.FLOAT) -> onnx.ModelProto:
    inputs = [helper.make_tensor_value_info(f"x{i}", kind, shape) for i, shape in enumerate(shapes)]
    return helper.make_model(helper.make_graph([], "g", inputs, []))


@pytest.mark.parametrize(
    ("shape", "layout", "size", "expected"),
    [
        ([1, 3, 40, 64], None, None, ("nchw", 40, 64, True)),
        (["n", 40, 64, 3], None, None, ("nhwc", 40, 64, True)),
        ([1, 3, "h", "w"], None, (40, 64), ("nchw", 40, 64, False)),
        ([1, 3, "h", 64], None, (40, 64), ("nchw", 40, 64, False)),
        (["n", "a", "b", "c"], "nhwc", (40, 64), ("nhwc", 40, 64, False)),
        ([1, 3, 40, 64], None, (40, 64), ("nchw", 40, 64, True)),
    ],
)
def test_axes_and_size(shape: list, layout: str | None, size: tuple[int, int] | None, expected: tuple) -> None:
    found = find_input(graph(shape), layout, size)
    assert (found.layout, found.height, found.width, found.fixed) == expected
    assert found.shape == ((1, 3, 40, 64) if expected[0] == "nchw" else (1, 40, 64, 3))


@pytest.mark.parametrize(
    ("model", "size", "line"),
    [
        (graph(), None, "has no input"),
        (graph([1, 3, 40, 64], [1, 3, 40, 64]), None, "several inputs, expected one image, got x0, x1"),
        (graph([4, 3, 40, 64]), None, "takes 4 images"),
        (graph([1, 1, 40, 64]), None, "no colour image, .* got \\(1, 1, 40, 64\\)"),
        (graph([1, 40, 64]), None, "no image, .* got float with 3 axes"),
        (graph([1, 3, 40, 64], kind=TensorProto.INT64), None, "no image, .* got int64"),
        (graph([1, 3, "h", "w"]), None, "any size, expected --input-size HEIGHTxWIDTH"),
        (graph([1, 3, 40, 64]), (40, 65), "takes images of 40x64 only"),
        (graph([1, 3, "h", 64]), (40, 65), "takes images of 0x64 only|takes images of any"),
        (graph(["n", "c", "h", "w"]), (40, 64), "where are the channels of input x0.*--layout"),
        (graph([1, 3, 8, 64]), None, "size of the network's input, expected 32..8192"),
    ],
)
def test_what_is_open_or_wrong_is_told(model: onnx.ModelProto, size: tuple[int, int] | None, line: str) -> None:
    with pytest.raises(InputError, match=line):
        find_input(model, None, size)


def test_the_channels_are_where_the_user_says() -> None:
    with pytest.raises(InputError, match="has 64 channels, expected 3"):
        find_input(graph([1, 3, 40, 64]), "nhwc", None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0.5", (0.5, 0.5, 0.5)), ("1/255", (1 / 255,) * 3), ("0.1, 0.2,3", (0.1, 0.2, 3.0)), ("-1", (-1.0,) * 3)],
)
def test_numbers_of_channels(text: str, expected: tuple[float, float, float]) -> None:
    assert three_numbers(text, "--mean") == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "a", "1,2", "1,2,3,4", "1/0", "nan", "1e400", "1e999999999", "1/2/3", "9" * 500])
def test_other_numbers_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="--std is wrong, expected one number, or three with commas"):
        three_numbers(text, "--std")


@pytest.mark.parametrize("text", ["", "abc", "0", "-1", "0.1,0.2,0.3", "1,1", "1e400", "2e308", "1e-999"])
def test_what_is_no_scale_is_told_what_a_scale_is(text: str) -> None:
    """An OverflowError, and of a word "or three with commas", which are refused then."""
    with pytest.raises(InputError, match="--scale is wrong, expected one number above 0, "):
        one_number(text, "--scale")


BYTES_MEAN, BYTES_STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


@pytest.mark.parametrize(
    ("mean", "std", "scale"),
    [
        (BYTES_MEAN, BYTES_STD, 1 / 255),  # every pixel between -2.12 and -2.10
        (BYTES_MEAN, (1.0, 1.0, 1.0), 1 / 255),
        ((0.0, 0.0, 123.0), (1.0, 1.0, 1.0), 1 / 255),  # one channel is enough
        ((-10.6, 0.0, 0.0), (1.0, 1.0, 1.0), 1 / 255),
    ],
)
def test_values_far_beside_zero_are_refused(mean: tuple, std: tuple, scale: float) -> None:
    with pytest.raises(InputError, match=r"do not go together, expected pixels 0 to 255 spread .*--scale 1\?$"):
        Normalisation(mean, std, scale, "rgb").check()
    Normalisation(mean, std, 1.0, "rgb").check()


@pytest.mark.parametrize("mean", [0.0, 0.485, 10.4, -9.4])
def test_values_near_zero_are_taken(mean: float) -> None:
    """(0.5 - mean) / 1 is at most ten times the span of 1."""
    Normalisation((mean,) * 3, (1.0,) * 3, 1 / 255, "rgb").check()
