# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What is said of a bundle that notices unknown objects, of one that cannot, and of one that has no limit yet."""

from __future__ import annotations

from pathlib import Path

from bundle_factory import make_tiny_bundle
from trustseg.bundle.loading import load_bundle
from trustseg.bundle.unknown_objects import unknown_objects_policy


def test_it_is_said_where_unknown_objects_are_noticed_and_where_not(tmp_path: Path) -> None:
    knowing = make_tiny_bundle(tmp_path / "engines" / "knowing", unknown=True)
    told = unknown_objects_policy(load_bundle(knowing))
    assert "UNKNOWN_OBJECT where unknown/corridor_most is above 4, a hard fault from 50.0% of" in told
    plain = make_tiny_bundle(tmp_path / "engines" / "plain")
    assert unknown_objects_policy(load_bundle(plain)).startswith("unknown objects are NOT noticed")
    draft = make_tiny_bundle(tmp_path / "engines" / "draft", unknown=True, verdict=False)
    told = unknown_objects_policy(load_bundle(draft, draft=True))
    assert "NOT judged" in told
    assert "trustseg calibrate --bundle draft --precision fp32" in told
