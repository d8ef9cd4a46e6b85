# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Test files over several processes, also when one of these dies: every other test runs, and the run ends.

pytest-xdist hands a dead process's files on whole: those that were done, and the test that killed it, which then kills
the next one. And a process runs a test when it knows what comes next: one that gets nothing, or one last test, waits
for ever (seen: a run that stood at 98 % until its time was over).
"""

from __future__ import annotations

from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController


class CrashSafeScheduling(LoadFileScheduling):
    """`--dist loadfile` whose dead processes leave what they had not yet begun, and nothing else."""

    def remove_node(self, node: WorkerController) -> str | None:
        """Takes a process out and hands on its tests; the test that it was at, None if it had done them all."""
        left = {
            file: {test: False for test, done in tests.items() if not done}
            for file, tests in self.assigned_work.pop(node).items()
        }
        at = next((test for tests in left.values() for test in tests), None)
        if at is not None:
            del left[self._split_scope(at)][at]
        self.workqueue.update({file: tests for file, tests in left.items() if tests})
        for other in self.assigned_work:
            self._reschedule(other)
        return at

    def _reschedule(self, node: WorkerController) -> None:
        """Gives a process files until it has a test and one after it, or tells it that no more will come."""
        if node not in self.registered_collections:  # in a dead one's place, and still counting its tests
            return
        super()._reschedule(node)
        while not node.shutting_down and self._pending_of(self.assigned_work[node]) < 2:
            super()._reschedule(node)
