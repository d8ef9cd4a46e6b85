# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Corruptions by name: `KIND:SEVERITY,...` of the command line, and how one is applied."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trustseg.errors import InputError
from trustseg.types import UInt8Array
from trustseg_lab.corruptions.camera_faults import CAMERA_FAULTS, FROZEN, FROZEN_LAG
from trustseg_lab.corruptions.imagenet_c import IMAGENET_C
from trustseg_lab.scenes.conditions import KINDS as SCENE_KINDS
from trustseg_lab.scenes.conditions import apply_condition
from trustseg_lab.scenes.noise import stream

SEVERITIES = (1, 2, 3, 4, 5)
DEFAULT_SEVERITY = 3
CLEAN = "clean"
# Weather and lens conditions of the rendered scenes; where ImageNet-C has the name, theirs needs the prefix.
SCENE_PREFIX = "scene_"
SCENE_NAMES: dict[str, str] = {f"{SCENE_PREFIX}{kind}": kind for kind in SCENE_KINDS}
GROUPS: dict[str, tuple[str, ...]] = {
    "imagenet_c": tuple(IMAGENET_C), "faults": (*CAMERA_FAULTS, FROZEN), "scene": tuple(SCENE_NAMES),
}  # fmt: skip
ALL_KINDS: tuple[str, ...] = tuple(name for group in GROUPS.values() for name in group)
_STREAM = 83


@dataclass(frozen=True)
class Corruption:
    """One kind at one severity, 1 to 5; the kind "clean" has severity 0 and changes nothing."""

    kind: str
    severity: int

    @property
    def name(self) -> str:
        """KIND:SEVERITY, as on the command line."""
        return self.kind if self.kind == CLEAN else f"{self.kind}:{self.severity}"

    @property
    def lag(self) -> int:
        """How many images earlier the picture is taken from: more than 0 for a frozen camera only."""
        return FROZEN_LAG[self.severity - 1] if self.kind == FROZEN else 0

    def apply(self, image: UInt8Array, seed: int) -> UInt8Array:
        """The corrupted picture, uint8 RGB (H, W, 3), a new array; the same for the same `seed`.

        A frozen camera's picture comes back as it is: the caller gives the earlier one (`lag`).
        """
        if self.kind in (CLEAN, FROZEN):
            return image.copy()
        if self.kind in SCENE_NAMES:
            return apply_condition(SCENE_NAMES[self.kind], self.severity / len(SEVERITIES), image, None, seed)
        effect = IMAGENET_C[self.kind] if self.kind in IMAGENET_C else CAMERA_FAULTS[self.kind]
        rng = stream(_STREAM, ALL_KINDS.index(self.kind), self.severity, seed)
        return effect(np.ascontiguousarray(image), self.severity, rng)


def parse_corruptions(text: str) -> list[Corruption]:
    """`KIND[:SEVERITY],...` as corruptions, each once, in the order given.

    KIND is one of `ALL_KINDS`, a scene condition without its prefix where ImageNet-C has no such name, "clean", or a
    group: imagenet_c, faults, scene. SEVERITY is 1 to 5, a range such as 1-5, or left out for 3.

    Raises:
        InputError: not of that form, an unknown kind, a severity outside of 1..5.
    """
    found: list[Corruption] = []
    for word in text.split(","):
        kind, colon, number = word.strip().partition(":")
        if kind == CLEAN and not colon:
            found.append(Corruption(CLEAN, 0))
            continue
        levels = _severities(number, word) if colon else (DEFAULT_SEVERITY,)
        found += [Corruption(name, level) for name in _kinds(kind, word) for level in levels]
    return list(dict.fromkeys(found))


def _kinds(kind: str, word: str) -> tuple[str, ...]:
    if kind in GROUPS:
        return GROUPS[kind]
    if kind in ALL_KINDS:
        return (kind,)
    if f"{SCENE_PREFIX}{kind}" in SCENE_NAMES:
        return (f"{SCENE_PREFIX}{kind}",)
    raise InputError(f"corruption {word!r}", expected="one of " + ", ".join((CLEAN, *GROUPS, *ALL_KINDS)), got=kind)


def _severities(number: str, word: str) -> tuple[int, ...]:
    first, dash, last = number.partition("-")
    try:
        low, high = int(first), int(last) if dash else int(first)
    except ValueError:
        low = high = 0
    if not SEVERITIES[0] <= low <= high <= SEVERITIES[-1]:
        raise InputError(f"corruption {word!r}", expected="a severity 1 to 5, or a range such as 1-5", got=repr(number))
    return tuple(range(low, high + 1))
