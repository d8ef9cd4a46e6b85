# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg replay --temporal-filter`: masks as the node would have published them, verdicts as without it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from rosbags.highlevel import AnyReader

from bag_factory import PERIOD_NS, shots, write_bag
from bundle_factory import make_tiny_bundle
from replay_runs import run
from trustseg.temporal_filter import TemporalFilter
from trustseg_lab.recordings.bag_writer import typestore

COUNT, REJECTED, GAP_BEFORE, DARK = 16, 5, 9, 12
WEIGHT = 0.9
OF_THE_MASK = ("mask_crc32", "confidence_crc32", "class_share/")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Results without and with the filter of a noisy drive: one image is rejected, one is black, one comes late."""
    root = tmp_path_factory.mktemp("filter")
    bundle = make_tiny_bundle(root / "engines" / "tiny")
    images = []
    for index, shot in enumerate(shots(COUNT)):
        grain = np.random.default_rng(100 + index).integers(-60, 61, shot.image.shape)
        late_ns = 4 * PERIOD_NS if index >= GAP_BEFORE else 0
        noisy = np.clip(shot.image + grain, 0, 255).astype(np.uint8)
        images.append(replace(shot, image=noisy, stamp_ns=shot.stamp_ns + late_ns, time_ns=shot.time_ns + late_ns))
    images[REJECTED] = replace(images[REJECTED], stamp_ns=images[REJECTED - 3].stamp_ns + 1)
    images[DARK] = replace(images[DARK], image=np.zeros_like(images[DARK].image))
    bag = write_bag(root / "bag", images)
    assert run(bundle, root / "off", [bag]) == 0
    assert run(bundle, root / "on", [bag], "--temporal-filter", str(WEIGHT)) == 0
    return {"off": root / "off", "on": root / "on"}


def maps(folder: Path) -> dict[int, dict[str, np.ndarray]]:
    """stamp -> mask and confidence of annotated.mcap."""
    found: dict[int, dict[str, np.ndarray]] = {}
    with AnyReader([folder], default_typestore=typestore()) as reader:
        for connection, _, raw in reader.messages():
            name = connection.topic.rsplit("/", 1)[1]
            if name in ("mask", "confidence"):
                message = reader.deserialize(raw, connection.msgtype)
                stamp = message.header.stamp.sec * 10**9 + message.header.stamp.nanosec  # type: ignore[attr-defined]
                pixels = message.data.reshape(message.height, message.width)  # type: ignore[attr-defined]
                found.setdefault(stamp, {})[name] = pixels
    return found


def test_masks_are_the_filters_and_begin_anew_behind_what_is_not_good(runs: dict[str, Path]) -> None:
    own, shown = maps(runs["off"]), maps(runs["on"])
    rows = pq.read_table(runs["off"] / "frames.parquet").to_pylist()
    assert [row["outcome"] for row in rows].count("REJECTED") == 1
    by_hand = TemporalFilter(WEIGHT, 3 * PERIOD_NS)
    changed = []
    for row in rows:
        if row["outcome"] == "REJECTED":
            by_hand.forget()
            continue
        mine, theirs = own[row["stamp_ns"]], shown[row["stamp_ns"]]
        expected = (mine["mask"], mine["confidence"])
        if row["reasons"]:
            by_hand.forget()
        else:
            expected = by_hand.apply(*expected, row["stamp_ns"], mine["mask"].shape)
        assert np.array_equal(theirs["mask"], expected[0]), row["index"]
        assert np.array_equal(theirs["confidence"], expected[1]), row["index"]
        assert (theirs["confidence"] <= mine["confidence"]).all()
        if (theirs["mask"] != mine["mask"]).any():
            changed.append(row["index"])
    first_ones = {0, REJECTED + 1, GAP_BEFORE, DARK, DARK + 1}
    assert len(changed) > COUNT // 2
    assert not first_ones & set(changed)


def test_verdicts_and_states_are_those_of_the_frames(runs: dict[str, Path]) -> None:
    off, on = (pq.read_table(runs[name] / "frames.parquet").to_pylist() for name in ("off", "on"))

    def told(row: dict[str, object]) -> list[object]:
        # NaN would be unequal to itself.
        return [str(value) for name, value in row.items() if not name.startswith(OF_THE_MASK)]

    assert [told(row) for row in off] == [told(row) for row in on]
    assert [row["mask_crc32"] for row in off] != [row["mask_crc32"] for row in on]


def test_the_mask_flickers_less_and_the_summary_says_what_was_asked_for(runs: dict[str, Path]) -> None:
    off, on = (json.loads((runs[name] / "summary.json").read_text()) for name in ("off", "on"))
    assert on["metrics"]["flicker"] < off["metrics"]["flicker"]
    assert (off["settings"]["temporal_filter"], on["settings"]["temporal_filter"]) == (0.0, WEIGHT)


def test_a_weight_that_would_hold_for_ever_is_refused(
    runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(runs["on"], tmp_path / "out", [tmp_path], "--temporal-filter", "1") == 2
    assert "--temporal-filter 1 is out of range, expected 0 to 0.95" in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "out").exists()
