# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a segmentation node shares with the others of its process, where it is not alone in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from trustseg.backends import Backend, select_backend
from trustseg.bundle.loading import Bundle
from trustseg_ros.segmenter.supervisor import Watch


@dataclass(frozen=True)
class Company:
    """The surroundings of one node; by default those of a node that is alone.

    Attributes:
        namespace: of the node; empty: as the command line says.
        select: loads an engine that has proved itself, as `trustseg.backends.select_backend`.
        watches: what is under way in any node of the process, see `Supervisor`.
        parameters: names that the command line gives to others of this process.
    """

    namespace: str = ""
    select: Callable[[str, Bundle, str, int, float], Backend] = select_backend
    watches: dict[int, Watch] = field(default_factory=dict)
    parameters: frozenset[str] = frozenset()
