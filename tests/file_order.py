# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""In which order the processes of `pytest -n` take files: those that wait beside those that compute."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import zip_longest
from pathlib import Path


def in_turns(files: Iterable[Path], waiting: Collection[Path]) -> dict[Path, int]:
    """Place of each file, from 0: one that waits, one that does not, until there are no more of one kind.

    Args:
        files: in their order, which is kept among those of a kind; the first of a file's mentions counts.
        waiting: those that wait for other processes most of their time.
    """
    kinds: tuple[list[Path], list[Path]] = ([], [])
    for file in dict.fromkeys(files):
        kinds[file not in waiting].append(file)
    turns = (file for pair in zip_longest(*kinds) for file in pair if file is not None)
    return {file: place for place, file in enumerate(turns)}
