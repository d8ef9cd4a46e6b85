# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Parameters that change while driving leave every check of the stream as it was, whatever is wrong with it then."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bundle_factory import make_tiny_bundle
from node_stream import FRAMES, HEIGHT, WIDTH, Stream
from trustseg.reasons import Reason
from trustseg_ros.common.parameters import SegmenterConfig

# A value of every live parameter that says nothing about a check, or says again what holds already; some are refused.
CHANGES: dict[str, tuple[Any, ...]] = {
    "overlay_opacity": (0.1, 0.9, 7.0),
    "output_size": ("camera", "network", "huge"),
    "allow_resolution_change": (False,),
    "fault": ("", "backend_raises"),
}


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[Stream]:
    made = Stream(make_tiny_bundle(tmp_path / "engines" / "tiny", height=HEIGHT, width=WIDTH))
    yield made
    made.close()


def test_every_live_parameter_is_tried() -> None:
    assert set(CHANGES) == {f.name for f in dataclasses.fields(SegmenterConfig) if f.metadata["live"]}


frames = st.sampled_from([("frame", kind) for kind in FRAMES])
changes = st.sampled_from([(name, value) for name, values in CHANGES.items() for value in values])


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example([("frame", "good"), ("frame", "wider"), ("overlay_opacity", 0.1), ("frame", "wider"), ("frame", "wider")])
@example([("frame", "good"), ("frame", "other encoding"), ("output_size", "camera"), ("frame", "other encoding")])
@example([("frame", "good"), *[("frame", "same pixels"), ("overlay_opacity", 0.9)] * 3])
@given(st.lists(st.one_of(frames, changes), min_size=1, max_size=10))
def test_a_change_that_is_not_about_a_check_leaves_its_verdicts(stream: Stream, steps: list[tuple[str, Any]]) -> None:
    undisturbed = stream.answers([step for step in steps if step[0] == "frame"])
    assert stream.answers(steps) == undisturbed


def test_only_the_rule_that_was_changed_is_another(stream: Stream) -> None:
    """Allowing another size accepts the size; what else is wrong with the stream stays wrong."""
    steps: list[tuple[str, Any]] = [
        ("frame", "good"), ("frame", "wider"), ("allow_resolution_change", True), ("frame", "wider"),
        ("frame", "other camera"), ("allow_resolution_change", False), ("frame", "wider"), ("frame", "other camera"),
    ]  # fmt: skip
    reasons = [reason for _, reason in stream.answers(steps)]
    assert reasons == [
        Reason.NONE, Reason.RES_CHANGED, Reason.NONE, Reason.MULTI_SOURCE, Reason.RES_CHANGED, Reason.MULTI_SOURCE
    ]  # fmt: skip
