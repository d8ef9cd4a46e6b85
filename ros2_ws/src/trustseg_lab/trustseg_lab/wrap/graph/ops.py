# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Nodes of an ONNX graph in opset 17, written one by one. Reductions have their axes as attributes, as TensorRT 8.6
reads them (`trustseg.backends.tensorrt.opset`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

Value = str | float | npt.NDArray[Any]
FLOAT, UINT8 = onnx.TensorProto.FLOAT, onnx.TensorProto.UINT8


class Ops:
    """Collects nodes and constants; every method returns the name of the tensor that it makes.

    Attributes:
        nodes: so far, in order. constants: initializers that they use. Every name begins with `prefix`.
    """

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._known: dict[bytes, str] = {}

    def constant(self, value: float | npt.NDArray[Any]) -> str:
        """A constant: a number as float32, an array in its own type. Equal ones are one tensor."""
        array = np.asarray(value, np.float32) if isinstance(value, (int, float)) else np.ascontiguousarray(value)
        key = str((array.dtype, array.shape)).encode() + array.tobytes()
        if key not in self._known:
            self._known[key] = f"{self._prefix}constant/{len(self.constants)}"
            self.constants.append(numpy_helper.from_array(array.reshape(np.shape(value)), self._known[key]))
        return self._known[key]

    def many(self, op: str, *inputs: Value, outputs: int, **attributes: Any) -> list[str]:
        """As `__call__`, of a node with several outputs."""
        number = len(self.nodes)
        names = [each if isinstance(each, str) else self.constant(each) for each in inputs]
        made = [f"{self._prefix}{op}/{number}" + (f"/{k}" if outputs > 1 else "") for k in range(outputs)]
        self.nodes.append(helper.make_node(op, names, made, name=f"{self._prefix}{op}/{number}", **attributes))
        return made

    def __call__(self, op: str, *inputs: Value, name: str = "", **attributes: Any) -> str:
        """A node of operator `op` with one output, called `name` where that is given."""
        (made,) = self.many(op, *inputs, outputs=1, **attributes)
        if name:
            self.nodes[-1].output[0] = name
        return name or made

    def total(self, parts: list[str], op: str = "Add") -> str:
        """Everything in `parts` under `op`, from left to right."""
        found = parts[0]
        for each in parts[1:]:
            found = self(op, found, each)
        return found

    def mean(self, maps: str) -> str:
        """(N, C) means over rows and columns of maps (N, C, h, w)."""
        return self("ReduceMean", maps, axes=[2, 3], keepdims=0)

    def as_float(self, tensor: str) -> str:
        """float32 of whatever type."""
        return self("Cast", tensor, to=FLOAT)

    def below(self, tensor: str, limit: float) -> str:
        """float32, 1 where it is below `limit`, else 0: NaN is not."""
        return self.as_float(self("Less", tensor, limit))

    def at_least(self, tensor: str, limit: float) -> str:
        """The tensor, raised to `limit` where it is below."""
        return self("Max", tensor, limit)

    def clipped(self, tensor: str, low: float, high: float) -> str:
        """Within low..high."""
        return self("Clip", tensor, low, high)

    def cropped(self, maps: str, start: tuple[int, int], end: tuple[int, int], step: int = 1) -> str:
        """Rows and columns start..end of maps (N, C, h, w), every `step`-th."""
        return self("Slice", maps, np.array(start, np.int64), np.array(end, np.int64), np.array([2, 3], np.int64),
                    np.array([step, step], np.int64))  # fmt: skip

    def resized(self, maps: str, channels: int, size: tuple[int, int], name: str = "") -> str:
        """Maps (1, channels, h, w) enlarged or made smaller to `size`, bilinear, with half-pixel centres."""
        sizes = np.array([1, channels, *size], np.int64)
        return self("Resize", maps, "", "", sizes, name=name, mode="linear",
                    coordinate_transformation_mode="half_pixel")  # fmt: skip
