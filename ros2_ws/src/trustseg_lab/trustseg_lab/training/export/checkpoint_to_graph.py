# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""From a fitted checkpoint to a bundle: one ONNX graph, proved equal to the network, with its card and golden image."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from trustseg.backends.tensorrt.lint import refuse_unportable
from trustseg.backends.tensorrt.opset import to_opset17
from trustseg.backends.tensorrt.trunk import MEMBER_LOGITS
from trustseg.bundle.card import UNKNOWN_OUTPUT
from trustseg.errors import ParityError
from trustseg.types import UInt8Array
from trustseg_lab.data.class_list import ClassList
from trustseg_lab.network.confidence import ConfidenceHead
from trustseg_lab.network.graph import DeployGraph
from trustseg_lab.network.pair import SegNetPair
from trustseg_lab.network.segnet import SegNet
from trustseg_lab.precision.compact import LEAST_ELEMENTS, on_grid
from trustseg_lab.precision.parity import outputs_of
from trustseg_lab.training import checkpoint
from trustseg_lab.training.batches import MEAN, STD

TORCH_OPSET = 18  # the oldest that PyTorch writes
OUTPUTS = ("labels", "confidence", "features", "logits")


@dataclass(frozen=True)
class ParityLimits:
    """How far ONNX Runtime may be from PyTorch on the same images: in float32 only the order of sums differs."""

    mask_agreement: float = 0.9995
    confidence_mean_abs: float = 0.1
    features_rel: float = 0.005


@dataclass(frozen=True)
class Parity:
    """What was measured: worst image of each figure. Features: largest |a - b| / (|b| + 0.1). Of the plane of unknown
    objects, where there is one, the mean |difference| in codes."""

    images: int
    mask_agreement: float
    confidence_mean_abs: float
    features_rel: float
    unknown_mean_abs: float = 0.0


def save_fused(path: Path, network: SegNet | SegNetPair, head: ConfidenceHead, meta: dict[str, Any]) -> None:
    """Write network and head as one checkpoint. It may be published: of absolute paths the last two parts stay."""
    state = {f"network.{k}": v for k, v in network.state_dict().items()}
    state |= {f"head.{k}": v for k, v in head.state_dict().items()}
    checkpoint.save_weights(path, state, {**shortened_paths(meta), "fused": True})


def shortened_paths(value: Any) -> Any:
    """Nested plain values in which absolute paths, which tell of one machine only, are cut to their last two parts."""
    if isinstance(value, dict):
        return {key: shortened_paths(each) for key, each in value.items()}
    if isinstance(value, list):
        return [shortened_paths(each) for each in value]
    if isinstance(value, str) and Path(value).is_absolute():
        return "/".join(Path(value).parts[-2:])
    return value


def load_fused(path: Path) -> tuple[SegNet | SegNetPair, ConfidenceHead, ClassList, dict[str, Any]]:
    """Network and head of a checkpoint that `save_fused` wrote, both in evaluation mode."""
    state, meta = checkpoint.load_weights(path)
    if not meta.get("fused"):
        raise ParityError(f"{path} holds no confidence head", fix="run `trustseg fit-confidence` on it first")
    network, classes = checkpoint.build_network(meta)
    head = ConfidenceHead(network.config.decoded_width)
    network.load_state_dict({k[8:]: v for k, v in state.items() if k.startswith("network.")})
    head.load_state_dict({k[5:]: v for k, v in state.items() if k.startswith("head.")})
    return network.eval(), head.eval(), classes, meta


def keep_in_eight_bits(graph: DeployGraph) -> None:
    """Round the large convolution weights to what eight bits can hold, in place: `compact` then loses nothing."""
    for module in graph.modules():
        if isinstance(module, nn.Conv2d) and module.weight.numel() >= LEAST_ELEMENTS:
            module.weight.data = torch.from_numpy(on_grid(module.weight.detach().numpy()))


def export_onnx(graph: DeployGraph, size: tuple[int, int]) -> bytes:
    """The graph as ONNX bytes: static size (H, W), batch 1; `logits`, and of a pair each member's own, are inner
    tensors, not outputs."""
    inner = (*OUTPUTS[3:], *(MEMBER_LOGITS if isinstance(graph.network, SegNetPair) else ()))
    more = (UNKNOWN_OUTPUT,) if graph.network.config.unknown else ()
    example = torch.zeros(1, *size, 3, dtype=torch.uint8)
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore", FutureWarning)  # of PyTorch about itself
        program = torch.onnx.export(
            graph.eval(), (example,), dynamo=True, opset_version=TORCH_OPSET, input_names=["image"],
            output_names=[*OUTPUTS[:3], *inner, *more], verbose=False,
        )  # fmt: skip
    if program is None:
        raise ParityError("torch gave no ONNX program", fix="check the versions of torch, onnx and onnxscript")
    program.optimize()
    model = program.model_proto
    for output in list(model.graph.output):
        if output.name in inner:
            model.graph.output.remove(output)
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    del model.graph.metadata_props[:]
    model = to_opset17(model)
    refuse_unportable(model)
    return bytes(model.SerializeToString())


def measure_parity(graph: DeployGraph, model: bytes, images: Sequence[UInt8Array]) -> Parity:
    """Run both on `images` (uint8 (H, W, 3) each) and compare."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    agreement, confidence, features, unknown = 1.0, 0.0, 0.0, 0.0
    names = outputs_of(session)
    for image in images:
        batch = np.ascontiguousarray(image)[None]
        labels, code, pooled, *plane = session.run(names, {"image": batch})
        with torch.no_grad():
            reference: tuple[Tensor, ...] = graph(torch.from_numpy(batch))
        expected = [part.numpy() for part in reference]
        if plane:
            unknown = max(unknown, float(np.abs(plane[0].astype(int) - expected[-1].astype(int)).mean()))
        agreement = min(agreement, float((labels == expected[0]).mean()))
        confidence = max(confidence, float(np.abs(code.astype(int) - expected[1].astype(int)).mean()))
        drift = np.abs(pooled - expected[2]) / (np.abs(expected[2]) + 0.1)
        features = max(features, float(drift.max()) if np.isfinite(drift).all() else float("inf"))
    return Parity(len(images), agreement, confidence, features, unknown)


def admit(parity: Parity, limits: ParityLimits) -> None:
    """Raise ParityError when a figure is beyond its limit."""
    problems = []
    if parity.mask_agreement < limits.mask_agreement:
        problems.append(f"mask agreement {parity.mask_agreement:.5f} < {limits.mask_agreement}")
    if parity.confidence_mean_abs > limits.confidence_mean_abs:
        problems.append(f"confidence error {parity.confidence_mean_abs:.3f} codes > {limits.confidence_mean_abs}")
    if parity.unknown_mean_abs > limits.confidence_mean_abs:
        problems.append(f"unknown objects' error {parity.unknown_mean_abs:.3f} codes > {limits.confidence_mean_abs}")
    if not parity.features_rel <= limits.features_rel:
        problems.append(f"feature drift {parity.features_rel:.4f} > {limits.features_rel}")
    if problems or not parity.images:
        raise ParityError(
            "the exported graph does not reproduce the network", expected=str(asdict(limits)),
            got="; ".join(problems) or "no image to compare on", fix="nothing was written",
        )  # fmt: skip


def build_graph(checkpoint_path: Path, size: tuple[int, int]) -> tuple[DeployGraph, ClassList, dict[str, Any]]:
    """The deployable graph of a fused checkpoint."""
    network, head, classes, meta = load_fused(checkpoint_path)
    return DeployGraph(network, head, size, MEAN, STD).eval(), classes, meta
