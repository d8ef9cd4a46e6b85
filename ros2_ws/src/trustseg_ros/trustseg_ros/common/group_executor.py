# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A thread for every callback group that wants one, without a pool in between.

rclpy's MultiThreadedExecutor hands each callback to a pool, and until a thread of it has started, it submits the same
callback again and again without waiting, while that thread waits for the interpreter's lock (ros2/rclpy issues 1223 and
1452, mended in 2025 for later distributions). Image callbacks then came 0.1 to 0.4 s late now and then, and the frames
behind them were overwritten in the reader's queue. Here the thread that DDS wakes takes the message itself.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor


class CallbackFailed(Exception):
    """A callback in a thread of its own raised; the cause says what."""


class _GroupExecutor(SingleThreadedExecutor):
    """Runs a node's callbacks of `groups`, or with `but` those of all other groups, in the thread that spins it."""

    # rclpy's `__del__` asks for it, also where a signal had ended the context before it could be made.
    _sigint_gc = None

    def __init__(self, node: Any, groups: tuple[Any, ...], but: bool = False) -> None:
        super().__init__(context=node.context)
        self._node, self._groups, self._but = node, groups, but
        self._ending = False

    def get_nodes(self) -> list[Any]:
        """The node, which need not have been added: it belongs to one executor only."""
        return [self._node]

    def can_execute(self, entity: Any) -> bool:
        """Whether an entity is this executor's, and its group is free."""
        return (entity.callback_group in self._groups) is not self._but and bool(super().can_execute(entity))

    def spin(self) -> None:
        """Run callbacks until the context ends or `end` is called."""
        while self.context.ok() and not self._ending:
            self.spin_once()

    def end(self) -> None:
        """Let `spin` return after the callback under way."""
        self._ending = True
        self.wake()


class GroupedExecutor(_GroupExecutor):
    """Spins the named callback groups in threads of their own and all other groups in the thread that calls `spin`.

    Args:
        node: the first node.
        groups: its callback groups by the name of their thread.
        companions: further nodes of the process: each has a thread for its own `threads` (groups by name) too, and one
            for all its other groups.
    """

    def __init__(self, node: Any, groups: Mapping[str, Any], companions: Sequence[Any] = ()) -> None:
        self._others: list[_GroupExecutor] = []  # first: `wake` may be called from here on
        super().__init__(node, tuple(groups.values()), but=True)
        named = [(name, _GroupExecutor(node, (group,))) for name, group in groups.items()]
        for each in companions:
            own: Mapping[str, Any] = getattr(each, "threads", {})
            named.append((each.get_fully_qualified_name(), _GroupExecutor(each, tuple(own.values()), but=True)))
            named += [(f"{each.get_fully_qualified_name()} {name}", _GroupExecutor(each, (own[name],))) for name in own]
        self._others += [executor for _, executor in named]
        self._threads = [
            threading.Thread(target=self._spin_other, args=(executor,), name=name, daemon=True)
            for name, executor in named
        ]
        self._error: Exception | None = None
        for each in (node, *companions):
            self.add_node(each)

    def wake(self) -> None:
        """Make every thread look again at what the node has: something was created or destroyed."""
        super().wake()
        for executor in self._others:
            executor.wake()

    def spin(self) -> None:
        """Run callbacks until the context ends.

        Raises:
            CallbackFailed: one in a thread of its own raised.
        """
        for thread in self._threads:
            thread.start()
        try:
            super().spin()
        finally:
            if self._error is not None:
                raise CallbackFailed(f"{type(self._error).__name__}: {self._error}") from self._error

    def shutdown(self, timeout_sec: float | None = None) -> bool:
        """End every thread; False when one is still busy after the time given."""
        for executor in self._others:
            executor.end()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(timeout_sec)
        if any(thread.is_alive() for thread in self._threads):
            return False
        for executor in self._others:
            executor.shutdown(timeout_sec)
        return bool(super().shutdown(timeout_sec))

    def _spin_other(self, executor: _GroupExecutor) -> None:
        try:
            executor.spin()
        except ExternalShutdownException:
            pass
        except Exception as error:
            # A callback that was under way when the signal came cannot publish any more: that is no failure.
            if self.context.ok():
                self._error = error
                self.context.try_shutdown()
        finally:
            # A signal may have woken the others before it ended the context, so that they sleep on.
            self.wake()
