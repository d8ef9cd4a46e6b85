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
from trustseg_lab.data.class_list import ClassList, OutputCountError
from trustseg_lab.wrap.plain_graph import does_not_run

# What may stand behind the logits and is left out, as it changes neither their order nor what softmax makes of them.
PASSED_OVER = frozenset({"Identity", "Cast", "ArgMax", "Softmax", "LogSoftmax", "Transpose", "Squeeze", "Unsqueeze"})
SUM_TOLERANCE = 2e-3
ROUNDING = 1e-4  # beyond 0 and 1, as probabilities are that were enlarged or in half floats
LEAST_CHANNELS, MOST_STRIDE = 8, 40  # of a map that tells scenes apart
CHANNELS_AT = {"nchw": 1, "nhwc": 3}
LEFT_OUT = -1  # of a channel that is no own class
TensorShape = tuple[int, ...]
Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class OutputFacts:
    """The network's own outputs.

    Attributes:
        logits: name of the tensor. channels: of it: the classes, or one, the logit of the second of two.
        layout: "nchw" or "nhwc". height, width: of it, pixels.
        own: own class of each channel, LEFT_OUT for none; empty where one channel stands for two classes.
        kind: "logits", "probabilities", "sigmoids" (independent ones, in 0..1).
        left_out: operators behind the logits, the last first.
        features: name of the map that is pooled; feature_shape: its shape.
    """

    logits: str
    channels: int
    own: tuple[int, ...]
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
    """Tensors `outputs` of the model's graph for each of `images`, in the shape of its input; InputError where it does
    not run.
    """
    asked = onnx.ModelProto()
    asked.CopyFrom(model)
    there = {each.name for each in asked.graph.output}
    asked.graph.output.extend(
        onnx.helper.make_empty_tensor_value_info(name) for name in dict.fromkeys(outputs) if name not in there
    )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(asked.SerializeToString(), options, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        return [session.run(list(outputs), {name: image}) for image in images]
    except Exception as error:  # of the library's own classes, which share no other base
        raise does_not_run(error) from error


@dataclass(frozen=True)
class FoundLogits:
    """Tensor with one channel a class: its name, layout, channels, and the operators left out behind it."""

    name: str
    layout: str
    channels: int
    left_out: tuple[str, ...]


def find_logits(
    model: onnx.ModelProto, listed: ClassList, named: str | None, layout: str | None, size: tuple[int, int]
) -> FoundLogits:
    """The tensor with one channel a class of the network, from which the `listed` ones are made.

    Args:
        named: the tensor that the user names. layout: "nchw", "nhwc" or None, which looks. size: (height, width) of
            the input.

    Raises:
        InputError: no tensor, or several, with as many channels as the classes ask for; or the classes contradict it.
    """
    shapes, made = shapes_of(model), {name: node for node in model.graph.node for name in node.output}
    outputs = [named] if named is not None else [each.name for each in model.graph.output]
    fitting: dict[str, FoundLogits] = {}
    refusals: list[InputError] = []
    for name in outputs:
        tensor, left_out = (name, ()) if named is not None else _behind(name, made)
        try:
            place = _class_axis(shapes.get(tensor, ()), listed, layout, size)
        except InputError as refusal:
            refusals.append(refusal)
            continue
        if place is not None:
            fitting.setdefault(tensor, FoundLogits(tensor, *place, left_out))
    if len(fitting) == 1:
        return next(iter(fitting.values()))
    if fitting:
        raise InputError(
            "several outputs have a channel a class", expected="--logits NAME", got=", ".join(fitting),
            fix="name the one that the network is used by; others often are there for training",
        )  # fmt: skip
    if refusals:
        raise refusals[0]
    told = "; ".join(f"{name} {shapes.get(_behind(name, made)[0], '(unknown shape)')}" for name in outputs[:6])
    count = f"those of {', '.join(listed.source) or 'its source'}" if listed.regroups else str(len(listed.classes))
    raise InputError(
        "no output has as many channels as there are classes",
        expected=f"{count} as the class list says, in (1, channels, h, w) or (1, h, w, channels)", got=told,
        fix="correct the class list, or name the tensor with --logits",
    )  # fmt: skip


def own_classes(listed: ClassList, channels: int) -> tuple[int, ...] | None:
    """Own class of each of `channels`, LEFT_OUT for none; empty for one that stands for two.

    None where the list is of another number of channels; InputError where it is of this one, and has no place for one
    of them, or none for one of its classes.
    """
    if channels == 1:
        return () if len(listed.classes) == 2 and not listed.regroups else None
    try:
        table = listed.network_ids(channels)
    except OutputCountError:
        return None
    return tuple(int(each) if 0 <= each < len(listed.classes) else LEFT_OUT for each in table)


def _behind(name: str, made: dict[str, onnx.NodeProto]) -> tuple[str, tuple[str, ...]]:
    """The tensor that `name` is a mere softmax, argmax or other order of, and the operators in between."""
    passed: list[str] = []
    while name in made and made[name].op_type in PASSED_OVER:
        passed.append(made[name].op_type)
        name = made[name].input[0]
    return name, tuple(passed)


def _class_axis(
    shape: TensorShape, listed: ClassList, layout: str | None, size: tuple[int, int]
) -> tuple[str, int] | None:
    """(layout, channels) of logits of this shape; None where no axis has as many as the classes ask for.

    Raises:
        InputError: one has, and the classes contradict it otherwise.
    """
    if len(shape) != 4 or shape[0] != 1:
        return None

    def unlike(each: str) -> float:  # rows or columns may be as many as the classes: the picture's shape tells
        rows, columns = shape[2:4] if each == "nchw" else shape[1:3]
        return abs(rows / columns - size[0] / size[1])

    layouts = sorted(CHANNELS_AT if layout is None else (layout,), key=unlike)
    if listed.regroups and not listed.source:  # bare ids may be those of any number of channels
        layouts = layouts[:1]
    refusals: list[InputError] = []
    for each in layouts:
        channels = shape[CHANNELS_AT[each]]
        try:
            if own_classes(listed, channels) is not None:
                return each, channels
        except InputError as refusal:
            refusals.append(refusal)
    if refusals:
        raise refusals[0]
    return None


def kind_of(values: Array, layout: str) -> str:
    """Whether values of logits' shape are "logits", "probabilities" or "sigmoids" (each in 0..1, any sum)."""
    if values.min() < -ROUNDING or values.max() > 1.0 + ROUNDING:
        return "logits"
    sums = values.sum(axis=1 if layout == "nchw" else 3)
    return "probabilities" if np.abs(sums - 1.0).max() < SUM_TOLERANCE else "sigmoids"


def kind_of_all(answers: Sequence[Array], layout: str) -> str:
    """As `kind_of`, of a network's answers to several images: independent values may sum to 1 for some of them."""
    kinds = {kind_of(each, layout) for each in answers}
    if len(kinds) == 1:
        return next(iter(kinds))
    return "logits" if "logits" in kinds else "sigmoids"


def _enlarged(model: onnx.ModelProto, logits: str) -> set[str]:
    """The logits, and the maps that they are enlarged from: these say which class, and no more."""
    made, found = {name: node for node in model.graph.node for name in node.output}, {logits}
    while logits in made and made[logits].op_type == "Resize":
        logits = made[logits].input[0]
        found.add(logits)
    return found


def _is_map(shape: TensorShape, size: tuple[int, int]) -> bool:
    """Whether a tensor of this shape is a map of channels, in the form of the image to a row or column."""
    if len(shape) != 4 or shape[1] < LEAST_CHANNELS or shape[2] * MOST_STRIDE < size[0] or min(shape[2:]) < 2:
        return False
    return abs(shape[2] * size[1] - shape[3] * size[0]) <= max(size)


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
    if named == logits:
        raise InputError(
            f"tensor {named} holds the logits", expected="--features of another one", got="what says which class",
            fix="leave out --features: the last of the coarsest maps is taken",
        )  # fmt: skip
    if named is not None:
        shape = shapes.get(named, ())
        if len(shape) not in (2, 3, 4) or shape[0] != 1:
            raise InputError(
                f"tensor {named} cannot be pooled", expected="an inner tensor (1, E, h, w), (1, n, E) or (1, E)",
                got=str(shape) if shape else "no such tensor, or no fixed shape", fix="give another --features",
            )  # fmt: skip
        return named, shape
    own, needed, candidates = _enlarged(model, logits), {logits}, []
    for node in reversed(model.graph.node):
        if not needed.intersection(node.output):
            continue
        needed.update(node.input)
        shape = shapes.get(node.output[0], ())
        if node.output[0] not in own and node.op_type not in PASSED_OVER and _is_map(shape, size):
            candidates.append((node.output[0], shape))
    if not candidates:
        raise InputError("no map of the network tells scenes apart", expected="--features NAME of an inner tensor")
    return min(candidates, key=lambda each: each[1][2] * each[1][3])
