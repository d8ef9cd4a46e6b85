# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Distillation: what a larger network, the teacher, says of the training images; a smaller one learns it too.

The teacher looks at each image once, as it is; its word is then warped and cut with the labels, while the light and the
weather of the image change: a student learns to see through them what its teacher saw without.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from trustseg.backend_registry import ONNX_RUNTIME
from trustseg.backends import create_backend
from trustseg.bundle.loading import load_bundle
from trustseg.errors import InputError
from trustseg.files.whole_file import whole_file
from trustseg.types import UInt8Array
from trustseg_lab.data.class_list import ClassList
from trustseg_lab.network.segnet import upsample
from trustseg_lab.training import checkpoint
from trustseg_lab.training.arithmetic import computing
from trustseg_lab.training.batches import normalise
from trustseg_lab.training.config import Arithmetic
from trustseg_lab.training.data import SOFT_STRIDE

LEAST = 0.5  # a soft label that sums to less lies outside of the image

Progress = Callable[[int, int], None]
Ask = Callable[[Tensor], Tensor]  # image uint8 (1, H, W, 3) to probabilities float32 (1, C, H, W)


@torch.no_grad()
def soft_labels(
    teacher: Path, classes: ClassList, images: UInt8Array, *, cache: Path | None = None, device: str = "cpu",
    arithmetic: Arithmetic = "auto", progress: Progress | None = None,
) -> UInt8Array:  # fmt: skip
    """The teacher's probabilities in 255ths, uint8 (N, H / 2, W / 2, C).

    Args:
        teacher: checkpoint of `trustseg train`, or the folder of a bundle. classes: of the student.
        images: uint8 (N, H, W, 3) RGB.
        cache: folder to keep them in. device: cpu or cuda. arithmetic: of a checkpoint's network.
        progress: called with (done, of) after each image.

    Raises:
        InputError: no checkpoint, other classes, or images of an odd size.
    """
    ask, theirs = _exported(teacher) if teacher.is_dir() else _checkpoint(teacher, device, arithmetic)
    count, height, width = images.shape[:3]
    ours = [entry.name for entry in classes.classes]
    if [entry.name for entry in theirs.classes] != ours:
        raise InputError(
            f"{teacher}: the teacher's classes", expected=", ".join(ours)[:200],
            got=", ".join(entry.name for entry in theirs.classes)[:200],
        )  # fmt: skip
    if height % SOFT_STRIDE or width % SOFT_STRIDE:
        raise InputError("size of the training images", expected="even height and width", got=f"{height}x{width}")
    kept = None if cache is None else cache / f"soft_{_mark(teacher, images)}.npy"
    if kept is not None and kept.exists():
        return np.asarray(np.load(kept, allow_pickle=False), np.uint8)
    soft = np.empty((count, height // SOFT_STRIDE, width // SOFT_STRIDE, len(ours)), np.uint8)
    for index in range(count):
        mean = F.avg_pool2d(ask(torch.from_numpy(images[index : index + 1])), SOFT_STRIDE)
        soft[index] = (mean[0] * 255).round().byte().permute(1, 2, 0).cpu().numpy()
        if progress is not None:
            progress(index + 1, count)
    if kept is not None:
        with whole_file(kept) as partial:
            np.save(partial, soft)
    return soft


def _checkpoint(teacher: Path, device: str, arithmetic: Arithmetic) -> tuple[Ask, ClassList]:
    """The network of a checkpoint: its probabilities are the mean of each image's and its mirror image's."""
    network, classes, _ = checkpoint.load_network(teacher)
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def ask(image: Tensor) -> Tensor:
        x = normalise(image.to(device))
        both = torch.cat([x, x.flip(3)]).contiguous(memory_format=torch.channels_last)
        with computing(device, arithmetic):
            logits = network(both).logits
        probability = upsample(logits.float(), network.config.output_stride).softmax(1)
        return (probability[:1] + probability[1:].flip(3)) / 2

    return ask, classes


def _exported(teacher: Path) -> tuple[Ask, ClassList]:
    """The network of a bundle in ONNX Runtime; of each image alone, or a large one takes minutes on a CPU."""
    bundle = load_bundle(teacher)
    engine = create_backend(ONNX_RUNTIME, bundle, "fp32", torch.get_num_threads(), expose_logits=True)
    listed = [entry.model_dump() for entry in bundle.card.classes]

    def ask(image: Tensor) -> Tensor:
        return torch.from_numpy(engine.infer(image[0].numpy()).logits)[None].float().softmax(1)

    return ask, ClassList.model_validate({"void": len(listed), "classes": listed})


def _mark(teacher: Path, images: UInt8Array) -> str:
    digest = hashlib.sha256(load_bundle(teacher).model_bytes("fp32") if teacher.is_dir() else teacher.read_bytes())
    digest.update(repr(images.shape).encode())
    digest.update(images.tobytes())
    return digest.hexdigest()[:16]


def distillation_loss(logits: Tensor, soft: Tensor) -> Tensor:
    """Mean divergence (Kullback-Leibler, nats) of the student from its teacher where the teacher said anything.

    Args:
        logits: float (N, C, h, w), at any resolution. soft: uint8 (N, h', w', C), all 0 where nothing is said.
    """
    said = soft.permute(0, 3, 1, 2).float() / 255.0
    if said.shape[2:] != logits.shape[2:]:
        said = F.interpolate(said, size=logits.shape[2:], mode="bilinear", align_corners=False)
    mass = said.sum(1, keepdim=True)
    teacher = said / mass.clamp(min=LEAST)
    each = (torch.xlogy(teacher, teacher) - teacher * logits.log_softmax(1)).sum(1)
    known = (mass[:, 0] >= LEAST).to(each.dtype)
    return (each * known).sum() / known.sum().clamp(min=1.0)
