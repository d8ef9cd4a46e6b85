# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Methods on views made by hand: what each computes, and that what learns tells right from wrong."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from scipy.special import digamma
from sklearn.metrics import roc_auc_score

from benchmark_views import CLASSES, VOID, logits_of, ranked, street, view
from trustseg_lab.benchmark.method import FitRows, Method, Unfit
from trustseg_lab.benchmark.methods import several_passes
from trustseg_lab.benchmark.methods.calibrated import Isotonic, Platt, Temperature
from trustseg_lab.benchmark.methods.feature_space import ClassPrior, TrustScore, densest, magnitude_direction
from trustseg_lab.benchmark.methods.image_models import METHODS as IMAGE_METHODS
from trustseg_lab.benchmark.methods.last_layer import certainty, dice_loss, evidence, evidential_loss, fused_mask
from trustseg_lab.benchmark.methods.networks import density_weight, spoil
from trustseg_lab.benchmark.methods.pixel_heads import METHODS as HEADS
from trustseg_lab.benchmark.methods.pixel_heads import hint_loss
from trustseg_lab.benchmark.methods.references import ReverseAccuracy
from trustseg_lab.benchmark.methods.regions import BoundaryBand, MetaSeg, band_width, superpixels
from trustseg_lab.benchmark.reading import Level
from trustseg_lab.benchmark.registry import methods
from trustseg_lab.benchmark.rows.image_descriptors import co_occurrence, input_statistics, shape_metrics
from trustseg_lab.benchmark.rows.pixel_rows import pixel_rows, split_rows
from trustseg_lab.benchmark.sample import Sample


@pytest.fixture(scope="module")
def rows() -> FitRows:
    views = [street(i, trouble=0.0 if i % 2 else 0.2 + 0.7 * (i % 5) / 4) for i in range(40)]
    return FitRows(views, 0, CLASSES)


@pytest.mark.parametrize("head", HEADS[:-1], ids=lambda each: each.name)
@pytest.mark.slow
def test_every_head_learns_which_pixels_are_wrong(head: Method, rows: FitRows) -> None:
    fitted = head.fit(rows)
    told = fitted.read(street(101, trouble=0.3))
    assert told.values.min() >= 0.0
    assert told.values.max() <= 1.0
    assert ranked(fitted, street(101, trouble=0.3)) > 0.8


@pytest.mark.parametrize("make", [Platt, Isotonic])
def test_calibration_keeps_the_order_and_fits_the_share(make: Callable[[], Method], rows: FitRows) -> None:
    fitted = make().fit(rows)
    sample = street(101, trouble=0.3)
    values = fitted.read(sample).values
    order = np.argsort(sample.fused.ravel(), kind="stable")
    assert (np.diff(values.ravel()[order]) >= -1e-5).all()
    known = np.concatenate([each.right.ravel() for each in rows.samples])
    told = np.concatenate([fitted.read(each).values.ravel() for each in rows.samples])
    assert told.mean() == pytest.approx(known.mean(), abs=0.06)


def test_no_temperature_beside_the_fitted_one_has_less_log_loss(rows: FitRows) -> None:
    _, logits, truth = split_rows(rows.stacked(pixel_rows), rows.classes)

    def log_loss(temperature: float) -> float:
        scaled = logits.astype(np.float64) / temperature
        chosen = scaled[np.arange(len(truth)), truth.astype(int)]
        return float((np.log(np.exp(scaled).sum(axis=1)) - chosen).mean())

    fitted = Temperature().fit(rows).temperature
    assert log_loss(fitted) < min(log_loss(0.9 * fitted), log_loss(1.1 * fitted))


def test_platt_keeps_the_auroc(rows: FitRows) -> None:
    sample = street(7, trouble=0.4)
    before = roc_auc_score(sample.right.ravel(), sample.fused.ravel())
    # Float32 near 0 and 1 may join two codes: the order stays.
    assert ranked(Platt().fit(rows), sample) == pytest.approx(before, abs=1e-4)


@pytest.mark.parametrize("method", IMAGE_METHODS, ids=lambda each: each.name)
def test_image_models_rank_good_views_above_bad_ones(method: Method, rows: FitRows) -> None:
    fitted = method.fit(rows)
    good = [float(np.nanmean(fitted.read(street(200 + i)).values)) for i in range(6)]
    bad = [float(np.nanmean(fitted.read(street(300 + i, trouble=0.85)).values)) for i in range(6)]
    auroc = roc_auc_score([1] * 6 + [0] * 6, good + bad)
    assert auroc > 0.9, (good, bad)


def test_what_learns_failure_refuses_one_kind_only() -> None:
    only_good = FitRows([street(i) for i in range(8)], 0, CLASSES)
    logistic = next(each for each in IMAGE_METHODS if each.name == "shape_logistic")
    with pytest.raises(Unfit, match="no view failed"):
        logistic.fit(only_good)


def test_metaseg_tells_segments_that_are_there(rows: FitRows) -> None:
    from trustseg_lab.benchmark.rows.region_truth import components, segment_iou

    fitted = MetaSeg("m", regress=True).fit(rows)
    sample = street(150, trouble=0.25)
    told = fitted.read(sample)
    truth = segment_iou(components(sample.labels), sample)
    assert told.level is Level.REGION
    assert np.corrcoef(told.values, truth)[0, 1] > 0.5


def test_trust_score_is_the_ratio_of_nearest_distances(rows: FitRows) -> None:
    fitted = TrustScore("t").fit(rows)
    sample = street(55, trouble=0.3)
    found = fitted.read(sample).values
    pixels = fitted.pixels
    place = sample.decoded[0, 0][None]
    distance = [float(cdist(place, each).min()) for each in pixels if each is not None]
    own = int(sample.labels[0, 0])
    other = min(each for klass, each in enumerate(distance) if klass != own)
    assert found[0, 0] == pytest.approx(other / (other + distance[own]), abs=1e-3)


def test_the_densest_points_are_kept() -> None:
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal(0, 0.1, (50, 2)), [[9.0, 9.0]]]).astype(np.float32)
    kept = densest(points, 0.9)
    assert len(kept) == 45
    assert np.abs(kept).max() < 1.0


def test_magnitude_and_direction_by_hand() -> None:
    features = np.zeros((2, 1, 2), np.float16)
    features[:, 0, 0], features[:, 0, 1] = (3.0, 4.0), (4.0, -3.0)
    sample = view(logits_of(np.array([[0, 0]])), np.zeros((1, 2), np.uint8), decoded=features)
    with pytest.raises(Unfit):
        magnitude_direction(sample)
    sample.classifier = np.array([[3.0, 4.0], [0.0, 1.0], [1.0, 0.0]], np.float32)
    # Both norms are 5, as is their median: a factor of one half; the angles are 0 and 90 degrees.
    assert magnitude_direction(sample)[0].tolist() == pytest.approx([0.75, 0.5])


def test_class_figures_of_passes_by_hand() -> None:
    masks = np.array([[[0, 0, 1, 1]], [[0, 1, 1, 1]]], np.uint8)
    labels = masks[0]
    iou = several_passes.samples_iou(masks, labels, 3)
    assert iou[:2].tolist() == pytest.approx([1 / 2, 2 / 3])
    assert np.isnan(iou[2])
    dice = several_passes.class_pairwise_dice(masks, labels, 3)
    assert dice[:2].tolist() == pytest.approx([2 * 1 / 3, 2 * 2 / 5])
    steady = several_passes.area_steadiness(masks, labels, 3)
    assert steady[:2].tolist() == pytest.approx([1 / (1 + 0.5 / 1.5), 1 / (1 + 0.5 / 2.5)])
    mean = several_passes.class_mean(np.array([[0.1, 0.3, 0.5, 0.7]], np.float32), labels, 3)
    assert mean[:2].tolist() == pytest.approx([0.2, 0.6])


def test_co_occurrence_and_shape_by_hand() -> None:
    labels = np.array([[0, 0], [1, 1]], np.uint8)
    # Four pairs: 0-0 and 1-1 to the right, 0-1 twice below.
    assert co_occurrence(labels, 2).tolist() == [[0.25, 0.25], [0.25, 0.25]]
    mask = np.zeros((8, 10), np.int64)
    mask[2:6, 3:7] = 2
    mask[0, 0] = 2
    found = shape_metrics(view(logits_of(mask), mask.astype(np.uint8))).reshape(3, 9)[2]
    assert found[0] == pytest.approx(17 / 80)
    assert found[1] == 2
    assert found[2] == pytest.approx(16 / 17)


def test_input_statistics_see_darkness_and_a_cast() -> None:
    flat = np.full((16, 16, 3), 200, np.uint8)
    cast = flat.copy()
    cast[..., 2] = 50
    told = [input_statistics(view(logits_of(np.zeros((16, 16), np.int64)), np.zeros((16, 16), np.uint8), image=each))
            for each in (flat, flat // 4, cast)]  # fmt: skip
    assert told[1][2] < told[0][2]
    assert told[0][10] == pytest.approx(0.0, abs=1e-6)
    assert told[2][10] == pytest.approx(np.log(51 / 201), abs=1e-5)


def test_band_width_grows_with_a_soft_edge() -> None:
    def edge(slope: float) -> Sample:
        x = np.tile((np.arange(32) - 15.5) * slope, (16, 1)).astype(np.float32)
        return view(np.stack([-x, x]), (x > 0).astype(np.uint8))

    sharp, soft = (float(np.nanmean(band_width(edge(each)))) for each in (2.0, 0.1))
    assert soft > sharp + 3
    # p falls from .75 to .25 over a logit difference of 2 ln 3; the logits differ by 2 slope a pixel.
    assert soft == pytest.approx(2 * np.log(3) / 0.2, abs=2.5)
    assert BoundaryBand().read(edge(0.1)).values.mean() < BoundaryBand().read(edge(2.0)).values.mean()


def test_superpixels_part_the_view() -> None:
    image = np.zeros((48, 48, 3), np.uint8)
    image[:, 24:] = 255
    sample = view(logits_of(np.zeros((48, 48), np.int64)), np.zeros((48, 48), np.uint8), image=image)
    found = superpixels(sample)
    assert found.count == 16
    sides = [set(np.flatnonzero((found.ids == each).any(axis=0)) // 24) for each in range(found.count)]
    # Apart from the line between two, none lies on both sides of the edge.
    assert sum(len(each) == 2 for each in sides) == 0


def test_reverse_accuracy_prefers_a_sound_mask(rows: FitRows) -> None:
    fitted = ReverseAccuracy("r", best=True).fit(rows)
    assert float(fitted.read(street(71)).values) > float(fitted.read(street(71, trouble=0.9)).values)


def test_prior_of_place_by_hand() -> None:
    truth = np.zeros((18, 24), np.uint8)
    truth[9:] = 1
    views = [view(logits_of(truth.astype(np.int64)), truth, index=i) for i in range(3)]
    prior = ClassPrior().fit(FitRows(views, 0, 3))
    told = prior.read(view(logits_of(np.zeros((18, 24), np.int64)), truth)).values
    assert told[0, 0] == pytest.approx(1.001 / 1.003, abs=1e-4)
    assert told[17, 0] == pytest.approx(0.001 / 1.003, abs=1e-4)


def test_evidence_and_losses_by_hand() -> None:
    outputs = np.array([[[0.0]], [[2.0]]], np.float32)
    alpha = 1 + np.log1p(np.exp([0.0, 2.0]))
    assert evidence(outputs)[:, 0, 0].tolist() == pytest.approx(alpha.tolist(), rel=1e-5)
    assert float(certainty(outputs)[0, 0]) == pytest.approx(1 - 2 / alpha.sum(), rel=1e-5)
    rows_of = torch.tensor([[0.0, 2.0]])
    right = float(evidential_loss(rows_of, torch.tensor([1])))
    wrong = float(evidential_loss(rows_of, torch.tensor([0])))
    assert wrong > right
    expected = digamma(alpha.sum()) - digamma(alpha[1])
    assert right > expected  # the penalties come on top
    logits = torch.tensor([[20.0, 0.0], [0.0, 20.0]])
    assert float(dice_loss(logits, torch.tensor([0, 1]))) == pytest.approx(0.0, abs=1e-6)
    assert float(dice_loss(logits, torch.tensor([1, 0]))) == pytest.approx(1.0, abs=1e-6)
    # c = 1/2, p = 1/4: -ln(1/8 + 1/2) - weight ln(1/2); the hints cost more than the budget, so the weight is .5.
    hint = float(hint_loss(torch.zeros(1), torch.tensor([0.25])))
    assert hint == pytest.approx(-np.log(0.625) + 0.5 * np.log(2), rel=1e-5)


def test_fusion_takes_the_detail_where_the_mask_is_doubtful() -> None:
    logits = np.array([[[2.0, 0.6]], [[0.0, 0.5]]], np.float32)
    sample = view(logits, np.array([[0, 1]], np.uint8), codes=np.array([[255, 0]], np.uint8))
    detail = np.array([[[0.0, 0.0]], [[9.0, 9.0]]], np.float32)
    assert fused_mask(detail, sample).values.tolist() == [[0.0, 1.0]]


def test_spoiled_masks_are_worse_and_hold_classes_only() -> None:
    truth = np.zeros((60, 80), np.uint8)
    truth[30:] = 1
    truth[:4] = VOID
    made = [spoil(truth, 3, np.random.default_rng(seed)) for seed in range(12)]
    assert max(int(each.max()) for each in made) < 3
    same = [float((each == truth)[4:].mean()) for each in made]
    assert min(same) < 0.8 < max(same)


def test_rare_qualities_weigh_more() -> None:
    weight = density_weight(np.array([0.9, 0.9, 0.9, 0.1]))
    assert weight.tolist() == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2.0])


def test_names_are_unique_and_needs_are_known() -> None:
    known = {"fit", "flip", "tta", "dropout", "drop_weights", "members", "odin", "shipped", "classifier", "network"}
    for name, method in methods().items():
        assert method.name == name
        assert method.needs <= known
