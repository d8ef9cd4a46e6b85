# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Why the segmentation node cannot work: kept, logged, and said in a status ten times a second until it is over."""

from __future__ import annotations

from typing import Any

from trustseg.errors import BackendError, BundleError, SelfTestError, TrustSegError
from trustseg.reasons import Reason, Severity
from trustseg_ros.common.node_main import steady_timer
from trustseg_ros.segmenter.status_publisher import StatusPublisher
from trustseg_ros.segmenter.supervisor import LOADING_NS, Supervisor

PERIOD_S = 0.1


class NodeFault:
    """The fault that keeps the node from working, if there is one.

    Args:
        node: its logger and timers are used.
        book: writes the statuses.
        supervisor: told that the middleware is waited for.
        group: callback group of the timer.

    Attributes:
        reason: NONE while the node can work.
        text: for people; empty while the node can work.
    """

    def __init__(self, node: Any, book: StatusPublisher, supervisor: Supervisor, group: Any) -> None:
        self._logger, self._book, self._supervisor = node.get_logger(), book, supervisor
        self.reason, self.text = Reason.NONE, ""
        # Never cancelled: between an executor's two looks at a timer, a cancel from another thread ends the process.
        steady_timer(node, PERIOD_S, self._say, group)

    def note(self, what: str, error: Exception) -> None:
        """`what` failed with `error`: say so now and from now on."""
        self.reason = reason_of(error)
        text = str(error) if isinstance(error, TrustSegError) else f"{type(error).__name__}: {error}"
        self.text = f"{what} failed, {self.reason.first()}: {text}"
        self._logger.error(self.text)
        self._say()

    def clear(self) -> None:
        """The node can work."""
        self.reason, self.text = Reason.NONE, ""

    def _say(self) -> None:
        reason = self.reason
        if reason:
            with self._supervisor.watch("the middleware, asked to publish,", LOADING_NS):
                self._book.about_node(reason, Severity.LATCH)


def reason_of(error: Exception) -> Reason:
    """Why a transition failed, as a reason bit."""
    if isinstance(error, BundleError):
        return Reason.MODEL_INTEGRITY
    if isinstance(error, SelfTestError):
        return Reason.SELF_TEST
    return Reason.BACKEND if isinstance(error, BackendError) else Reason.INTERNAL
