# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Runs the passes of one bundle: the single one, flips, augmentations, dropout, other bundles, ODIN's step.

Everything is brought to the lattice and kept in the cache as `pass_statistics` has it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from trustseg.backends import Backend, create_backend, select_backend
from trustseg.backends.interface import INPUT_NAME, LOGITS
from trustseg.bundle.loading import Bundle
from trustseg.errors import InputError
from trustseg.types import Float32Array, UInt8Array
from trustseg_lab.benchmark.passes.augmentations import AUGMENTATIONS, FLIP, Augmentation
from trustseg_lab.benchmark.passes.cache import PassCache, cache_key
from trustseg_lab.benchmark.passes.statistics import PassMaps, pass_maps
from trustseg_lab.benchmark.sample import EngineRecord
from trustseg_lab.evaluation.baselines.ensemble import softmax
from trustseg_lab.evaluation.baselines.mc_dropout import DEFAULT_RATE
from trustseg_lab.evaluation.baselines.network_weights import TorchNetwork, weights_of
from trustseg_lab.evaluation.evaluator import FusedConfidence
from trustseg_lab.metrics.score_histogram import Counts

# Engine passes beside the single one; "dropout" and "drop_weights" run in PyTorch, T of them.
FLIP_PASSES, TTA, DROPOUT, DROP_WEIGHTS, MEMBERS, ODIN = (
    "flip", "tta", "dropout", "drop_weights", "members", "odin",
)  # fmt: skip
PASSES = (FLIP_PASSES, TTA, DROPOUT, DROP_WEIGHTS, MEMBERS, ODIN)
# What else a method may need of a bundle: its own calibration and verdict; the classifier's weights; the network in
# PyTorch.
SHIPPED, CLASSIFIER, NETWORK = "shipped", "classifier", "network"
DROP_RATES = (0.05, 0.1, 0.2)
ODIN_TEMPERATURE, ODIN_STEP = 1000.0, 0.0014


@dataclass(frozen=True)
class PassSettings:
    """How passes are made: lattice `step`, `dropout` passes T, `threads` of the engine, `seed` of masks."""

    step: int = 2
    dropout: int = 4
    threads: int = 2
    seed: int = 0


def lattice(values: npt.NDArray[Any], step: int) -> npt.NDArray[Any]:
    """Every `step`-th place of the last two axes (h, w), from the middle of the first cell on."""
    return np.ascontiguousarray(values[..., step // 2 :: step, step // 2 :: step])


@dataclass
class BundlePasses:
    """A bundle with all that runs it.

    Attributes:
        bundle, precision, engine: of the single pass. decode: gives the map that the classifier reads; None: logits.
        classifier: float32 (C, D), weights of the classifier; None where the graph does not tell them.
        members: other bundles of the same classes. torch: the PyTorch network; None without one.
        missing: passes that cannot be made -> why.
    """

    bundle: Bundle
    precision: str
    engine: Backend
    settings: PassSettings
    cache: PassCache
    classifier: Float32Array | None
    members: Sequence[tuple[Bundle, Backend]] = ()
    torch: TorchNetwork | None = None
    missing: dict[str, str] = field(default_factory=dict)
    shipped: FusedConfidence | None = None
    decode: DecodedMap | None = None

    @cached_property
    def _spilled(self) -> TemporaryDirectory[str] | None:
        if self.cache.folder is None:
            return None
        self.cache.folder.mkdir(parents=True, exist_ok=True)
        return TemporaryDirectory(prefix="run_", dir=self.cache.folder)

    @property
    def spill(self) -> Path | None:
        """Folder for tables of this run alone, beside the records. None without a cache."""
        return None if self._spilled is None else Path(self._spilled.name)

    def tidy(self) -> None:
        """Remove the tables of this run; without this call they go with the process."""
        if self._spilled is not None:
            self._spilled.cleanup()

    @property
    def size(self) -> tuple[int, int]:
        """(h, w) of the lattice."""
        height, width = self.bundle.card.size
        step = self.settings.step
        return len(range(step // 2, height, step)), len(range(step // 2, width, step))

    def counts(self, name: str) -> int:
        """Passes of `name` beside the single one."""
        return {
            FLIP_PASSES: 1, TTA: len(AUGMENTATIONS), DROPOUT: self.settings.dropout,
            DROP_WEIGHTS: self.settings.dropout, MEMBERS: len(self.members), ODIN: 2,
        }.get(name, 0)  # fmt: skip

    def digest(self, name: str) -> list[Any]:
        """What records of `name` depend on beside the view."""
        model = self.bundle.card.models[self.precision].sha256
        more: list[Any] = [self.settings.dropout, self.settings.seed] if name in (DROPOUT, DROP_WEIGHTS) else []
        if name == TTA:
            more = [each.name for each in AUGMENTATIONS]
        if name == MEMBERS:
            more = [member.card.models["fp32"].sha256 for member, _ in self.members]
        return [name, model, self.engine.name, self.engine.version, self.settings.step, *more]

    def engine_record(
        self, view: str, image: Callable[[], UInt8Array], counts: Callable[[UInt8Array], Counts]
    ) -> EngineRecord:
        """The single pass of view `view`.

        Args:
            image: makes uint8 (H, W, 3) RGB at network size.
            counts: confusion int64 (C, C + 1) of a mask uint8 (H, W) at network size.
        """
        key = cache_key(view, self.digest("engine"))
        kept = self.cache.load(key)
        if kept is None:
            kept = self._run_engine(self._ordered(image()), counts)
            self.cache.save(key, kept)
        return EngineRecord(
            kept["labels"], kept["codes"], kept["features"], kept["logits"], kept["decoded"], kept["counts"],
            float(kept["engine_ms"]),
        )  # fmt: skip

    def _run_engine(
        self, image: UInt8Array, counts: Callable[[UInt8Array], Counts]
    ) -> dict[str, npt.NDArray[Any]]:  # fmt: skip
        out = self.engine.infer(image)
        step = self.settings.step
        decoded = out.logits if self.decode is None else self.decode(image)
        with np.errstate(over="ignore"):
            return {
                "labels": lattice(out.labels, step), "codes": lattice(out.confidence, step),
                "features": out.features, "logits": self._on_lattice(out.logits).astype(np.float16),
                "decoded": decoded.astype(np.float16),
                "counts": counts(out.labels),
                "engine_ms": np.array(out.engine_ms),
            }  # fmt: skip

    def pass_record(
        self, name: str, view: str, image: Callable[[], UInt8Array], single: Callable[[], EngineRecord]
    ) -> PassMaps:
        """Maps of passes `name` of view `view`.

        Raises:
            InputError: they cannot be made (see `missing`).
        """
        if name in self.missing:
            raise InputError(f"no passes {name}", got=self.missing[name])
        key = cache_key(view, self.digest(name))
        kept = self.cache.load(key)
        if kept is None:
            found = self._run(name, self._ordered(image()), single())
            kept = {f"doubt_{each}": values for each, values in found.doubts.items()}
            kept |= {"masks": found.masks, "mean_mask": found.mean_mask, "ms": np.array(found.ms)}
            self.cache.save(key, kept)
        doubts = {each.removeprefix("doubt_"): values for each, values in kept.items() if each.startswith("doubt_")}
        return PassMaps(doubts, kept["masks"], kept["mean_mask"], float(kept["ms"]))

    def _run(self, name: str, image: UInt8Array, single: EngineRecord) -> PassMaps:
        started = perf_counter()
        own = softmax(single.logits.astype(np.float32))
        if name == ODIN:
            return self._odin(image, single, started)
        makers: dict[str, Callable[[], list[Float32Array]]] = {
            FLIP_PASSES: lambda: [own, self._augmented(image, FLIP)],
            TTA: lambda: [own, *(self._augmented(image, each) for each in AUGMENTATIONS)],
            MEMBERS: lambda: [own, *(self._member(image, *each) for each in self.members)],
            DROPOUT: lambda: self._dropout(image),
            DROP_WEIGHTS: lambda: self._drop_weights(image),
        }  # fmt: skip
        return pass_maps(makers[name](), single.labels, 1e3 * (perf_counter() - started))

    def _ordered(self, rgb: UInt8Array) -> UInt8Array:
        return rgb if self.bundle.card.input.color_order == "rgb" else np.ascontiguousarray(rgb[..., ::-1])

    def _on_lattice(self, logits: Float32Array) -> Float32Array:
        """Logits (C, a, b) on the lattice; at another size than the network's they are enlarged first."""
        height, width = self.bundle.card.size
        if logits.shape[1:] != (height, width):
            logits = np.stack([cv2.resize(row, (width, height), interpolation=cv2.INTER_LINEAR) for row in logits])
        return np.asarray(lattice(logits, self.settings.step), np.float32)

    def _augmented(self, image: UInt8Array, how: Augmentation) -> Float32Array:
        logits = self.engine.infer(how.apply(image)).logits
        height, width = self.bundle.card.size
        if logits.shape[1:] != (height, width):
            logits = np.stack([cv2.resize(row, (width, height), interpolation=cv2.INTER_LINEAR) for row in logits])
        return np.asarray(lattice(how.back(softmax(logits)), self.settings.step), np.float32)

    def _member(self, image: UInt8Array, member: Bundle, engine: Backend) -> Float32Array:
        height, width = member.card.size
        if image.shape[:2] != (height, width):
            image = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
        if member.card.input.color_order != self.bundle.card.input.color_order:
            image = np.ascontiguousarray(image[..., ::-1])
        return softmax(self._on_lattice(engine.infer(image).logits))

    def _network(self) -> TorchNetwork:
        if self.torch is None:
            raise InputError("no PyTorch network of this bundle")
        return self.torch

    def _forward(self, tensor: Any) -> Float32Array:
        from trustseg_lab.network.segnet import upsample

        network = self._network().network
        logits = upsample(network(tensor).logits, network.config.output_stride)
        return softmax(np.asarray(lattice(logits[0].numpy(), self.settings.step), np.float32))

    def _dropout(self, image: UInt8Array) -> list[Float32Array]:
        import torch

        network = self._network()
        rate = float(network.network.config.dropout) or DEFAULT_RATE
        torch.manual_seed(self.settings.seed)
        with torch.no_grad(), network.with_dropout(rate):
            tensor = network.tensor(image)
            return [self._forward(tensor) for _ in range(self.settings.dropout)]

    def _drop_weights(self, image: UInt8Array) -> list[Float32Array]:
        """Passes with a random share of the convolutions' weights at 0; the rate goes through `DROP_RATES`."""
        import torch

        network = self._network()
        weights = [each.weight for each in network.network.modules() if isinstance(each, torch.nn.Conv2d)]
        kept = [each.detach().clone() for each in weights]
        generator = torch.Generator().manual_seed(self.settings.seed)
        found = []
        with torch.no_grad():
            tensor = network.tensor(image)
            try:
                for index in range(self.settings.dropout):
                    rate = DROP_RATES[index % len(DROP_RATES)]
                    for weight, whole in zip(weights, kept, strict=True):
                        stays = (torch.rand(whole.shape, generator=generator) >= rate).to(whole.dtype)
                        weight.copy_(whole * stays / (1 - rate))
                    found.append(self._forward(tensor))
            finally:
                for weight, whole in zip(weights, kept, strict=True):
                    weight.copy_(whole)
        return found

    def _odin(self, image: UInt8Array, single: EngineRecord, started: float) -> PassMaps:
        """Largest softmax at temperature T after a step of the input towards it (Liang et al., ICLR 2018).

        At T = 1000 every probability is near 1 / C: told is C times the excess over 1 / C times T, which keeps the
        order.
        """
        import torch

        from trustseg_lab.network.segnet import upsample

        network = self._network()
        tensor = network.tensor(image).requires_grad_(True)
        logits = network.network(tensor).logits
        (logits / ODIN_TEMPERATURE).log_softmax(1).amax(1).mean().backward()
        gradient = tensor.grad
        if gradient is None:
            raise InputError("ODIN's gradient is missing")
        with torch.no_grad():
            moved = network.network(tensor + ODIN_STEP * gradient.sign()).logits
            moved = upsample(moved, network.network.config.output_stride)
            top = (moved / ODIN_TEMPERATURE).softmax(1).amax(1)[0].double().numpy()
        classes = single.logits.shape[0]
        excess = ODIN_TEMPERATURE * (classes * lattice(top, self.settings.step) - 1) / classes
        doubt = (1 / (1 + np.maximum(excess, 0))).astype(np.float16)
        return PassMaps({"odin": doubt}, single.labels[None], single.labels, 1e3 * (perf_counter() - started))


def open_bundle(
    bundle: Bundle, precision: str, backend: str, settings: PassSettings, cache: PassCache,
    members: Sequence[Bundle] = (),
) -> BundlePasses:  # fmt: skip
    """The bundle's engine, its members' and its PyTorch network, as far as they are there.

    Raises:
        BackendError: the engine cannot be loaded, or fails the golden test.
    """
    chosen = select_backend(backend, bundle, precision, settings.threads)  # the golden test admits it
    chosen.close()
    decoded, classifier = decoded_tensor(bundle.model_bytes(precision))
    engine = create_backend(chosen.name, bundle, precision, settings.threads, expose_logits=True)
    found = BundlePasses(bundle, precision, engine, settings, cache, classifier)
    if decoded:
        found.decode = DecodedMap(bundle.model_bytes(precision), decoded, settings.threads)
    found.shipped = FusedConfidence.of(bundle, precision)
    if found.shipped is None:
        found.missing[SHIPPED] = "the bundle is a draft without calibration or verdict: run `trustseg calibrate`"
    if found.classifier is None:
        found.missing[CLASSIFIER] = "the graph does not tell the classifier's weights as one 1x1 convolution"
    names = [each.name for each in bundle.card.classes]
    same = [each for each in members if [c.name for c in each.card.classes] == names]
    found.members = [
        (each, create_backend(chosen.name, each, "fp32", settings.threads, expose_logits=True)) for each in same
    ]
    if not found.members:
        found.missing[MEMBERS] = "no other bundle of the same classes: name one with a second --bundle"
    try:
        found.torch = TorchNetwork(bundle, weights_of(bundle, None), settings.threads)
    except InputError as error:
        found.missing |= {each: str(error) for each in (DROPOUT, DROP_WEIGHTS, ODIN, NETWORK)}
    return found


def decoded_tensor(model: bytes) -> tuple[str, Float32Array | None]:
    """The tensor that the last convolution before `logits` reads, and that convolution's weights float32 (C, D).

    Returns:
        ("", None) where no convolution is found; None for weights that are not told as a plain constant, or whose
        kernel is not 1x1.
    """
    import onnx

    graph = onnx.load_from_string(model).graph
    maker = {output: node for node in graph.node for output in node.output}
    name = LOGITS
    while name in maker and maker[name].op_type != "Conv":
        name = maker[name].input[0]
    if name not in maker:
        return "", None
    conv = maker[name]
    constant = {each.name: each for each in graph.initializer}
    weight = constant.get(conv.input[1])
    if weight is None or list(weight.dims[2:]) != [1, 1]:
        return str(conv.input[0]), None
    return str(conv.input[0]), np.asarray(onnx.numpy_helper.to_array(weight), np.float32)[:, :, 0, 0]


class DecodedMap:
    """The part of a graph that ends in the map that the classifier reads, float32 (D, a, b), in ONNX Runtime.

    The product's backends hand out logits and nothing further inside; this is a session of its own.
    """

    def __init__(self, model: bytes, tensor: str, threads: int) -> None:
        import onnx
        import onnxruntime as ort

        graph = onnx.load_from_string(model)
        del graph.graph.output[:]
        graph.graph.output.append(onnx.helper.make_empty_tensor_value_info(tensor))
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 4
        options.add_session_config_entry("session.set_denormal_as_zero", "1")
        self._session: Any = ort.InferenceSession(
            graph.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    def __call__(self, image: UInt8Array) -> Float32Array:
        """The map of one image, uint8 (h, w, 3) in the card's colour order."""
        return np.asarray(self._session.run(None, {INPUT_NAME: image[None]})[0][0], np.float32)
