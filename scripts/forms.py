# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Times forms of the network, the whole graph with its tail, in turns in one run; weights are random.

The forms are a YAML mapping (`forms.yaml` beside this file): name -> the keys of `model:` in a training configuration.
Machines change their speed from minute to minute, so only the ratios of one run are to be used.

    scripts/forms.py scripts/forms.yaml --rounds 5 --calls 12
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import onnxruntime as ort
import openvino as ov
import torch

from trustseg_lab.data.yaml_file import read_yaml
from trustseg_lab.network.confidence import ConfidenceHead
from trustseg_lab.network.graph import DeployGraph
from trustseg_lab.network.segnet import SegNet, multiply_accumulates
from trustseg_lab.training.batches import MEAN, STD
from trustseg_lab.training.checkpoint import network_config
from trustseg_lab.training.config import ModelSection
from trustseg_lab.training.export.checkpoint_to_graph import export_onnx

SIZE = (360, 480)
CLASSES = 11


def graph_of(section: dict[str, Any]) -> tuple[bytes, float, float]:
    """ONNX bytes of the form, its GMAC and its millions of parameters."""
    torch.manual_seed(0)
    shape = ModelSection.model_validate(section).model_dump(exclude={"vgg16", "lite0"})
    network = SegNet(network_config({**shape, "classes": CLASSES})).eval()
    for module in network.modules():  # as after training: normal weights, no denormals, no dead maps
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.0)
    head = ConfidenceHead(network.config.decoded_width).eval()
    graph = DeployGraph(network, head, SIZE, MEAN, STD)
    parameters = sum(each.numel() for each in network.parameters()) / 1e6
    return export_onnx(graph, SIZE), multiply_accumulates(network, *SIZE) / 1e9, parameters


class OrtEngine:
    """ONNX Runtime, set up as the product's backend is."""

    def __init__(self, model: bytes, threads: int) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.add_session_config_entry("session.set_denormal_as_zero", "1")
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def run(self, image: np.ndarray) -> None:
        """One call on an image uint8 (1, h, w, 3)."""
        self._session.run(None, {"image": image})


class OvEngine:
    """OpenVINO, set up as the product's backend is."""

    def __init__(self, model: bytes, threads: int, arithmetic: str) -> None:
        core = ov.Core()
        properties = {
            "PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": "1", "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": arithmetic,
        }  # fmt: skip
        self._request = core.compile_model(core.read_model(model), "CPU", properties).create_infer_request()

    def run(self, image: np.ndarray) -> None:
        """One call on an image uint8 (1, h, w, 3)."""
        self._request.infer({"image": image})


def engine_of(kind: str, model: bytes, threads: int) -> OrtEngine | OvEngine:
    """The engine that a column of the table names."""
    return OrtEngine(model, threads) if kind == "onnxruntime" else OvEngine(model, threads, kind.split()[1])


def main() -> int:
    """Time the forms and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("forms", type=Path)
    parser.add_argument("--only", nargs="*", help="names of the forms to time; the first form is always among them")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=12)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--bf16", action="store_true", help="OpenVINO in bfloat16 too")
    args = parser.parse_args()
    forms = read_yaml(args.forms)
    first = next(iter(forms))
    if args.only:
        forms = {name: section for name, section in forms.items() if name == first or name in args.only}
    kinds = ["openvino f32", "onnxruntime", *(["openvino bf16"] if args.bf16 else [])]
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (1, *SIZE, 3), dtype=np.uint8)
    engines: dict[tuple[str, str], Any] = {}
    sizes: dict[str, tuple[float, float]] = {}
    for name, section in forms.items():
        model, gmac, parameters = graph_of(section)
        sizes[name] = (gmac, parameters)
        for kind in kinds:
            engines[name, kind] = engine_of(kind, model, args.threads)
    times: dict[tuple[str, str], list[list[float]]] = {key: [] for key in engines}
    for engine in engines.values():
        for _ in range(3):
            engine.run(image)
    for done in range(args.rounds):
        for each in times.values():
            each.append([])
        for _ in range(args.calls):
            for key, engine in engines.items():
                started = perf_counter()
                engine.run(image)
                times[key][-1].append((perf_counter() - started) * 1e3)
        print(f"round {done + 1} of {args.rounds}", file=sys.stderr)
    print("| form | M | GMAC | " + " | ".join(f"{kind} ms (of {first})" for kind in kinds) + " |")
    print("|---|---|---|" + "---|" * len(kinds))
    for name in forms:
        cells = []
        for kind in kinds:
            own, base = times[name, kind], times[first, kind]
            # A call's ratio to the first form's call of the same turn: what the machine did to both cancels.
            ratio = float(np.median(np.concatenate(own) / np.concatenate(base)))
            rounds = [float(np.median(each)) for each in own]
            cells.append(f"{np.median(np.concatenate(own)):.1f} [{min(rounds):.1f} to {max(rounds):.1f}] ({ratio:.2f})")
        print(f"| {name} | {sizes[name][1]:.2f} | {sizes[name][0]:.2f} | " + " | ".join(cells) + " |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
