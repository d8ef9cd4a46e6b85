# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg replay --segments --selective-risk`: what a tracker would have heard, and what the mask would keep."""

from __future__ import annotations

import json
import math
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
from rosbags.highlevel import AnyReader

from bag_factory import shots, write_labels
from bundle_factory import CLASSES
from published_bundle import THRESHOLD, make_published_bundle
from replay_runs import run
from trustseg.backends import create_backend
from trustseg.bundle.loading import load_bundle
from trustseg.pipeline import Pipeline, PipelineConfig
from trustseg.selective_risk import Promise
from trustseg.types import Frame
from trustseg_lab.recordings.bag_writer import typestore
from trustseg_lab.replay.results.shown.annotated import CONFIDENCE, MASK, STATUS

FRAMES = 4


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_published_bundle(tmp_path_factory.mktemp("engines") / "tiny")


@pytest.fixture
def images(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    for index, shot in enumerate(shots(FRAMES)):
        cv2.imwrite(str(tmp_path / "images" / f"{index}.png"), shot.image[..., ::-1])
    return tmp_path / "images"


def test_objects_and_what_is_kept_are_those_of_the_pipeline(bundle: Path, images: Path, tmp_path: Path) -> None:
    labels = write_labels(tmp_path / "labels", [str(index) for index in range(FRAMES)])
    more = ("--segments", "--selective-risk", "0.02", "--labels", str(labels))
    assert run(bundle, tmp_path / "out", [images], *more) == 0
    config = PipelineConfig(promise=Promise(0.02))
    loaded = load_bundle(bundle)
    pipeline = Pipeline(loaded, create_backend("onnxruntime", loaded, threads=1), config=config)
    published: dict[str, list[Any]] = {MASK: [], CONFIDENCE: [], STATUS: []}
    with AnyReader([tmp_path / "out"], default_typestore=typestore()) as reader:
        for connection, _, data in reader.messages():
            published.setdefault(connection.topic, []).append(reader.deserialize(data, connection.msgtype))
    rows = pq.read_table(tmp_path / "out" / "segments.parquet").to_pylist()
    frames = pq.read_table(tmp_path / "out" / "frames.parquet").to_pylist()
    kept = wrong = all_wrong = 0
    for index, frame in enumerate(frames):
        image = cv2.imread(str(images / f"{index}.png"))
        result = pipeline.process(Frame(image, index + 1, color_order="bgr"))
        own = [row for row in rows if row["seq"] == frame["seq"]]
        found = pipeline.segments(result)
        assert [(r["class_id"], r["x"], r["y"], r["width"], r["height"], r["area"]) for r in own] == [
            (s.class_id, s.x, s.y, s.width, s.height, s.area) for s in found
        ]
        assert [r["predicted_iou"] for r in own] == [s.predicted_iou for s in found]
        assert all(r["class"] == CLASSES[r["class_id"]] and r["stamp_ns"] == frame["stamp_ns"] for r in own)
        accepted = result.confidence >= THRESHOLD
        assert frame["selective_coverage"] == accepted.mean()
        # The bag holds what the node publishes: only what is kept.
        mask = pipeline.mask(result)
        assert set(np.unique(mask[~accepted])) == {255}
        assert np.array_equal(mask[accepted], result.labels[accepted])
        of_bag, sure, status = (published[topic][index] for topic in (MASK, CONFIDENCE, STATUS))
        assert bytes(of_bag.data) == mask.tobytes()
        assert bytes(sure.data) == result.confidence.tobytes()
        assert status.mask_crc32 == frame["mask_crc32"] == zlib.crc32(mask.tobytes())
        truth = cv2.imread(str(labels / f"{index}.png"), cv2.IMREAD_UNCHANGED)
        size = truth.shape[::-1]
        here = cv2.resize(accepted.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST_EXACT) > 0
        whole = cv2.resize(result.labels, size, interpolation=cv2.INTER_NEAREST_EXACT)
        kept, wrong = kept + int(here.sum()), wrong + int((whole != truth)[here].sum())
        all_wrong += int((whole != truth).sum())
    pipeline.close()
    assert rows
    told = json.loads((tmp_path / "out" / "summary.json").read_text())["selective_risk"]
    assert told["promise"] == {"selective_risk": 0.02, "missed_errors": 0.0}
    assert (told["threshold"], told["coverage_in_calibration"]) == (THRESHOLD, 0.7)
    assert told["coverage"] == pytest.approx(np.mean([frame["selective_coverage"] for frame in frames]))
    assert told["labelled"]["risk"] == pytest.approx(wrong / kept)
    assert told["labelled"]["missed"] == pytest.approx(wrong / all_wrong)
    assert told["labelled"]["coverage"] == pytest.approx(kept / (FRAMES * truth.size))


def test_without_labels_no_risk_is_known_and_without_being_asked_nothing_is_told(
    bundle: Path, images: Path, tmp_path: Path
) -> None:
    assert run(bundle, tmp_path / "a", [images], "--selective-risk", "0.02", "--no-annotated") == 0
    told = json.loads((tmp_path / "a" / "summary.json").read_text())["selective_risk"]
    assert told["labelled"] is None
    assert math.isfinite(told["coverage"])
    assert not (tmp_path / "a" / "segments.parquet").exists()
    assert run(bundle, tmp_path / "b", [images], "--no-annotated") == 0
    assert "selective_risk" not in json.loads((tmp_path / "b" / "summary.json").read_text())
    assert "selective_coverage" not in pq.read_schema(tmp_path / "b" / "frames.parquet").names


@pytest.mark.parametrize(
    ("risk", "says"),
    [("0.7", "--selective-risk 0.7 is out of range, expected 0 to 0.5"), ("0.001", "expected at least 0.0100")],
)
def test_a_risk_that_cannot_be_held_is_one_clear_line(
    risk: str, says: str, bundle: Path, images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(bundle, tmp_path / "out", [images], "--selective-risk", risk) == 2
    assert says in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
