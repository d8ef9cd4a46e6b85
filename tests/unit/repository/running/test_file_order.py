# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The order of test files: files that wait and files that compute take turns; the tests themselves are no garbage."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from file_order import in_turns


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ("w1 w2 c1 c2", "w1 c1 w2 c2"),
        ("c1 c2 w1 w2", "w1 c1 w2 c2"),
        ("w1 w2 w3 c1", "w1 c1 w2 w3"),
        ("c1 c2 c3 w1", "w1 c1 c2 c3"),
        ("w1 w1 c1 w1 c1 c2", "w1 c1 c2"),
        ("c1 c2", "c1 c2"),
        ("", ""),
    ],
)
def test_files_take_turns_and_keep_the_order_of_their_kind(files: str, expected: str) -> None:
    paths = [Path(name) for name in files.split()]
    order = in_turns(paths, {path for path in paths if path.name.startswith("w")})
    assert sorted(order, key=order.__getitem__) == [Path(name) for name in expected.split()]
    assert sorted(order.values()) == list(range(len(order)))


def test_what_was_collected_is_no_work_for_the_collector_of_memory(request: pytest.FixtureRequest) -> None:
    assert gc.isenabled()
    assert not any(each is request.node for each in gc.get_objects())
