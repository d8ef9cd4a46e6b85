# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A camera that shows the past: is it found wherever in a drive it begins, and is a braking car ever accused?

    scripts/frozen_beginnings.py                 the demo's drive (300 frames) and 30 stops on three streets
    scripts/frozen_beginnings.py --streets 6     more streets

Run it with .venv/bin/python. Everything is rendered on the spot; it takes some minutes.
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Iterator

import numpy as np

from trustseg.input_health import HealthConfig, InputHealth
from trustseg.reasons import Reason
from trustseg_lab.faults.health_streams import braking
from trustseg_lab.scenes import Drive
from trustseg_lab.scenes.sensor_faults import MOST_BUFFERS, SensorFault

FRAMES, NS = 300, 100_000_000
SIZE = (480, 640)
# Kind, severity (noise of 1.5 lumas as in `trustseg faults run`; sixteenths of the buffers) and within how many frames.
FAULTS = (
    ("frozen_noise", 0.5, 10),
    ("ring", 2 / MOST_BUFFERS, 6),
    ("ring_noise", 3 / MOST_BUFFERS, 7),
    ("ring_jpeg", 8 / MOST_BUFFERS, 12),
    ("ring_reversed", 4 / MOST_BUFFERS, 8),
)
RATES_HZ = (10.0, 30.0)
DECELERATIONS = (1.5, 3.0, 5.0, 8.0, 10.0)
FIRST_STREET = 201


def missed_beginnings() -> dict[str, list[int]]:
    """By kind, the frames of the demo's drive, played in a loop, from which on the fault is not found in time."""
    drive = Drive(0, SIZE)
    frames = [drive.frame(k).image_rgb for k in range(FRAMES)]
    health = InputHealth(HealthConfig())
    missed: dict[str, list[int]] = {kind: [] for kind, _, _ in FAULTS}
    for k in range(2 * FRAMES):
        for kind, severity, within in FAULTS if k >= FRAMES else ():
            if not _found(copy.deepcopy(health), frames, k, SensorFault(kind, severity, seed=k), within):
                missed[kind].append(k - FRAMES)
        health.check(frames[k % FRAMES], k * NS)
    return missed


def _found(health: InputHealth, frames: list[np.ndarray], first: int, fault: SensorFault, within: int) -> bool:
    shown = (fault.frame(frames[(first + k) % FRAMES]) for k in range(within))
    return any(Reason.FROZEN in health.check(image, (first + k) * NS).reasons for k, image in enumerate(shown))


def accused_stops(streets: int) -> Iterator[tuple[int, float, float, bool]]:
    """Street, frames a second, deceleration in m/s^2, and whether any frame of that stop was called frozen."""
    for street in range(FIRST_STREET, FIRST_STREET + streets):
        for rate_hz in RATES_HZ:
            for deceleration in DECELERATIONS:
                health = InputHealth(HealthConfig())
                reports = [health.check(f, k) for k, f in enumerate(braking(street, rate_hz, deceleration))]
                yield street, rate_hz, deceleration, any(Reason.FROZEN in r.reasons for r in reports)


def main() -> int:
    """Print both counts; exit code 1 when a beginning is missed or a stop accused."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streets", type=int, default=3, help="streets that a car stops on, ten times each")
    options = parser.parse_args()
    missed = missed_beginnings()
    for kind, severity, within in FAULTS:
        found = missed[kind]
        print(f"{kind} {severity:g}, not found within {within} frames: {len(found)} of {FRAMES} beginnings {found}")
    stops = list(accused_stops(options.streets))
    accused = [stop[:3] for stop in stops if stop[3]]
    print(f"stops of a car called frozen: {len(accused)} of {len(stops)} {accused}")
    return 1 if any(missed.values()) or accused else 0


if __name__ == "__main__":
    raise SystemExit(main())
