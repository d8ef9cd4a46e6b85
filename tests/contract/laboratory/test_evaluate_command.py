# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg evaluate` on a tiny bundle and painted scenes whose truth is known."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from sklearn import metrics as reference

from bundle_factory import CLASSES, make_tiny_bundle, paint_scene, true_ids
from trustseg.backends import create_backend
from trustseg.bundle.loading import load_bundle
from trustseg.cli.app import main
from trustseg_lab.metrics.softmax_signals import softmax_signals

HEIGHT, WIDTH, COUNT, VOID = 72, 96, 4, 11


def truth_of(image: np.ndarray) -> np.ndarray:
    """Nearest palette colour of the unblurred scene, with some classes confused on purpose and a void border."""
    truth = true_ids(image)
    truth[10:20, 10:30] = 8  # wrong on purpose: there is something to find
    truth[:2] = VOID
    return truth


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("evaluate")
    (root / "images").mkdir()
    (root / "labels").mkdir()
    for index in range(COUNT):
        image = paint_scene(HEIGHT, WIDTH, seed=index + 1)
        cv2.imwrite(str(root / "images" / f"{index}.png"), image[..., ::-1])
        cv2.imwrite(str(root / "labels" / f"{index}.png"), truth_of(image))
    make_tiny_bundle(root / "engines" / "tiny")
    make_tiny_bundle(root / "engines" / "draft", verdict=False, calibration=False)
    return root


def run(data: Path, out: Path, *more: str, bundle: str = "tiny", void: int = VOID) -> int:
    """Exit code of the command."""
    arguments = ["evaluate", "--bundle", str(data / "engines" / bundle), "--images", str(data / "images")]
    arguments += ["--labels", str(data / "labels"), "--void", str(void), "--out", str(out), *more]
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return int(ended.value.code or 0)


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_figures_agree_with_exact_values(data: Path, tmp_path: Path, backend: str) -> None:
    assert run(data, tmp_path / "out", "--backend", backend) == 0
    found = json.loads((tmp_path / "out" / "metrics.json").read_text())
    bundle = load_bundle(data / "engines" / "tiny")
    engine = create_backend(backend, bundle, "fp32", 1, expose_logits=True)
    right, codes, mcp, truths, predictions = [], [], [], [], []
    for index in range(COUNT):
        image = cv2.imread(str(data / "images" / f"{index}.png"))[..., ::-1]
        truth = cv2.imread(str(data / "labels" / f"{index}.png"), cv2.IMREAD_UNCHANGED)
        out, keep = engine.infer(np.ascontiguousarray(image)), truth != VOID
        truths.append(truth[keep])
        predictions.append(out.labels[keep])
        right.append((out.labels == truth)[keep])
        codes.append(out.confidence[keep])
        mcp.append(softmax_signals(out.logits).mcp[keep])
    correct, score, probability = np.concatenate(right), np.concatenate(codes).astype(float), np.concatenate(mcp)
    assert 0.02 < 1 - correct.mean() < 0.5
    fused, by_mcp = found["confidence"]["fused"], found["confidence"]["mcp"]
    assert fused["auroc"] == pytest.approx(reference.roc_auc_score(correct, score), abs=1e-9)
    assert fused["aupr_error"] == pytest.approx(reference.average_precision_score(~correct, -score), abs=1e-9)
    assert by_mcp["auroc"] == pytest.approx(reference.roc_auc_score(correct, probability), abs=1e-4)
    assert by_mcp["aupr_success"] == pytest.approx(reference.average_precision_score(correct, probability), abs=1e-4)
    assert by_mcp["overconfidence"] == pytest.approx(probability.mean() - correct.mean(), abs=1e-4)
    matrix = reference.confusion_matrix(np.concatenate(truths), np.concatenate(predictions), labels=range(11))
    union = matrix.sum(0) + matrix.sum(1) - np.diag(matrix)
    iou = [float(matrix[i, i] / union[i]) if union[i] else None for i in range(11)]
    assert list(found["segmentation"]["class_iou"]) == list(CLASSES)
    assert list(found["segmentation"]["class_iou"].values()) == pytest.approx(iou, abs=1e-12)
    assert found["segmentation"]["miou"] == pytest.approx(np.mean([v for v in iou if v is not None]))
    assert found["segmentation"]["accuracy"] == pytest.approx(correct.mean())
    assert found["bundle"]["model_sha256"] == bundle.model("fp32").sha256
    assert found["bundle"]["backend"] == backend
    assert len(found["image"]["per_image"]) == found["images"] == COUNT


def test_labels_of_another_size_than_the_network_are_compared_at_their_own_size(data: Path, tmp_path: Path) -> None:
    for kind, interpolation in (("images", cv2.INTER_LINEAR), ("labels", cv2.INTER_NEAREST)):
        (tmp_path / kind).mkdir()
        for path in (data / kind).iterdir():
            larger = cv2.resize(cv2.imread(str(path), -1), (2 * WIDTH, 2 * HEIGHT), interpolation=interpolation)
            cv2.imwrite(str(tmp_path / kind / path.name), larger)
    (tmp_path / "engines").symlink_to(data / "engines")
    assert run(tmp_path, tmp_path / "out") == 0
    assert run(data, tmp_path / "same") == 0
    twice, once = (json.loads((tmp_path / d / "metrics.json").read_text()) for d in ("out", "same"))
    assert twice["labelled_pixels"] == 4 * once["labelled_pixels"]
    assert twice["segmentation"]["miou"] == pytest.approx(once["segmentation"]["miou"], abs=0.05)


def test_json_on_stdout_is_the_file(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(data, tmp_path / "out", "--json", "--limit", "2") == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert printed["images"] == 2


def test_a_draft_has_confidence_but_no_verdict(data: Path, tmp_path: Path) -> None:
    assert run(data, tmp_path / "out", bundle="draft") == 0
    found = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert found["image"]["auroc"] is None
    assert found["image"]["mae"] is None
    assert found["bundle"]["verdict_sha256"] is None
    assert found["confidence"]["fused"] == found["confidence"]["fused_uncalibrated"]


def test_bad_input_is_one_line_exit_2_and_leaves_nothing(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments, words in (
        (("--void", "200"), "hold ids outside the classes"),
        (("--void", "-1"), "--void"),
        (("--void", "300"), "--void"),
        (("--images", str(tmp_path / "none")), "no folder of images"),
        (("--bundle", str(tmp_path / "none")), "no bundle"),
        (("--backend", "abacus"), "no such backend"),
        (("--precision", "int4"), "no model in precision"),
    ):
        assert run(data, tmp_path / "out", *arguments) == 2
        printed = capsys.readouterr().err.strip().splitlines()
        assert len(printed) == 1
        assert words in printed[0]
        assert not (tmp_path / "out").exists()


def test_a_folder_with_results_is_kept(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(data, tmp_path / "out") == 0
    before = (tmp_path / "out" / "metrics.json").read_bytes()
    assert run(data, tmp_path / "out", "--limit", "1") == 2
    assert "is not empty" in capsys.readouterr().err
    assert (tmp_path / "out" / "metrics.json").read_bytes() == before
    assert run(data, tmp_path / "out", "--limit", "1", "--overwrite") == 0
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["images"] == 1
    assert (tmp_path / "out" / "report.html").exists()
    assert run(data, tmp_path / "out", "--limit", "2", "--overwrite", "--no-report") == 0
    assert [each.name for each in (tmp_path / "out").iterdir()] == ["metrics.json"]  # no page of other figures


def test_an_image_of_which_no_labelled_pixel_was_seen_is_in_no_figure_of_images(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It counted as a good image, and made every mean undefined."""
    (tmp_path / "labels").mkdir()
    for index in range(COUNT):
        truth = cv2.imread(str(data / "labels" / f"{index}.png"), cv2.IMREAD_UNCHANGED)
        if index == 0:
            truth[HEIGHT // 2 :] = VOID
        cv2.imwrite(str(tmp_path / "labels" / f"{index}.png"), truth)
    below = f"0,{HEIGHT // 2},{WIDTH},{HEIGHT // 2}"
    more = ("--labels", str(tmp_path / "labels"), "--region-of-interest", below)
    assert run(data, tmp_path / "out", *more) == 0
    said = capsys.readouterr().out
    assert "1 image without labelled pixels" in said
    found = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert (found["images"], found["image"]["images"]) == (COUNT, COUNT - 1)
    known = [each["quality"] for each in found["image"]["per_image"] if each["quality"] is not None]
    assert len(known) == COUNT - 1
    assert found["image"]["quality_mean"] == pytest.approx(np.mean(known))
    assert found["image"]["prevalence"] == pytest.approx(np.mean(np.array(known) < 0.5))
    assert found["image_baselines"]["image_verdict"]["aurc"] is not None
    assert "1 image without labelled pixels" in (tmp_path / "out" / "report.html").read_text()
