# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A network that was read: its plain graph, and what is known of its borders; and the same out of a bundle again."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from trustseg.backends.tensorrt.trunk import NETWORK_LOGITS
from trustseg.bundle.loading import Bundle
from trustseg.errors import BundleError, InputError
from trustseg_lab.data.class_list import ClassList
from trustseg_lab.wrap import plain_graph
from trustseg_lab.wrap.find_input import InputFacts, find_input
from trustseg_lab.wrap.find_outputs import OutputFacts, find_features, find_logits, kind_of_all, own_classes, run_on
from trustseg_lab.wrap.plain_graph import pruned
from trustseg_lab.wrap.read_graph import opset_of

INPUT, LOGITS, FEATURES = "network/input", NETWORK_LOGITS, "network/features"
Array = npt.NDArray[np.float32]
PREFIX = "network."  # of everything else in the user's graph
NOISE, GREY = 2, 0.5  # images of noise that the network is tried on, and a plain one


@dataclass(frozen=True)
class Wanted:
    """What the user said of the network; None where the graph is to tell."""

    layout: str | None = None
    logits_layout: str | None = None
    input_size: tuple[int, int] | None = None
    logits: str | None = None
    features: str | None = None


@dataclass(frozen=True)
class Network:
    """A network that can be put into a bundle.

    Attributes:
        model: float32, opset 17, static; its input is INPUT in the network's own layout, its outputs LOGITS and
            FEATURES.
        input, outputs: facts, with the names of the user's file. opset: of it. half: its weights were not float32.
    """

    model: onnx.ModelProto
    input: InputFacts
    outputs: OutputFacts
    opset: int
    half: bool

    def facts(self) -> dict[str, Any]:
        """For the card."""
        return {"input": asdict(self.input), "outputs": asdict(self.outputs), "opset": self.opset, "half": self.half}


def network_of(model: onnx.ModelProto, listed: ClassList, wanted: Wanted) -> Network:
    """The network in `model`, which is changed on the way, and whose channels are, or become, the `listed` classes.

    Raises:
        InputError: something about it cannot be taken, or has to be said; see the functions that find it.
    """
    entry = find_input(model, wanted.layout, wanted.input_size)
    size, opset, half = (entry.height, entry.width), opset_of(model), plain_graph.to_float32(model)
    if entry.kind == "uint8":
        plain_graph.to_float_input(model, entry.name)
    plain_graph.with_size(model, entry.name, entry.shape)
    for name, option in ((wanted.logits, "--logits"), (wanted.features, "--features")):
        if name is not None:
            plain_graph.keep(model, name, option)
    model = plain_graph.in_opset17(plain_graph.folded(model))
    end = find_logits(model, listed, wanted.logits, wanted.logits_layout, size)
    logits, layout = end.name, end.layout
    features, shape = find_features(model, logits, wanted.features, size)
    model = pruned(model, [logits, features])
    probes = _probes(entry)
    *found, again = (values[0] for values in run_on(model, [*probes, probes[0]], [logits]))
    _check_answers(logits, found, again)
    kind = kind_of_all(found, layout)
    height, width = found[0].shape[2:4] if layout == "nchw" else found[0].shape[1:3]
    own = own_classes(listed, end.channels) or ()
    facts = OutputFacts(logits, end.channels, own, layout, height, width, kind, end.left_out, features, shape)
    names = {entry.name: INPUT, logits: LOGITS, features: FEATURES}
    return Network(plain_graph.renamed(model, PREFIX, names), entry, facts, opset, half)


def network_in(bundle: Bundle) -> Network:
    """The network inside a bundle that `trustseg wrap` made; BundleError for another bundle."""
    told = bundle.card.export.get("wrap")
    if not isinstance(told, dict):
        raise BundleError(
            f"bundle {bundle.card.name} was not made by `trustseg wrap`",
            fix="fit its confidence from its checkpoint: `trustseg fit-confidence --checkpoint`",
        )
    facts = told["network"]
    entry, outputs = InputFacts(**facts["input"]), dict(facts["outputs"])
    model = pruned(onnx.load_from_string(bundle.model_bytes("fp32")), [LOGITS, FEATURES], [INPUT])
    model.graph.ClearField("input")
    model.graph.input.append(onnx.helper.make_tensor_value_info(INPUT, onnx.TensorProto.FLOAT, entry.shape))
    for name in ("own", "left_out", "feature_shape"):
        outputs[name] = tuple(outputs[name])
    return Network(model, entry, OutputFacts(**outputs), facts["opset"], facts["half"])


def _check_answers(logits: str, found: list[Array], again: Array) -> None:
    """InputError where a network cannot be used, by what it said of noise and of grey, and of the first image again."""
    if not all(np.isfinite(each).all() for each in found):
        raise InputError(f"tensor {logits} of the network is not finite", expected="numbers",
                         got="NaN or infinity on a plain grey image or on noise", fix="is the file sound?")  # fmt: skip
    if not np.allclose(found[0], again, rtol=1e-3, atol=1e-3 * float(np.abs(found[0]).max())):
        raise InputError(
            "the network answers one image in two ways", expected="the same logits each time",
            got=f"{float(np.abs(found[0] - again).max()):.3g} between two runs",
            fix="export it as it is used: without dropout and other random numbers (in PyTorch, model.eval())",
        )  # fmt: skip
    if all(np.array_equal(found[0], each) for each in found[1:]):
        raise InputError(
            f"tensor {logits} of the network is the same for every image", expected="logits that follow the image",
            fix="are the weights in the file, and is it the right tensor (--logits)?",
        )  # fmt: skip
    if found[0].size == max(found[0].shape):
        raise InputError(
            "the network gives one answer for the whole image", expected="a map: logits for each part of it",
            got=f"{logits} {found[0].shape}", fix="a classifier cannot be wrapped; name another tensor with --logits",
        )  # fmt: skip


def _probes(entry: InputFacts) -> list[Array]:
    rng = np.random.default_rng(0)
    low, high, grey = (0.0, 255.0, 127.0) if entry.kind == "uint8" else (-2.0, 2.0, GREY)
    noise = [rng.uniform(low, high, entry.shape).astype(np.float32) for _ in range(NOISE)]
    return [*noise, np.full(entry.shape, grey, np.float32)]
