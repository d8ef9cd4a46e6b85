# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A network read back from an exported graph: for bundles that keep their weights there alone (`export --compact`).

The exporter gives every weight the name that it has in the network, with the batch norms folded into the convolutions.
What names and shapes leave open is tried: only a form that computes the graph's own logits is returned.
"""

from __future__ import annotations

import re

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor

from trustseg.backends.tensorrt.trunk import LOGITS, constants_of
from trustseg.errors import InputError
from trustseg_lab.network.segnet import SegNet, SegNetConfig, upsample
from trustseg_lab.precision.compact import expand
from trustseg_lab.training.batches import normalise

_UNIT = re.compile(r"network\.(encoder|decoder)\.(\d+)\.(\d+)\.conv\.weight")
TOLERANCE = 1e-3  # of the largest logit: both are float32, and sums differ in their order


def network_of_graph(model: bytes, classes: int, where: str) -> SegNet:
    """The network of an exported graph of one network, in evaluation mode.

    Args:
        model: serialised ONNX. classes: their number. where: names the graph in errors.

    Raises:
        InputError: the graph is not of a form that can be read back.
    """
    graph = expand(onnx.load_from_string(model))
    weights = {
        name.removeprefix("network."): torch.from_numpy(np.array(value))
        for name, value in constants_of(graph).items()
        if name.startswith("network.")
    }
    shapes = {match.groups(): tuple(weights[match[0].removeprefix("network.")].shape)
              for match in map(_UNIT.fullmatch, (f"network.{name}" for name in weights)) if match}  # fmt: skip
    first = shapes.get(("encoder", "0", "0"))
    if first is None or first[1:] != (3, 3, 3):
        raise InputError(
            f"{where}: its network cannot be read back from its graph", expected="plain 3x3 convolutions on the image",
            got=f"a first convolution of shape {first}", fix="give the checkpoint (.safetensors) that it was made from",
        )  # fmt: skip
    for residual in (True, False):
        network = SegNet(_config(shapes, weights, classes, residual)).eval()
        try:
            network.load_state_dict(_state(weights, network), strict=False)
        except RuntimeError as error:
            raise InputError(f"{where}: weights of another form", got=str(error).splitlines()[-1].strip()) from None
        if _same(network, graph):
            return network
    raise InputError(
        f"{where}: what was read back from its graph computes something else",
        fix="give the checkpoint (.safetensors) that it was made from",
    )  # fmt: skip


def _config(
    shapes: dict[tuple[str, ...], tuple[int, ...]], weights: dict[str, Tensor], classes: int, residual: bool
) -> SegNetConfig:
    stages = 1 + max(int(stage) for part, stage, _ in shapes if part == "encoder")
    convs = {part: tuple(sum(p == part and int(s) == stage for p, s, _ in shapes) for stage in range(stages))
             for part in ("encoder", "decoder")}  # fmt: skip
    changing = [shape for (part, _, unit), shape in shapes.items()
                if part == "decoder" and unit == "0" and shape[0] != shape[1]]  # fmt: skip
    longer = any(count > 1 for count in convs["decoder"])
    return SegNetConfig(
        classes, stem=1, widths=tuple(shapes["encoder", str(stage), "0"][0] for stage in range(stages)),
        encoder_convs=convs["encoder"], decoder_convs=convs["decoder"], dropout=0.0,
        lateral=1.0 if any(name.startswith("lateral.") for name in weights) else None, encoder_residual=residual,
        decoder_narrow_first=bool(changing and longer),
    )  # fmt: skip


def _state(weights: dict[str, Tensor], network: SegNet) -> dict[str, Tensor]:
    """The network's state: a folded bias becomes the offset of a batch norm that does nothing else."""
    state = network.state_dict()
    for name, value in state.items():
        if name.endswith("norm.bias"):
            state[name] = weights[name.replace("norm.bias", "conv.bias")]
        elif name.endswith("norm.running_var"):
            state[name] = torch.full_like(value, 1.0 - 1e-5)  # with the norm's epsilon: 1
        elif name.endswith(("norm.weight", "norm.running_mean", "num_batches_tracked")):
            state[name] = torch.ones_like(value) if name.endswith("weight") else torch.zeros_like(value)
        elif name in weights:
            state[name] = weights[name]
    return state


def _same(network: SegNet, graph: onnx.ModelProto) -> bool:
    """Whether network and graph give the same logits for one picture of noise."""
    exposed = onnx.ModelProto()
    exposed.CopyFrom(graph)
    exposed.graph.output.append(onnx.helper.make_empty_tensor_value_info(LOGITS))
    shape = [each.dim_value for each in graph.graph.input[0].type.tensor_type.shape.dim]
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    session = onnxruntime.InferenceSession(exposed.SerializeToString(), providers=["CPUExecutionProvider"])
    expected = session.run([LOGITS], {"image": image})[0]
    with torch.no_grad():
        logits = network(normalise(torch.from_numpy(image))).logits
        found = upsample(logits, network.config.output_stride).numpy()
    return found.shape == expected.shape and bool(np.abs(found - expected).max() < TOLERANCE * np.abs(expected).max())
