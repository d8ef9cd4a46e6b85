# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a training step wants to make small: the loss on classes, on groups of classes, and on unknown objects."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from trustseg_lab.data.class_list import ClassList
from trustseg_lab.network.segnet import SegNetOutput, upsample
from trustseg_lab.training.config import TrainConfig
from trustseg_lab.training.data import GROUPS, IGNORE, UNKNOWN
from trustseg_lab.training.distil import distillation_loss
from trustseg_lab.training.losses import exposure_loss, group_loss, segmentation_loss, unknown_loss


@dataclass(frozen=True)
class Objective:
    """The loss of a run's steps.

    Attributes:
        config: of the run. stride: pixels of the image to one logit.
        weights: float32 (C,), of the classes. members: float32 (G, C), which class belongs to which group, or None.
    """

    config: TrainConfig
    stride: int
    weights: Tensor
    members: Tensor | None

    def __call__(self, out: SegNetOutput, labels: Tensor, soft: Tensor | None, step: int, progress: float) -> Tensor:
        """Loss of the network's output on uint8 labels (N, H, W), in which pasted objects and groups have their own
        codes, and soft labels; `progress` is the share of the run that is done.

        The loss looks at one of every stride x stride pixels, another phase each step: the same in expectation as all
        of them, at a fraction of the cost.
        """
        dy, dx = step % self.stride, (step // self.stride) % self.stride
        full = upsample(out.logits.float(), self.stride)[..., dy :: self.stride, dx :: self.stride]
        drawn = labels[:, dy :: self.stride, dx :: self.stride].long()
        classes = full.shape[1]
        optim = self.config.optim
        jaccard = optim.jaccard if progress >= optim.jaccard_from else 0.0
        ids = torch.where(drawn < classes, drawn, IGNORE)
        loss = segmentation_loss(full, ids, self.weights, jaccard, IGNORE)
        if self.config.distil is not None and soft is not None:
            loss = loss + self.config.distil.weight * distillation_loss(out.logits.float(), soft)
        if self.config.coarse is not None and self.members is not None:
            inside = (drawn >= GROUPS) & (drawn < GROUPS + len(self.members))
            groups = torch.where(inside, drawn - GROUPS, IGNORE)
            loss = loss + self.config.coarse.weight * group_loss(full, groups, self.members, IGNORE)
        if self.config.unknown is not None and out.unknown is not None:
            plane = upsample(out.unknown.float(), self.stride)[:, 0, dy :: self.stride, dx :: self.stride]
            strange = drawn == UNKNOWN
            known = ~strange & (drawn != IGNORE)
            loss = loss + self.config.unknown.weight * unknown_loss(plane, strange, known)
            loss = loss + self.config.unknown.exposure * exposure_loss(full, strange)
        return loss


def group_members(config: TrainConfig, classes: ClassList) -> Tensor | None:
    """float32 (G, C): 1 where a class belongs to a group of the configured coarse set; None without one."""
    if config.coarse is None:
        return None
    names = [entry.name for entry in classes.classes]
    return torch.tensor([[float(name in group) for name in names] for group in config.coarse.groups])
