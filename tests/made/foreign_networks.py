# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Segmentation networks as other makers' tools export them: a nearest-colour classifier in every form of ONNX file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from bundle_factory import PALETTE, paint_scene
from trustseg_lab.data.class_list import ClassEntry, ClassList

COLOURS = PALETTE[:5]
NAMES = ("sky", "building", "pole", "road", "pavement")
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
WIDE = 12  # channels of the map that tells scenes apart
SHARPNESS = 60.0


@dataclass(frozen=True)
class Form:
    """How the file is written.

    Attributes:
        size: (height, width), None for dynamic ones. stride: of the output. layout, logits_layout: "nchw" or "nhwc".
        end: what stands behind the logits: "", "softmax", "log_softmax", "argmax", "resize", "softmax, resize".
        half: in float16. opset: of the file. bgr: of the colours. scale: of the pixels that it takes.
    """

    size: tuple[int, int] | None = (48, 64)
    stride: int = 2
    layout: str = "nchw"
    logits_layout: str = "nchw"
    end: str = ""
    half: bool = False
    opset: int = 17
    bgr: bool = False
    scale: float = 1 / 255


def network(form: Form = Form(), colours: Sequence[tuple[int, int, int]] = COLOURS) -> onnx.ModelProto:
    """The classifier: pixels, normalised, are averaged over cells; spare channels beside them tell scenes apart."""
    nodes: list[onnx.NodeProto] = []
    constants: list[onnx.TensorProto] = []
    kind = TensorProto.FLOAT16 if form.half else TensorProto.FLOAT
    dtype = np.float16 if form.half else np.float32

    def constant(value: Any, own: Any = dtype) -> str:
        constants.append(numpy_helper.from_array(np.asarray(value, own), f"weight{len(constants)}"))
        return constants[-1].name

    def op(name: str, *inputs: str, out: str = "", **attributes: Any) -> str:
        nodes.append(helper.make_node(name, list(inputs), [out or f"{name}_{len(nodes)}"], **attributes))
        return str(nodes[-1].output[0])

    x = "input"
    if form.layout == "nhwc":
        x = op("Transpose", x, perm=[0, 3, 1, 2])
    # 1x1: colours and noise; then cells; then the distance to each colour, as -|x - c|^2 without |x|^2.
    wide = np.vstack([np.eye(3), np.random.default_rng(0).normal(0, 0.3, (WIDE - 3, 3))])
    x = op("Conv", x, constant(wide[:, :, None, None]))
    deep = x
    if form.stride > 1:
        deep = op("AveragePool", x, kernel_shape=[form.stride] * 2, strides=[form.stride] * 2)
    deep = op("LeakyRelu", deep, out="deep", alpha=1.0)
    at = (np.array(colours, np.float64)[:, :: -1 if form.bgr else 1] * form.scale - MEAN) / STD
    std = np.array(STD) / (255 * form.scale)
    weight = np.zeros((len(colours), WIDE))
    weight[:, :3] = 2 * SHARPNESS * at * std**2
    bias = -SHARPNESS * (at**2 * std**2).sum(1)
    logits = op("Conv", deep, constant(weight[:, :, None, None]), constant(bias), out="raw")
    axis = 1
    if form.logits_layout == "nhwc":
        logits, axis = op("Transpose", logits, perm=[0, 2, 3, 1]), 3
    for step in filter(None, form.end.split(", ")):
        if step == "softmax":
            logits = op("Softmax", logits, axis=axis)
        elif step == "log_softmax":
            logits = op("LogSoftmax", logits, axis=axis)
        elif step == "argmax":
            logits = op("ArgMax", logits, axis=axis, keepdims=0)
        else:
            scales = constant([1, 1, form.stride, form.stride] if axis == 1 else [1, form.stride, form.stride, 1],
                              np.float32)  # fmt: skip
            logits = op("Resize", logits, "", scales, mode="linear")
    nodes[-1].output[0] = "output"
    side: list[Any] = list(form.size) if form.size else ["height", "width"]
    shape = [1, 3, *side] if form.layout == "nchw" else [1, *side, 3]
    last = TensorProto.INT64 if form.end.endswith("argmax") else kind
    graph = helper.make_graph(
        nodes, "foreign", [helper.make_tensor_value_info("input", kind, shape)],
        [helper.make_tensor_value_info("output", last, None)], constants,
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", form.opset)], ir_version=8)


def write(path: Path, model: onnx.ModelProto) -> Path:
    """The model as a file."""
    path.write_bytes(model.SerializeToString())
    return path


def class_file(path: Path, names: Sequence[str] = NAMES, void: int = 255) -> Path:
    """A class list of these names."""
    lines = [f"  - {{id: {i}, name: {n}, color: {list(PALETTE[i % 11])}}}" for i, n in enumerate(names)]
    path.write_text("\n".join([f"void: {void}", "classes:", *lines]) + "\n")
    return path


def class_list(names: Sequence[str] = NAMES, void: int = 255) -> ClassList:
    """The same, read."""
    entries = [ClassEntry(id=i, name=name, color=PALETTE[i % 11]) for i, name in enumerate(names)]
    return ClassList(void=void, classes=entries)


def labelled_scenes(root: Path, count: int, size: tuple[int, int] = (48, 64)) -> str:
    """IMAGES:LABELS:VOID of painted scenes with their nearest colours, and some mistakes on purpose."""
    for kind in ("images", "labels"):
        (root / kind).mkdir(parents=True)
    for index in range(count):
        image = paint_scene(*size, COLOURS, seed=index)
        labels = ((image[:, :, None].astype(int) - np.array(COLOURS)) ** 2).sum(-1).argmin(-1).astype(np.uint8)
        labels[:, ::9] = 3
        labels[0] = 255
        for kind, pixels in (("images", image[..., ::-1]), ("labels", labels)):
            cv2.imwrite(str(root / kind / f"drive{index // 40}_{index:03}.png"), pixels)
    return f"{root / 'images'}:{root / 'labels'}:255"
