# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg bench --replay`: how much a replay costs beside decoding and inference."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from trustseg.cli.plain_console import PlainConsole

if TYPE_CHECKING:
    from trustseg_lab.replay.job import ReplayOptions

LEAST_SHARE = 0.9  # of the limit


def bench_replay(
    path: Path, options: ReplayOptions, rounds: int, as_json: bool, tick: Callable[[], object]
) -> bool:  # fmt: skip
    """Measure, print, and say whether the replay comes near enough to its limit."""
    from trustseg.files.json_document import json_ready, print_json
    from trustseg_lab.replay.throughput import measure

    found = measure(path, options, rounds, tick)
    good = found.share >= LEAST_SHARE
    if as_json:
        print_json(json_ready(found) | {"share": found.share, "within_budget": good})
    else:
        spread = f"{100 * min(found.shares):.0f} to {100 * max(found.shares):.0f} %"
        PlainConsole().print(
            f"{found.frames} images, {rounds} rounds in turns: {found.limit:.1f} images/s decoded and inferred alone, "
            f"{found.replay:.1f} replayed: {100 * found.share:.0f} % of the limit ({spread}; at least 90 % wanted)"
        )
    return good
