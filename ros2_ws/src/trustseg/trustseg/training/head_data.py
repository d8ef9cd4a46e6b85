"""Pictures for the confidence head: what the network has not seen, and what it has seen, made worse."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from trustseg.errors import InputError
from trustseg.scenes.conditions import FIT_KINDS, apply_condition
from trustseg.training.config import ClassList, Source
from trustseg.training.data import load_set
from trustseg.training.fit_head import HeadPart
from trustseg.training.scene_set import Progress, rendered_set, require_scene_classes

HEAD_SCENE_SEED = 8_000  # after the seeds of training (0 to 7 999), before the demo's


def corrupt_for_fitting(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """`image` uint8 (H, W, 3) under one condition that may be fitted on (half of the kinds stay held out)."""
    kind = str(rng.choice(FIT_KINDS))
    severity = float(rng.uniform(0.2, 1.0))
    return apply_condition(kind, severity, image, seed=int(rng.integers(1 << 31)))


def parse_source(text: str) -> Source:
    """IMAGES:LABELS as a Source."""
    images, colon, labels = text.rpartition(":")
    if not colon or not images:
        raise InputError("a data source", expected="IMAGES:LABELS", got=repr(text))
    return Source(images=Path(images), labels=Path(labels))


def head_parts(
    unseen: Sequence[str], seen: Sequence[str], scenes: int, classes: ClassList, size: tuple[int, int],
    cache: Path | None, progress: Progress | None,
) -> list[HeadPart]:  # fmt: skip
    """The parts that the head is fitted on: unseen images half clean, seen ones corrupted only, unseen scenes."""
    if scenes:
        require_scene_classes(classes)
    parts = [HeadPart(load_set(parse_source(text), classes, *size), 0.5 / len(unseen), 0.5) for text in unseen]
    parts += [HeadPart(load_set(parse_source(text), classes, *size), 0.3 / len(seen), 1.0) for text in seen]
    if scenes:
        rendered = rendered_set(scenes, HEAD_SCENE_SEED, size, cache=cache, progress=progress)
        parts.append(HeadPart(rendered, 0.2, 0.5))
    return parts
