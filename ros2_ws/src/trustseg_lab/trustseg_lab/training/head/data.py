# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Pictures for the confidence head: what the network has not seen, and what it has seen, made worse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from trustseg.errors import InputError
from trustseg_lab.data.class_list import ClassList
from trustseg_lab.scenes.conditions import FIT_KINDS, apply_condition
from trustseg_lab.training.config import Source, UnknownSection
from trustseg_lab.training.data import load_set
from trustseg_lab.training.head.fit import HeadPart
from trustseg_lab.training.scene_set import Progress, rendered_set, require_scene_classes
from trustseg_lab.training.unknown.sets_beside import section_paster

SEEN_CORRUPTED = 0.4
HEAD_SCENE_SEED = 8_000  # after the seeds of training (0 to 7 999), before the demo's


def corrupt_for_fitting(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """`image` uint8 (H, W, 3) under one condition that may be fitted on (half of the kinds stay held out)."""
    kind = str(rng.choice(FIT_KINDS))
    severity = float(rng.uniform(0.2, 1.0))
    return apply_condition(kind, severity, image, seed=int(rng.integers(1 << 31)))


def parse_source(text: str, label_names: str | None = None, label_format: str = "auto") -> Source:
    """IMAGES:LABELS as a Source, with how label names differ and what format labels have."""
    images, colon, labels = text.rpartition(":")
    if not colon or not images:
        raise InputError("a data source", expected="IMAGES:LABELS", got=repr(text))
    return Source(images=Path(images), labels=Path(labels), label_names=label_names, label_format=label_format)


def head_parts(
    unseen: Sequence[Source], seen: Sequence[Source], scenes: int, classes: ClassList, size: tuple[int, int],
    cache: Path | None, progress: Progress | None, objects: Path | None = None,
) -> list[HeadPart]:  # fmt: skip
    """The parts that the head is fitted on: images that the network has not seen, ones that it has (of these a larger
    share is corrupted: it errs less on them), and rendered scenes that it has not seen. With `objects`, a library of
    unknown objects, half of the pictures get some of its fitted half.
    """
    if scenes:
        require_scene_classes(classes)
    parts = [
        HeadPart(
            f"{name} {i}" if i else name,
            load_set(source, classes, *size),
            weight / len(sources),
            share,
        )
        for name, sources, weight, share in (("unseen", unseen, 0.35, 0.3), ("seen", seen, 0.35, SEEN_CORRUPTED))
        for i, source in enumerate(sources)
    ]
    if scenes:
        rendered = rendered_set(scenes, HEAD_SCENE_SEED, size, cache=cache, progress=progress)
        parts.append(HeadPart("scenes", rendered, 0.3, 0.3))
    if objects is None:
        return parts
    section = UnknownSection(library=objects)
    return [replace(part, paste=section_paster(section, classes, part.data)) for part in parts]
