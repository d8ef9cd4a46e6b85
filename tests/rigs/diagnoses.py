# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the nodes say on /diagnostics."""

from __future__ import annotations

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus

from ros_probe import Probe


class Diagnoses:
    """The newest status of a node, by name."""

    def __init__(self, probe: Probe) -> None:
        self.newest: dict[str, DiagnosticStatus] = {}
        probe.node.create_subscription(DiagnosticArray, "/diagnostics", self._note, 100)

    def _note(self, message: DiagnosticArray) -> None:
        self.newest.update({each.name: each for each in message.status})

    def says(self, name: str, words: str) -> bool:
        return name in self.newest and words in self.newest[name].message

    def values(self, name: str) -> dict[str, str]:
        return {each.key: each.value for each in self.newest[name].values}
