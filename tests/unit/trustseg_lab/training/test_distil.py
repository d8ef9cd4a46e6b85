# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Distillation: soft labels follow the image, their loss by hand, and a student that learns what no label says."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the training extra (torch) is not installed")
torch.set_num_threads(1)  # maps this small: a second thread only waits

from tiny_training import CLASSES, tiny_config  # noqa: E402
from trustseg.errors import InputError  # noqa: E402
from trustseg_lab.data.class_list import ClassList  # noqa: E402
from trustseg_lab.training.augment import augment, scale_and_crop, warp_soft  # noqa: E402
from trustseg_lab.training.config import AugmentSection, TrainConfig  # noqa: E402
from trustseg_lab.training.data import IGNORE  # noqa: E402
from trustseg_lab.training.distil import distillation_loss, soft_labels  # noqa: E402
from trustseg_lab.training.train import train, window  # noqa: E402


def test_soft_labels_move_half_as_far_as_the_image() -> None:
    """Six classes are warped in two parts: every one of them moves."""
    soft = np.zeros((8, 8, 6), np.uint8)
    for number in range(6):
        soft[3, 2, number] = 40 * (number + 1)
    moved = warp_soft(soft, (1.0, 1.0), (4.0, -2.0))
    expected = np.zeros_like(soft)
    expected[2, 4] = soft[3, 2]
    np.testing.assert_array_equal(moved, expected)


@pytest.mark.parametrize("aspect", [1.0, 2.4])
@pytest.mark.parametrize("scale", [0.6, 1.0, 1.7])
def test_soft_labels_stay_on_the_labels_whatever_the_zoom(scale: float, aspect: float) -> None:
    """Two halves with an edge: at the labels' own places at most the pixels beside it differ."""
    label = np.zeros((60, 80), np.uint8)
    label[:, 34:] = 1
    soft = (np.eye(2, dtype=np.uint8)[label[::2, ::2]] * 255).astype(np.uint8)
    image = np.zeros((60, 80, 3), np.uint8)
    for seed in range(5):
        _, moved, warped = scale_and_crop((image, label, soft), scale, np.random.default_rng(seed), aspect)
        assert warped is not None
        here = moved[::2, ::2]
        known = (here != IGNORE) & (warped.sum(axis=2) > 250)
        assert known.mean() > 0.3
        assert ((warped.argmax(axis=2) != here) & known).sum() <= known.shape[0]


def test_a_wider_camera_is_zoomed_upwards_alone() -> None:
    """Columns stay where they are; each row of the middle stands where twice its distance to the cut was."""
    label = np.repeat(np.arange(60, dtype=np.uint8)[:, None], 80, 1)
    image = np.repeat(label[..., None], 3, 2)
    columns = np.repeat(np.arange(80, dtype=np.uint8)[None], 60, 0)
    shown, ids, _ = scale_and_crop((image, label, None), 1.0, np.random.default_rng(3), 2.0)
    _, across, _ = scale_and_crop((image, columns, None), 1.0, np.random.default_rng(3), 2.0)
    np.testing.assert_array_equal(across, columns)
    assert (ids != IGNORE).all()
    assert np.ptp(ids.astype(int)) in (29, 30)  # half of the height is left
    np.testing.assert_allclose(shown[..., 0].astype(float), ids, atol=1.0)


def test_wider_cameras_are_drawn_only_where_they_are_wanted() -> None:
    calm = AugmentSection(
        scale=(1.0, 1.0), flip=0, brightness=0, contrast=0, saturation=0, hue=0, gamma=0, blur=0, noise=0
    )
    image = np.random.default_rng(1).integers(0, 256, (48, 64, 3)).astype(np.uint8)
    label = np.repeat(np.arange(48, dtype=np.uint8)[:, None], 64, 1)
    for seed in range(5):
        np.testing.assert_array_equal(augment((image, label, None), calm, np.random.default_rng(seed))[1], label)
    wide = calm.model_copy(update={"aspect_share": 1.0})
    heights = [
        np.ptp(augment((image, label, None), wide, np.random.default_rng(seed))[1].astype(int)) for seed in range(5)
    ]
    assert max(heights) < 47
    assert min(heights) >= 47 / 2.6 - 1


def test_soft_labels_are_mirrored_with_the_image() -> None:
    config = AugmentSection(
        scale=(1.0, 1.0), flip=1.0, brightness=0, contrast=0, saturation=0, hue=0, gamma=0, blur=0, noise=0
    )
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (8, 12, 3)).astype(np.uint8)
    label = rng.integers(0, 3, (8, 12)).astype(np.uint8)
    soft = rng.integers(0, 256, (4, 6, 3)).astype(np.uint8)
    for given, got in zip((image, label, soft), augment((image, label, soft), config, rng), strict=True):
        np.testing.assert_array_equal(got, given[:, ::-1])


def test_conditions_change_the_image_and_nothing_else() -> None:
    calm = AugmentSection(
        scale=(1.0, 1.0), flip=0, brightness=0, contrast=0, saturation=0, hue=0, gamma=0, blur=0, noise=0
    )
    image = np.random.default_rng(1).integers(0, 256, (48, 64, 3)).astype(np.uint8)
    label = np.ones((48, 64), np.uint8)
    same, _, _ = augment((image, label, None), calm, np.random.default_rng(2))
    np.testing.assert_array_equal(same, image)
    config = calm.model_copy(update={"conditions": 1.0})
    changed, labels, none = augment((image, label, None), config, np.random.default_rng(2))
    assert (changed != image).mean() > 0.01
    np.testing.assert_array_equal(labels, label)
    assert none is None


def test_divergence_by_hand() -> None:
    """Teacher (3/5, 2/5), student (1/2, 1/2): 0.6 ln 1.2 + 0.4 ln 0.8; a place without a word is left out."""
    soft = torch.zeros((1, 1, 2, 2), dtype=torch.uint8)
    soft[0, 0, 0] = torch.tensor([153, 102])
    logits = torch.zeros((1, 2, 1, 2))
    logits[0, 0, 0, 1] = 9.0
    assert float(distillation_loss(logits, soft)) == pytest.approx(0.6 * math.log(1.2) + 0.4 * math.log(0.8), abs=1e-6)
    assert float(distillation_loss(logits, torch.zeros_like(soft))) == 0.0


def test_a_student_that_agrees_has_no_loss_at_any_resolution() -> None:
    soft = torch.full((1, 4, 4, 2), 0, dtype=torch.uint8)
    soft[..., 0], soft[..., 1] = 204, 51
    logits = torch.tensor([0.8, 0.2]).log().view(1, 2, 1, 1).expand(1, 2, 2, 2)
    assert float(distillation_loss(logits, soft)) == pytest.approx(0.0, abs=1e-6)


def test_windows_cut_the_soft_labels_at_the_same_place() -> None:
    rows = torch.arange(20, dtype=torch.uint8).view(1, 20, 1)
    labels = rows.expand(1, 20, 24)
    images = labels[..., None].expand(1, 20, 24, 3)
    soft = labels[:, ::2, ::2, None]
    for _ in range(10):
        _, cut, cut_soft = window((images, labels, soft), (8, 10))
        assert cut_soft is not None
        assert torch.equal(cut[:, ::2, ::2], cut_soft[..., 0])


@pytest.mark.slow
def test_a_student_learns_what_its_teacher_says(tmp_path: Path) -> None:
    """Nobody labels the spots any more: the student knows them from the teacher alone."""
    config = tiny_config(tmp_path, 16)
    train(config, CLASSES, tmp_path / "teacher", report=lambda _: None)
    for path in config.data.train.labels.iterdir():
        label = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert label is not None
        cv2.imwrite(str(path), np.where(label == 2, 9, label))
    alone = train(config, CLASSES, tmp_path / "alone", report=lambda _: None)
    section = {"teacher": str(tmp_path / "teacher" / "best.safetensors"), "weight": 20.0, "cache": str(tmp_path / "c")}
    taught = TrainConfig.model_validate({**config.model_dump(), "distil": section})
    reports: list[dict[str, object]] = []
    record = train(taught, CLASSES, tmp_path / "student", report=reports.append)
    assert [each["done"] for each in reports if each["kind"] == "teach"] == list(range(1, 17))
    assert alone["val"]["class_iou"][2] < 0.05 < 0.3 < record["val"]["class_iou"][2]
    reports.clear()
    short = taught.model_copy(update={"optim": taught.optim.model_copy(update={"epochs": 1})})
    train(short, CLASSES, tmp_path / "again", report=reports.append)
    assert not [each for each in reports if each["kind"] == "teach"]


def test_a_teacher_of_other_classes_is_refused(tmp_path: Path) -> None:
    train(tiny_config(tmp_path, 1), CLASSES, tmp_path / "teacher", report=lambda _: None)
    other = ClassList.model_validate(
        {"void": 9, "classes": [{"id": i, "name": name, "color": [i, i, i]} for i, name in enumerate("abc")]}
    )
    images = np.zeros((1, 40, 48, 3), np.uint8)
    with pytest.raises(InputError, match="the teacher's classes"):
        soft_labels(tmp_path / "teacher" / "best.safetensors", other, images)
    with pytest.raises(InputError, match="even height"):
        soft_labels(tmp_path / "teacher" / "best.safetensors", CLASSES, images[:, :39])
