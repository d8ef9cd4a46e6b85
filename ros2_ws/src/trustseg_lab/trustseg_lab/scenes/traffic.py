# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What moves: oncoming cars, cars ahead, people on the pavement, cyclists, each a steady stream with irregular gaps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from trustseg_lab.scenes.noise import stream
from trustseg_lab.scenes.pool import TexturePool
from trustseg_lab.scenes.road import Road
from trustseg_lab.scenes.sketch import PHASES, Figure
from trustseg_lab.scenes.vehicles import Vehicle

_STREAM_TRAFFIC = 51


@dataclass(frozen=True)
class Person:
    """Somebody on foot or on a bicycle at world (x, z), metres, in a phase of the step or the pedals."""

    figure: Figure
    x: float
    z: float
    phase: int
    rides: bool


@dataclass(frozen=True)
class Moving:
    """What moves at one moment: vehicles (vehicle, x, z, heading in radians) and people."""

    vehicles: list[tuple[Vehicle, float, float, float]]
    people: list[Person]


@dataclass(frozen=True)
class _Lane:
    """Members at z = spacing * (n + jitter) + speed * t."""

    number: int
    speed: float
    spacing: float
    share: float


class Traffic:
    """Streams of one drive; `at` depends on the seed and the time only."""

    def __init__(self, seed: int, road: Road, pool: TexturePool, lane: float, own_speed: float) -> None:
        self._seed, self._road, self._pool, self._lane = seed, road, pool, lane
        rng = stream(seed, _STREAM_TRAFFIC)
        self._oncoming = _Lane(1, -float(rng.uniform(6, 11)), float(rng.uniform(22, 60)), float(rng.uniform(0.35, 0.9)))
        self._ahead = _Lane(2, own_speed, float(rng.uniform(45, 80)), float(rng.uniform(0.5, 0.95)))
        self._walkers = [
            _Lane(
                3 + n,
                float(rng.uniform(1.1, 1.6)) * (1 if n % 2 else -1),
                float(rng.uniform(7, 30)),
                float(rng.uniform(0.3, 0.8)),
            )
            for n in range(4)
        ]
        self._riders = [
            _Lane(9, float(rng.uniform(4, 6)), float(rng.uniform(20, 60)), float(rng.uniform(0.3, 0.9))),
            _Lane(10, -float(rng.uniform(4, 6)), float(rng.uniform(45, 120)), float(rng.uniform(0.2, 0.7))),
        ]
        self._offset = float(rng.uniform(13, 26))

    def at(self, t: float, eye_z: float, view_m: float) -> Moving:
        """Everything between 3 m behind and view_m ahead of z = eye_z at time t (seconds)."""
        vehicles: list[tuple[Vehicle, float, float, float]] = []
        people: list[Person] = []
        cars, road = self._pool.cars, self._road
        right = road.kerb[1]
        oncoming = (right - 2.1) * 0.55 if right > 4.6 else right * 0.5
        for rng, z in self._members(self._oncoming, t, eye_z - 4, eye_z + view_m):
            car = cars[int(rng.integers(len(cars)))]
            lateral = oncoming + rng.normal(0, 0.15)
            vehicles.append((car, road.centre_at(z) + lateral, z, float(np.arctan(road.slope(z))) + np.pi))
        for rng, z in self._members(self._ahead, t, eye_z + 7.5, eye_z + view_m, self._offset):
            car = cars[int(rng.integers(len(cars)))]
            vehicles.append(
                (car, road.centre_at(z) + self._lane + rng.normal(0, 0.12), z, float(np.arctan(road.slope(z))))
            )
        for n, lane in enumerate(self._walkers):
            sign = -1 if n < 2 else 1
            s = (sign + 1) // 2
            for rng, z in self._members(lane, t, eye_z + 1.5, eye_z + 110):
                figure = self._pool.pedestrians[int(rng.integers(len(self._pool.pedestrians)))]
                across = float(rng.uniform(0.25, 0.85))
                x = road.centre_at(z) + sign * (road.kerb[s] + across * road.pavement[s])
                phase = int(np.floor((t * 1.9 * abs(lane.speed) / 1.4 + rng.uniform()) * PHASES / 2)) % PHASES
                people.append(Person(figure, x, z, phase, rides=False))
        for n, lane in enumerate(self._riders):
            sign = -1 if n == 0 else 1
            edge = road.kerb[(sign + 1) // 2]
            for rng, z in self._members(lane, t, eye_z + 3.5, eye_z + 120):
                figure = self._pool.cyclists[int(rng.integers(len(self._pool.cyclists)))]
                off = (2.6 if edge > 4.6 else 0.7) + rng.uniform(0, 0.3)
                x = road.centre_at(z) + sign * (edge - off)
                phase = int(np.floor((t * 1.2 + rng.uniform()) * PHASES)) % PHASES
                people.append(Person(figure, x, z, phase, rides=True))
        return Moving(vehicles, people)

    def _members(
        self, lane: _Lane, t: float, z_from: float, z_to: float, offset: float = 0.0
    ) -> Iterator[tuple[np.random.Generator, float]]:
        shift = lane.speed * t + offset
        first = int(np.floor((z_from - shift) / lane.spacing)) - 1
        last = int(np.ceil((z_to - shift) / lane.spacing)) + 1
        for n in range(first, last + 1):
            rng = stream(self._seed, _STREAM_TRAFFIC, lane.number, n)
            z = (n + rng.uniform(-0.3, 0.3)) * lane.spacing + shift
            if rng.random() < lane.share and z_from < z < z_to:
                yield rng, z
