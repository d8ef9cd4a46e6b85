# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What comes out of a network: which tensor holds the logits, in what form, and which one tells scenes apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime

from trustseg.errors import InputError

# What may stand behind the logits and is left out, as it changes neither their order nor what softmax makes of them.
PASSED_OVER = frozenset({"Identity", "Cast", "ArgMax", "Softmax", "LogSoftmax", "Transpose", "Squeeze", "Unsqueeze"})
SUM_TOLERANCE = 2e-3
LEAST_CHANNELS, MOST_STRIDE = 8, 40  # of a map that tells scenes apart
TensorShape = tuple[int, ...]
Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class OutputFacts:
    """The network's own outputs.

    Attributes:
        logits: name of the tensor. channels: of it: the classes, or one, the logit of the second of two.
        layout: "nchw" or "nhwc". height, width: of it, pixels.
        kind: "logits", "probabilities", "sigmoids" (independent ones, in 0..1).
        left_out: operators behind the logits, the last first.
        features: name of the map that is pooled; feature_shape: its shape.
    """

    logits: str
    channels: int
    layout: str
    height: int
    width: int
    kind: str
    left_out: tuple[str, ...]
    features: str
    feature_shape: TensorShape


def shapes_of(model: onnx.ModelProto) -> dict[str, TensorShape]:
    """Shapes of tensors, where they are known and fixed."""
    inferred = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    found = {}
    for value in [*inferred.input, *inferred.value_info, *inferred.output]:
        kind = value.type.tensor_type
        dims = [d.dim_value if d.HasField("dim_value") else 0 for d in kind.shape.dim]
        if kind.HasField("shape") and all(dims):
            found[value.name] = tuple(dims)
    return found


def run_on(model: onnx.ModelProto, images: Sequence[Array], outputs: Sequence[str]) -> list[list[Array]]:
    """Tensors `outputs` of the model's graph for each of `images`, in the shape of its input."""
    asked = onnx.ModelProto()
    asked.CopyFrom(model)
    there = {each.name for each in asked.graph.output}
    asked.graph.output.extend(
        onnx.helper.make_empty_tensor_value_info(name) for name in dict.fromkeys(outputs) if name not in there
    )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(asked.SerializeToString(), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return [session.run(list(outputs), {name: image}) for image in images]


def find_logits(
    model: onnx.ModelProto, classes: int, named: str | None, layout: str | None, size: tuple[int, int]
) -> tuple[str, str, int, tuple[str, ...]]:
    """(name, layout, channels, operators left out behind it) of the tensor with one channel a class.

    Args:
        classes: their number. named: the tensor that the user names. layout: "nchw", "nhwc" or None, which looks.
        size: (height, width) of the input.

    Raises:
        InputError: no tensor, or several, with as many channels as there are classes.
    """
    shapes, made = shapes_of(model), {name: node for node in model.graph.node for name in node.output}
    fitting: dict[str, tuple[str, str, int, tuple[str, ...]]] = {}
    for name in [named] if named is not None else [each.name for each in model.graph.output]:
        tensor, left_out = (name, ()) if named is not None else _behind(name, made)
        place = _class_axis(shapes.get(tensor, ()), classes, layout, size)
        if place is not None:
            fitting.setdefault(tensor, (tensor, *place, left_out))
    if len(fitting) == 1:
        return next(iter(fitting.values()))
    outputs = [named] if named is not None else [each.name for each in model.graph.output]
    told = "; ".join(
        f"{name} {shapes.get(_behind(name, made)[0], shapes.get(name, '(unknown)'))}" for name in outputs[:6]
    )
    if fitting:
        raise InputError(
            f"several outputs have {classes} channels", expected="--logits NAME", got=", ".join(fitting),
            fix="name the one that the network is used by; others often are there for training",
        )  # fmt: skip
    raise InputError(
        "no output has as many channels as there are classes",
        expected=f"{classes}, as classes.yaml has, in (1, {classes}, h, w) or (1, h, w, {classes})", got=told,
        fix="correct classes.yaml, or name the tensor with --logits",
    )  # fmt: skip


def _behind(name: str, made: dict[str, onnx.NodeProto]) -> tuple[str, tuple[str, ...]]:
    """The tensor that `name` is a mere softmax, argmax or other order of, and the operators in between."""
    passed: list[str] = []
    while name in made and made[name].op_type in PASSED_OVER:
        passed.append(made[name].op_type)
        name = made[name].input[0]
    return name, tuple(passed)


def _class_axis(shape: TensorShape, classes: int, layout: str | None, size: tuple[int, int]) -> tuple[str, int] | None:
    """(layout, channels) of logits of this shape; None where it has no axis of the classes."""
    if len(shape) != 4 or shape[0] != 1:
        return None
    for channels in (classes, *([1] if classes == 2 else [])):
        fits = [each for each, place in (("nchw", 1), ("nhwc", 3)) if shape[place] == channels]
        if layout is not None:
            fits = [each for each in fits if each == layout]
        if len(fits) == 2:  # as many rows or columns as classes: the shape of the picture tells
            rows, columns = {each: (shape[2:4] if each == "nchw" else shape[1:3]) for each in fits}, size
            fits = sorted(fits, key=lambda each: abs(rows[each][0] / rows[each][1] - columns[0] / columns[1]))
        if fits:
            return fits[0], channels
    return None


def kind_of(values: Array, layout: str) -> str:
    """Whether values of logits' shape are "logits", "probabilities" or "sigmoids" (each in 0..1, any sum)."""
    if values.min() < 0.0 or values.max() > 1.0:
        return "logits"
    sums = values.sum(axis=1 if layout == "nchw" else 3)
    return "probabilities" if np.abs(sums - 1.0).max() < SUM_TOLERANCE else "sigmoids"


def find_features(
    model: onnx.ModelProto, logits: str, named: str | None, size: tuple[int, int]
) -> tuple[str, TensorShape]:
    """(name, shape) of the map that is pooled into the embedding of a scene.

    Where none is named: the last of the coarsest maps with at least `LEAST_CHANNELS` that the logits are made of.
    Maps that are coarser than a `MOST_STRIDE`-th of the image are pooled already.

    Raises:
        InputError: no tensor of that name, or one of no fitting shape; or none is there.
    """
    shapes = shapes_of(model)
    if named is not None:
        shape = shapes.get(named, ())
        if len(shape) not in (2, 3, 4) or shape[0] != 1:
            raise InputError(
                f"tensor {named} cannot be pooled", expected="an inner tensor (1, E, h, w), (1, n, E) or (1, E)",
                got=str(shape) if shape else "no such tensor, or no fixed shape", fix="give another --features",
            )  # fmt: skip
        return named, shape
    needed, candidates = {logits}, []
    for node in reversed(model.graph.node):
        if not needed.intersection(node.output):
            continue
        needed.update(node.input)
        shape = shapes.get(node.output[0], ())
        deep = len(shape) == 4 and shape[1] >= LEAST_CHANNELS and shape[2] * MOST_STRIDE >= size[0] and shape[2] > 1
        if deep and node.output[0] != logits:
            candidates.append((node.output[0], shape))
    if not candidates:
        raise InputError("no map of the network tells scenes apart", expected="--features NAME of an inner tensor")
    return min(candidates, key=lambda each: each[1][2] * each[1][3])
