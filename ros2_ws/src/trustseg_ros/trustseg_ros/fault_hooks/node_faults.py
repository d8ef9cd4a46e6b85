# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Faults inside the segmentation node, only there when `fault_injection` asks for them, and shown in every status."""

from __future__ import annotations

from rclpy.node import Node

from trustseg.backends import Backend
from trustseg.bounds import Bounds
from trustseg.bundle.loading import Bundle
from trustseg_ros.fault_hooks.altered_weights import altered_backend
from trustseg_ros.fault_hooks.events import BEGUN, ENDED, EventOut
from trustseg_ros.fault_hooks.faulty_backend import FaultSwitch, FaultyBackend


class NodeFaults:
    """Wraps every backend of the node, and does to them what the parameter `fault` asks for."""

    def __init__(self, node: Node, bounds: Bounds) -> None:
        self._events = EventOut(node)
        self._logger = node.get_logger()
        self._switch = FaultSwitch(bounds, self._begun)
        self._backends: list[FaultyBackend] = []
        self._asked = ""
        self._logger.warning("fault_injection is on: backends of this node fail when asked to; never drive like this")

    def wrapped(self, backend: Backend, bundle: Bundle, threads: int) -> Backend:
        """`backend` behind the switch."""
        name, precision = backend.name, backend.precision
        made = FaultyBackend(backend, self._switch, lambda: altered_backend(bundle, name, precision, threads))
        self._backends.append(made)
        return made

    def ask(self, kind: str) -> None:
        """Begin a fault with the next inference, or end the present one with an empty text; InputError if unknown."""
        if kind == self._asked:
            return
        for backend in self._backends[-1:]:
            backend.prepare(kind)
        self._switch.set(kind)
        if self._asked:
            self._events.say(self._asked, ENDED)
        self._asked = kind

    def _begun(self, kind: str, at_ns: int) -> None:
        self._events.say(kind, BEGUN, at_ns)
        self._logger.warning(f"injected fault: {kind}")
