# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A network with a plane of unknown objects, from the graph to the verdict, on every backend that is installed."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from bundle_factory import MAGENTA, UNKNOWN_LIMIT, make_tiny_bundle, paint_scene
from trustseg.backends import create_backend, golden_test, load_golden
from trustseg.bundle.loading import load_bundle
from trustseg.bundle.unknown_objects import unknown_objects_policy
from trustseg.cli.app import main
from trustseg.errors import BackendError, BundleError
from trustseg.pipeline import Pipeline
from trustseg.reasons import Reason, Severity
from trustseg.types import Frame, UInt8Array

HEIGHT, WIDTH = 72, 96
PLANE = (18, 24)  # the tiny network works at a quarter of the size


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_bundle(tmp_path_factory.mktemp("unknown") / "engines" / "tiny", unknown=True)


@pytest.fixture(scope="module", params=["onnxruntime", "openvino"])
def pipeline(path: Path, request: pytest.FixtureRequest) -> Pipeline:
    pytest.importorskip(request.param)
    bundle = load_bundle(path)
    return Pipeline(bundle, create_backend(request.param, bundle))


def with_box(rows: slice, columns: slice) -> UInt8Array:
    image = paint_scene(HEIGHT, WIDTH)
    image[rows, columns] = MAGENTA
    return image


def test_an_object_on_the_road_is_seen_where_it_lies_and_is_a_reason(pipeline: Pipeline) -> None:
    usual = pipeline.process(Frame(paint_scene(HEIGHT, WIDTH), 1))
    assert usual.verdict.reasons == Reason.NONE
    assert usual.unknown.shape == PLANE
    assert usual.verdict.unknown_score < UNKNOWN_LIMIT
    assert usual.verdict.corridor_unknown_share == 0.0

    seen = pipeline.process(Frame(with_box(slice(56, 64), slice(44, 52)), 2))
    assert Reason.UNKNOWN_OBJECT in seen.verdict.reasons
    assert seen.verdict.severity is Severity.SOFT
    where = np.argwhere(seen.unknown > 128)
    assert where.min(axis=0).tolist() == [14, 11]  # of cells of 4 x 4 pixels
    assert where.max(axis=0).tolist() == [15, 12]


def test_one_that_fills_half_of_the_corridor_is_a_hard_fault(pipeline: Pipeline) -> None:
    verdict = pipeline.process(Frame(with_box(slice(40, 72), slice(0, 96)), 3)).verdict
    assert Reason.UNKNOWN_OBJECT in verdict.reasons
    assert verdict.severity is Severity.HARD
    assert verdict.corridor_unknown_share > 0.9


def test_one_beside_the_road_is_no_reason(pipeline: Pipeline) -> None:
    seen = pipeline.process(Frame(with_box(slice(44, 52), slice(4, 12)), 4))
    assert seen.unknown.max() == 255
    assert Reason.UNKNOWN_OBJECT not in seen.verdict.reasons


def test_the_golden_image_holds_the_plane_too(path: Path) -> None:
    bundle = load_bundle(path)
    backend = create_backend("onnxruntime", bundle)
    case = load_golden(bundle)
    assert case.unknown.shape == PLANE
    assert golden_test(backend, bundle).passed
    other = dataclasses.replace(case, unknown=255 - case.unknown)
    result = golden_test(backend, bundle, case=other)
    assert not result.passed
    assert "unknown objects off by" in result.why


def test_a_limit_that_changes_in_memory_fails_the_self_test(path: Path) -> None:
    bundle = load_bundle(path)
    pipeline = Pipeline(bundle, create_backend("onnxruntime", bundle))
    assert pipeline.self_test().passed
    vars(pipeline._judgement._judge._unknown).update(limit=19.0)
    assert not pipeline.self_test().passed


def test_of_an_invalid_output_every_place_is_unknown(path: Path) -> None:
    bundle = load_bundle(path)
    backend = create_backend("onnxruntime", bundle)
    infer = backend.infer

    def broken(image: UInt8Array) -> object:
        output = infer(image)
        return dataclasses.replace(output, features=np.full_like(output.features, np.nan))

    backend.infer = broken  # type: ignore[method-assign, assignment]
    found = Pipeline(bundle, backend).process(Frame(paint_scene(HEIGHT, WIDTH), 1))
    assert Reason.OUTPUT_INVALID in found.verdict.reasons
    assert found.unknown.shape == PLANE
    assert found.unknown.min() == 255


@pytest.mark.parametrize("shape", [[1, 18, 25], [1, 9, 24]])
def test_a_plane_of_another_size_than_the_card_says_is_refused(tmp_path: Path, shape: list[int]) -> None:
    folder = make_tiny_bundle(tmp_path / "engines" / "tiny", unknown=True)
    card = json.loads((folder / "card.json").read_text())
    card["tensors"]["outputs"][-1]["shape"] = shape
    (folder / "card.json").write_text(json.dumps(card))
    with pytest.raises(BackendError, match="tensor 'unknown'"):
        create_backend("onnxruntime", load_bundle(folder))
    with pytest.raises(BundleError, match="golden unknown of bundle tiny do not fit the card"):
        load_golden(load_bundle(folder))


@pytest.mark.parametrize("shape", [[1, 18], [2, 18, 24], [1, 0, 24], [1, 73, 24], [1, "h", 24]])
def test_a_card_whose_plane_cannot_be_is_refused(tmp_path: Path, shape: list[object]) -> None:
    folder = make_tiny_bundle(tmp_path / "engines" / "tiny", unknown=True)
    card = json.loads((folder / "card.json").read_text())
    card["tensors"]["outputs"][-1]["shape"] = shape
    (folder / "card.json").write_text(json.dumps(card))
    with pytest.raises(BundleError, match=r"output unknown must be \[cameras, height, width\]"):
        load_bundle(folder)


def test_verify_says_what_a_bundle_knows_of_unknown_objects(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(SystemExit):
        main(["verify", "--bundle", str(path), "--backend", "onnxruntime", "--json"])
    assert json.loads(capsys.readouterr().out)["unknown_objects"] == unknown_objects_policy(load_bundle(path))
    with pytest.raises(SystemExit):
        main(["verify", "--bundle", str(make_tiny_bundle(tmp_path / "engines" / "plain")), "--backend", "onnxruntime"])
    assert "unknown objects are NOT noticed" in capsys.readouterr().out


def test_replay_tells_in_which_frames_one_lay_there(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    images = tmp_path / "images"
    images.mkdir()
    for number in range(16):
        image = paint_scene(HEIGHT, WIDTH)
        image ^= np.random.default_rng(number).integers(0, 2, image.shape, np.uint8)  # a camera's grain
        if number >= 12:
            image[56:64, 44:52] = MAGENTA
        cv2.imwrite(str(images / f"{number:02d}.png"), image[..., ::-1])
    options = ("--bundle", str(path), "--backend", "onnxruntime", "--rate", "10", "--no-annotated")
    with pytest.raises(SystemExit) as ended:
        main(["replay", str(images), "--out", str(tmp_path / "out"), *options])
    assert ended.value.code == 0
    rows = pq.read_table(tmp_path / "out" / "frames.parquet").to_pylist()
    seen = ["UNKNOWN_OBJECT" in row["reasons"].split("|") for row in rows]
    assert seen == [False] * 12 + [True] * 4
    assert [row["state"] for row in rows[-3:]] == ["DEGRADED"] * 3  # two of three frames are believed
    assert rows[11]["unknown_score"] < UNKNOWN_LIMIT < rows[12]["unknown_score"]
    assert rows[11]["corridor_unknown_share"] == 0.0 < rows[12]["corridor_unknown_share"]
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["reasons"]["UNKNOWN_OBJECT"] == 4
    assert "UNKNOWN_OBJECT" in (tmp_path / "out" / "report.html").read_text()
