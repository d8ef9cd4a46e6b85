# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Evaluation and calibration on real images: figures agree with exact ones, and the files fit each other."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics as reference

from bundle_factory import make_tiny_bundle
from trustseg.backends import create_backend
from trustseg.bundle.loading import load_bundle
from trustseg.cli.app import main
from trustseg.imaging.resize import network_image
from trustseg_lab.data.labelled_images import find_pairs, read_pair
from trustseg_lab.metrics.softmax_signals import softmax_signals

VOID, IMAGES = 11, 6


@pytest.fixture(scope="module")
def camvid(data_root: Path) -> Path:
    return data_root / "camvid"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_bundle(tmp_path_factory.mktemp("real") / "engines" / "tiny", height=90, width=120)


def test_streamed_figures_equal_exact_ones_over_every_pixel(camvid: Path, bundle: Path, tmp_path: Path) -> None:
    arguments = ["--images", camvid / "val", "--labels", camvid / "valannot", "--void", VOID, "--limit", IMAGES]
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", "--bundle", str(bundle), *map(str, arguments), "--out", str(tmp_path / "out")])
    assert ended.value.code in (0, None)
    found = json.loads((tmp_path / "out" / "metrics.json").read_text())
    loaded = load_bundle(bundle)
    engine = create_backend(found["bundle"]["backend"], loaded, "fp32", 1, expose_logits=True)
    right, score = [], []
    for paths in find_pairs(camvid / "val", camvid / "valannot")[:IMAGES]:
        pair = read_pair(paths, 11, VOID)
        out = engine.infer(network_image(pair.image, loaded.card.size, "bgr", "rgb"))
        # Labels of 360 x 480 against a network of 90 x 120: every pixel of the network stands for 4 x 4 of them.
        labels, mcp = (np.kron(m, np.ones((4, 4), m.dtype)) for m in (out.labels, softmax_signals(out.logits).mcp))
        keep = pair.labels != VOID
        right.append((labels == pair.labels)[keep])
        score.append(mcp[keep])
    correct, confidence = np.concatenate(right), np.concatenate(score)
    streamed = found["confidence"]["mcp"]
    assert found["labelled_pixels"] == correct.size
    assert found["segmentation"]["accuracy"] == pytest.approx(correct.mean(), abs=1e-12)
    assert streamed["auroc"] == pytest.approx(reference.roc_auc_score(correct, confidence), abs=1e-5)
    assert streamed["aupr_error"] == pytest.approx(reference.average_precision_score(~correct, -confidence), abs=1e-4)


@pytest.mark.parametrize(("split", "count"), [("train", 367), ("val", 101), ("test", 233)])
def test_every_image_of_the_split_has_its_labels(camvid: Path, split: str, count: int) -> None:
    assert len(find_pairs(camvid / split, camvid / f"{split}annot")) == count


def test_kitti_labels_are_of_the_size_of_their_images(camvid: Path) -> None:
    kitti = camvid.parent / "kitti"
    pairs = find_pairs(kitti / "images", kitti / "labels")
    assert len(pairs) == 60
    for paths in pairs[::20]:
        assert read_pair(paths, 11, VOID).labels.shape[1] > 1000
