# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Plan of the street: centre line, kerbs, what stands beside them. Pure functions of the drive's seed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from trustseg_lab.scenes.noise import stream

Float32 = npt.NDArray[np.float32]

BLOCK_M = 48.0
KERB_M = 0.11
_STREAM_ROAD, _STREAM_BLOCK = 11, 12


@dataclass(frozen=True)
class Side:
    """One side of one block of street. Distances are from the centre line, metres, positive outwards.

    Attributes:
        use: terrace (houses at the pavement), villas (behind gardens), park, estate (large blocks).
        kerb: where the pavement begins.
        back: where the pavement ends and walls, fences or gardens begin.
        junction: (start, end) of a side road along the street, or None.
        parked: whether cars stand along the kerb.
    """

    use: str
    kerb: float
    back: float
    junction: tuple[float, float] | None
    parked: bool


@dataclass(frozen=True)
class Road:
    """Plan of a drive's street; x = `centre(z)` + lateral offset, positive to the right. Traffic keeps left.

    Attributes:
        seed: seed of the drive.
        kerb, pavement: distance of the kerb from the centre line and width of the pavement, (left, right), metres.
        bend: (amplitude m, wavelength m, phase) of the sines whose sum is the centre line.
        uses: probability of each use of a block's side (see `Side`).
        zigzag, double_yellow: paint along the kerbs.
        dash_m: length of a dash of the centre line and of the gap after it, metres.
    """

    seed: int
    kerb: tuple[float, float]
    pavement: tuple[float, float]
    bend: tuple[tuple[float, float, float], ...]
    uses: tuple[float, float, float, float]
    zigzag: bool
    double_yellow: bool
    dash_m: tuple[float, float]
    _sides: dict[tuple[int, int], Side] = field(default_factory=dict, repr=False, compare=False)

    def centre(self, z: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
        """X of the centre line at z."""
        total = np.zeros_like(z)
        for amplitude, wavelength, phase in self.bend:
            k = np.asarray(2 * np.pi / wavelength, dtype=z.dtype)
            total = total + np.asarray(amplitude, z.dtype) * np.sin(k * z + np.asarray(phase, z.dtype))
        return total

    def centre_at(self, z: float) -> float:
        """X of the centre line at one z."""
        return sum(a * math.sin(2 * math.pi / w * z + p) for a, w, p in self.bend)

    def slope(self, z: float) -> float:
        """dX/dZ of the centre line."""
        return sum(a * 2 * math.pi / w * math.cos(2 * math.pi / w * z + p) for a, w, p in self.bend)

    def side(self, block: int, sign: int) -> Side:
        """The left (-1) or right (+1) side of block number `block`, which begins at z = block * BLOCK_M."""
        found = self._sides.get((block, sign))
        if found is None:
            found = self._sides[block, sign] = self._make_side(block, sign)
        return found

    def _make_side(self, block: int, sign: int) -> Side:
        rng = stream(self.seed, _STREAM_BLOCK, block, sign + 1)
        use = str(rng.choice(["terrace", "villas", "park", "estate"], p=self.uses))
        kerb = self.kerb[(sign + 1) // 2]
        back = kerb + self.pavement[(sign + 1) // 2] * (1.0 if use != "estate" else 1.4)
        junction = None
        if rng.random() < 0.28:
            start = block * BLOCK_M + rng.uniform(6, 28)
            junction = (start, start + rng.uniform(7, 11))
        parked = kerb > 4.6 and rng.random() < 0.75
        return Side(use, kerb, back, junction, bool(parked))


def make_road(seed: int) -> Road:
    """Plan of the street of drive `seed`."""
    rng = stream(seed, _STREAM_ROAD)
    wide = rng.random() < 0.5
    kerb = tuple(float(rng.uniform(5.0, 5.9) if wide else rng.uniform(3.1, 4.4)) for _ in range(2))
    pavement = tuple(float(rng.uniform(1.6, 4.0)) for _ in range(2))
    bend = (
        (float(rng.uniform(0, 9)), float(rng.uniform(260, 420)), float(rng.uniform(0, 6.28))),
        (float(rng.uniform(0, 2.2)), float(rng.uniform(110, 170)), float(rng.uniform(0, 6.28))),
    )
    uses = rng.dirichlet([2.4, 1.2, 1.0, 0.8])
    return Road(
        seed=seed,
        kerb=(kerb[0], kerb[1]),
        pavement=(pavement[0], pavement[1]),
        bend=bend,
        uses=(float(uses[0]), float(uses[1]), float(uses[2]), float(uses[3])),
        zigzag=bool(rng.random() < 0.25),
        double_yellow=bool(rng.random() < 0.5),
        dash_m=(float(rng.uniform(2, 4)), float(rng.uniform(4, 6.5))),
    )
