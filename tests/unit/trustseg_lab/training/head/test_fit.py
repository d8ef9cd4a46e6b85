# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The confidence head learns from errors, and refuses to learn where there are none."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the training extra (torch) is not installed")
torch.set_num_threads(1)  # maps this small: a second thread only waits

from trustseg.errors import InputError  # noqa: E402
from trustseg_lab.network.confidence import softmax_signals  # noqa: E402
from trustseg_lab.network.segnet import (  # noqa: E402
    SegNet,
    SegNetConfig,
)
from trustseg_lab.training.data import IGNORE, LabelledSet  # noqa: E402
from trustseg_lab.training.head.data import corrupt_for_fitting, parse_source  # noqa: E402
from trustseg_lab.training.head.fit import HeadConfig, HeadPart, collect, fit_head, frozen_pass  # noqa: E402


def noise_set(truth: str) -> tuple[SegNet, LabelledSet]:
    """Noise images for an untrained two-class network; labels: what it says ("right"), or class 1 on the left."""
    torch.manual_seed(1)
    network = SegNet(SegNetConfig(2, widths=(4, 6), encoder_convs=(1, 1), decoder_convs=(1, 1))).eval()
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (6, 16, 24, 3), np.uint8)
    if truth == "right":
        network.classifier.bias.data[0] = 100.0
        labels = np.zeros((6, 16, 24), np.uint8)
    else:
        labels = np.zeros((6, 16, 24), np.uint8)
        labels[:, :, :12] = 1
    return network, LabelledSet(images, labels, tuple("abcdef"))


def test_head_learns_what_the_softmax_does_not_say(tmp_path: Path) -> None:
    network, data = noise_set("half")
    losses: list[float] = []
    head, record = fit_head(
        network, [HeadPart("all", data, 1.0, 0.0)], lambda image, rng: image,
        HeadConfig(pictures=16, steps=60, batch=4, lr=1e-2),
        tmp_path, lambda r: losses.append(r["loss"]) if r["kind"] == "step" else None,
    )  # fmt: skip
    assert np.mean(losses[-10:]) < np.mean(losses[:10])
    assert 0.2 < record["error_share"] < 0.8
    assert record["check"]["pictures"] == 2
    assert record["check"]["fused_auroc"] > record["check"]["mcp_auroc"]
    assert record["check"]["parts"]["all"]["fused_auroc"] == record["check"]["fused_auroc"]
    assert record["error_share_of_parts"] == {"all": record["error_share"]}
    logits, decoded = frozen_pass(network, torch.from_numpy(data.images))
    with torch.no_grad():
        signals = softmax_signals(logits)
        assert torch.isfinite(head.fuse(head(decoded, signals), signals.mcp_logit)).all()


@pytest.mark.parametrize(("share", "fewer"), [(0.0, False), (1.0, True)])
def test_pictures_of_a_wider_camera_show_fewer_rows(share: float, fewer: bool) -> None:
    """Rows in turns of two classes: of 15 edges between them 10 to 15 are seen, and 4 to 9 where it is wider."""
    network, data = noise_set("half")
    rows = np.repeat(np.repeat(np.arange(16, dtype=np.uint8)[:, None], 24, 1)[None], 6, 0)
    numbered = LabelledSet(data.images, rows % 2, data.stems)
    config = HeadConfig(pictures=12, aspect_share=share)
    drawn = collect(network, [HeadPart("all", numbered, 1.0, 0.0)], lambda i, r: i, config, lambda r: None)
    edges = (drawn.labels[~drawn.check].numpy()[:, 1:, 12] != drawn.labels[~drawn.check].numpy()[:, :-1, 12]).sum(1)
    assert (float(edges.mean()) < 9) is fewer


def test_windows_without_labelled_pixels_teach_nothing(tmp_path: Path) -> None:
    """Void but for one corner: most windows of a third of a picture hold no labelled pixel."""
    network, data = noise_set("half")
    labels = np.full_like(data.labels, IGNORE)
    labels[:, :6, :6] = data.labels[:, :6, :6]
    labels[:, :6, :3] = 0
    steps: list[dict[str, float]] = []
    head, record = fit_head(
        network, [HeadPart("all", LabelledSet(data.images, labels, data.stems), 1.0, 0.0)], lambda i, r: i,
        HeadConfig(pictures=8, steps=40, batch=1), tmp_path, lambda r: steps.append(r) if r["kind"] == "step" else None,
    )  # fmt: skip
    assert 0 < len(steps) < 40
    assert all(math.isfinite(each["loss"]) for each in steps)
    assert all(torch.isfinite(each).all() for each in head.state_dict().values())
    assert json.loads((tmp_path / "head.json").read_text())["loss"] == pytest.approx(record["loss"])


def test_labels_of_void_alone_are_refused(tmp_path: Path) -> None:
    network, data = noise_set("half")
    void = LabelledSet(data.images, np.full_like(data.labels, IGNORE), data.stems)
    with pytest.raises(InputError, match="too few errors"):
        fit_head(network, [HeadPart("all", void, 1.0, 0.0)], lambda i, r: i,
                 HeadConfig(pictures=8, steps=3, batch=2), tmp_path, lambda r: None)  # fmt: skip


def test_network_is_left_as_it_was(tmp_path: Path) -> None:
    network, data = noise_set("half")
    before = {name: value.clone() for name, value in network.state_dict().items()}
    config = HeadConfig(pictures=8, steps=3, batch=2)
    fit_head(network, [HeadPart("all", data, 1.0, 0.0)], lambda i, r: i, config, tmp_path, lambda r: None)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_too_few_errors_are_refused(tmp_path: Path) -> None:
    network, data = noise_set("right")
    with pytest.raises(InputError, match="too few errors"):
        fit_head(
            network, [HeadPart("all", data, 1.0, 0.0)], lambda i, r: i, HeadConfig(pictures=8, steps=3, batch=2),
            tmp_path, lambda r: None,
        )  # fmt: skip
    assert not (tmp_path / "head.json").exists()


def test_corruption_is_repeatable_and_changes_the_picture() -> None:
    image = np.random.default_rng(0).integers(0, 256, (36, 48, 3), np.uint8)
    a = corrupt_for_fitting(image, np.random.default_rng(3))
    b = corrupt_for_fitting(image, np.random.default_rng(3))
    assert (a == b).all()
    assert (a != image).any()


def test_a_source_needs_two_folders() -> None:
    assert parse_source("a:b").labels == Path("b")
    with pytest.raises(InputError, match="IMAGES:LABELS"):
        parse_source("only")
