# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Every system of the founding papers runs, and has a test by hand arithmetic or against a library: which ones."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from trustseg_lab.benchmark.catalogue import ROWS
from trustseg_lab.benchmark.registry import methods, studies

TESTS = Path(__file__).resolve().parents[2]

HERE = "trustseg_lab/benchmark"
METHODS, LEARNED, STUDIES, TABLES, FIGURES, PASSES = (
    f"{HERE}/test_{name}.py"
    for name in ("methods", "learned_methods", "studies", "study_tables", "readings_and_metrics", "passes")
)
OWN, EMENDATION, PROPAGATION, CAM, CLONE = (
    f"{HERE}/test_{name}.py" for name in ("own_trainings", "emendation", "propagation", "quality_cam", "clone")
)
FEW = f"{HERE}/few_labels/test_few_labels.py"
SOFTMAX, CONFIDENCE, BOOTSTRAP = (
    f"trustseg_lab/metrics/test_{name}.py" for name in ("softmax_signals", "confidence_metrics", "bootstrap")
)
BASELINES, TARGETS = "trustseg_lab/evaluation/test_baselines.py", "trustseg_lab/training/head/test_targets.py"

# Number of the catalogue -> (file below tests/unit, test).
PROVED: dict[int, tuple[tuple[str, str], ...]] = {
    1: ((SOFTMAX, "test_hand_arithmetic"), (BASELINES, "test_log_loss_and_mcp_by_hand")),
    2: ((BASELINES, "test_scores_of_several_passes_by_hand"),
        (FIGURES, "test_equal_passes_have_no_doubt_about_the_model")),
    3: ((BASELINES, "test_trust_score_by_hand"), (METHODS, "test_trust_score_is_the_ratio_of_nearest_distances")),
    4: ((TARGETS, "test_targets_of_a_right_and_of_a_wrong_pixel"),
        (METHODS, "test_every_head_learns_which_pixels_are_wrong")),
    5: ((TARGETS, "test_tcp_a_keeps_errors_below_its_bound_where_tcp_r_does_not"),),
    6: ((TARGETS, "test_losses_by_hand"), (TARGETS, "test_ranking_without_a_wrong_pixel_is_the_cross_entropy")),
    7: ((CLONE, "test_places_in_a_window_by_hand"),
        (CLONE, "test_without_teaching_the_clone_says_what_the_frozen_head_says")),
    8: ((OWN, "test_figures_of_a_head_agree_with_scikit_learn"),),
    9: ((METHODS, "test_no_temperature_beside_the_fitted_one_has_less_log_loss"),
        (METHODS, "test_platt_keeps_the_auroc"),
        (METHODS, "test_calibration_keeps_the_order_and_fits_the_share")),
    10: ((CONFIDENCE, "test_risk_coverage_agrees_with_the_definition"), (FIGURES, "test_generalised_risk_by_hand")),
    11: ((BASELINES, "test_dice_by_hand"), (PASSES, "test_odin_steps_towards_what_the_network_says"),
         (METHODS, "test_evidence_and_losses_by_hand")),
    12: ((SOFTMAX, "test_hand_arithmetic"), (BASELINES, "test_precision_and_recall_of_two_images_by_hand")),
    13: ((SOFTMAX, "test_hand_arithmetic"), (BASELINES, "test_scores_of_several_passes_by_hand")),
    14: ((BASELINES, "test_thresholds_by_hand"),),
    15: ((TARGETS, "test_targets_of_a_right_and_of_a_wrong_pixel"),
         (METHODS, "test_every_head_learns_which_pixels_are_wrong")),
    16: ((LEARNED, "test_a_layer_for_likely_errors_learns_from_them"),),
    17: ((METHODS, "test_fusion_takes_the_detail_where_the_mask_is_doubtful"),),
    18: ((BASELINES, "test_scores_of_several_passes_by_hand"), (FIGURES, "test_every_aggregation_by_hand")),
    19: ((METHODS, "test_evidence_and_losses_by_hand"), (LEARNED, "test_a_last_layer_that_is_learned_anew_segments")),
    20: ((METHODS, "test_class_figures_of_passes_by_hand"),),
    21: ((LEARNED, "test_what_is_known_of_regions_by_hand"),
         (LEARNED, "test_ridge_and_logistic_are_those_of_scikit_learn")),
    22: ((METHODS, "test_band_width_grows_with_a_soft_edge"),),
    23: ((STUDIES, "test_densities_apart_and_alike"),),
    24: ((METHODS, "test_evidence_and_losses_by_hand"), (LEARNED, "test_a_last_layer_that_is_learned_anew_segments")),
    25: ((LEARNED, "test_what_a_small_network_sees_by_hand"),
         (LEARNED, "test_a_small_network_tells_good_masks_from_bad")),
    26: ((PASSES, "test_geometry_is_undone_in_the_maps"), (PASSES, "test_light_by_hand")),
    27: ((PASSES, "test_weights_are_dropped_by_chance_and_come_back"), (FIGURES, "test_jackknife_by_its_definition")),
    28: ((TABLES, "test_the_comparison_ranks_scores_over_sets"), (FIGURES, "test_rankings_agree_with_scikit_learn")),
    29: ((METHODS, "test_co_occurrence_and_shape_by_hand"), (LEARNED, "test_texture_of_a_class_by_hand"),
         (METHODS, "test_image_models_rank_good_views_above_bad_ones")),
    30: ((TABLES, "test_the_comparison_ranks_scores_over_sets"), (BASELINES, "test_dice_by_hand"),
         (FIGURES, "test_regression_calibration_and_ranks_by_hand")),
    31: ((METHODS, "test_spoiled_masks_are_worse_and_hold_classes_only"),
         (LEARNED, "test_a_small_network_tells_good_masks_from_bad")),
    32: ((METHODS, "test_rare_qualities_weigh_more"), (FIGURES, "test_decisions_by_hand")),
    33: ((LEARNED, "test_a_small_network_draws_the_errors"), (LEARNED, "test_what_a_small_network_sees_by_hand")),
    34: ((METHODS, "test_every_head_learns_which_pixels_are_wrong"),),
    35: ((METHODS, "test_magnitude_and_direction_by_hand"), (LEARNED, "test_the_gate_lowers_the_whole_view")),
    36: ((METHODS, "test_prior_of_place_by_hand"),),
    37: ((EMENDATION, "test_gains_by_hand"), (EMENDATION, "test_shares_of_accepted_changes_by_hand")),
    38: ((METHODS, "test_co_occurrence_and_shape_by_hand"), (LEARNED, "test_texture_of_a_class_by_hand"),
         (METHODS, "test_image_models_rank_good_views_above_bad_ones")),
    39: ((STUDIES, "test_free_space_and_fleet_by_hand"), (TABLES, "test_free_space_of_the_views_that_are_kept")),
    40: ((METHODS, "test_reverse_accuracy_prefers_a_sound_mask"),),
    41: ((FIGURES, "test_cells_cover_the_view_and_tell_their_right_pixels"),
         (TABLES, "test_correcting_the_worst_cells")),
    42: ((OWN, "test_orders_by_hand"),),
    43: ((STUDIES, "test_conformal_threshold_by_hand"), (STUDIES, "test_losses_of_codes_by_hand")),
    44: ((FEW, "test_the_surer_network_labels_where_its_features_agree"), (FEW, "test_class_means_by_hand")),
    45: ((FEW, "test_losses_of_discriminators_by_hand"),),
    46: ((METHODS, "test_input_statistics_see_darkness_and_a_cast"),
         (TABLES, "test_the_image_alone_against_the_severity")),
    47: ((STUDIES, "test_longest_low_run"), (TABLES, "test_a_clip_is_scored_by_the_scores_of_its_frames")),
    48: ((LEARNED, "test_outliers_are_those_of_scikit_learn"),),
    49: ((TABLES, "test_the_comparison_ranks_scores_over_sets"),),
    50: ((FIGURES, "test_adjusted_iou_leaves_the_neighbours_part_out"),
         (METHODS, "test_metaseg_tells_segments_that_are_there")),
    51: ((TABLES, "test_is_the_dice_above_a_cut"), (LEARNED, "test_ridge_and_logistic_are_those_of_scikit_learn")),
    52: ((FIGURES, "test_decisions_by_hand"), (FIGURES, "test_decisions_agree_with_scikit_learn")),
    53: ((STUDIES, "test_boundaries_by_hand"), (TABLES, "test_boundaries_against_the_confidence_of_their_class")),
    54: ((TABLES, "test_how_segmentation_fails"), (TABLES, "test_errors_common_to_two_networks")),
    55: ((STUDIES, "test_selective_threshold_holds_the_bound_over_blocks"),),
    56: ((TABLES, "test_calibration_is_of_probabilities_alone"),),
    57: ((STUDIES, "test_pairs_of_equal_entropy_by_hand"),),
    58: ((TABLES, "test_schemes_are_told_beside_the_softmax"),),
    59: ((STUDIES, "test_digits_give_every_score_and_some_errors"),),
    60: ((METHODS, "test_input_statistics_see_darkness_and_a_cast"),),
    61: ((METHODS, "test_superpixels_part_the_view"), (METHODS, "test_band_width_grows_with_a_soft_edge")),
    62: ((FIGURES, "test_expected_pairwise_kl_is_the_mean_over_pairs"),
         (LEARNED, "test_ranks_of_four_doubts_are_added")),
    63: ((LEARNED, "test_the_combination_is_a_logistic_regression"),),
    64: ((METHODS, "test_co_occurrence_and_shape_by_hand"), (METHODS, "test_magnitude_and_direction_by_hand")),
    65: ((CAM, "test_gradients_of_a_mean_are_its_weights"), (CAM, "test_errors_where_it_speaks_against_by_hand")),
    66: ((TABLES, "test_correcting_the_worst_cells"), (TABLES, "test_screening_keeps_the_surest")),
    67: ((PROPAGATION, "test_reading_weighs_likeness_and_nearness_by_hand"), (PROPAGATION, "test_marks_by_hand")),
    68: ((STUDIES, "test_free_space_and_fleet_by_hand"), (TABLES, "test_areas_of_a_fleet_weighted_by_certainty")),
    69: ((FEW, "test_the_surest_share_of_each_class"),),
}  # fmt: skip


@cache
def names_in(file: str) -> set[str]:
    """Names of the tests in a file below tests/unit."""
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    return {each.name for each in tree.body if isinstance(each, ast.FunctionDef)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row.number))
def test_every_system_runs_and_is_proved(row) -> None:  # type: ignore[no-untyped-def]
    assert row.state == "runs"
    assert set(row.methods) <= methods().keys()
    assert set(row.studies) <= studies().keys()
    assert PROVED[row.number]
    for file, name in PROVED[row.number]:
        assert name in names_in(file), f"{file} has no {name}"


def test_nothing_is_proved_that_is_not_in_the_list() -> None:
    assert sorted(PROVED) == [row.number for row in ROWS] == list(range(1, 70))
