# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The systems of the founding papers, numbered: what each is, where it comes from, and what of it runs here.

A row runs where it names methods or studies; one without says why it does not. `note` tells where the form here
differs from the published one. Published figures are per cent unless said otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

CONFIDNET = "ConfidNet (2019/2021)"
TRUSTING = "Trusting segmentation networks"
SURVEY = "Segmentation quality, a survey"
ERRORS = "Erroneous pixel prediction"
OWN = "beside the papers"


@dataclass(frozen=True)
class Row:
    """One system.

    Attributes:
        number, name: of the list. paper: the founding paper that names it. level: what is scored.
        methods, studies: what runs it; none: `why` says why not.
        note: how the form here differs. published: figures of the source.
    """

    number: int
    name: str
    paper: str
    level: str
    methods: tuple[str, ...] = ()
    studies: tuple[str, ...] = ()
    why: str = ""
    note: str = ""
    published: str = ""

    @property
    def runs(self) -> bool:
        """Whether anything runs it."""
        return bool(self.methods or self.studies)

    @property
    def state(self) -> str:
        """Either `runs`, or `not yet:` and why."""
        return "runs" if self.runs else f"not yet: {self.why}"


ROWS: tuple[Row, ...] = (
    Row(1, "maximum class probability", CONFIDNET, "pixel", ("mcp",),
        published="FPR95 63.87, AUPR-Error 48.53, AUROC 84.42"),
    Row(2, "MC dropout", CONFIDNET, "pixel", ("dropout_entropy", "dropout_mutual_information", "dropout_probability"),
        note="the released weights were trained without dropout",
        published="FPR95 62.95, AUPR-Error 49.35, AUROC 84.58"),
    Row(3, "Trust Score", CONFIDNET, "pixel", ("trust_score", "trust_score_filtered"),
        published="AUPR-Error 20.42, AUROC 68.33"),
    Row(4, "ConfidNet, TCP", CONFIDNET, "pixel", ("fused", "head_tcp_mse"),
        published="FPR95 61.52, AUPR-Error 50.51, AUROC 85.02"),
    Row(5, "TCP ratio, TCP_a", CONFIDNET, "pixel", ("head_tcp_r_mse", "head_tcp_a_bce"),
        published="TCP^r AUPR-Error 51.35"),
    Row(6, "losses of the head", CONFIDNET, "pixel", ("head_tcp_bce", "head_tcp_focal", "head_tcp_ranking",
        "head_right_mse",
        "head_right_focal"), published="BCE on right/wrong AUPR-Error 48.96"),
    Row(7, "fine-tuned clone of the encoder", CONFIDNET, "pixel", ("clone_tcp_mse", "clone_distilled"),
        note="some ninety steps on windows; beside head_tcp_mse, the frozen form",
        published="about +2 AUPR over the frozen form"),
    Row(8, "head trained on val", CONFIDNET, "set", studies=("head_splits",),
        note="of a small network that is taught for it",
        published="50.28 / 50.15"),
    Row(9, "temperature, Platt, isotonic", CONFIDNET, "pixel", ("temperature", "platt", "isotonic")),
    Row(10, "risk and coverage", CONFIDNET, "pixel, image", studies=("comparison",)),
    Row(11, "ensemble; ODIN; DeVries", CONFIDNET, "pixel", ("members_entropy", "members_probability", "odin",
        "head_hint"),
        note="DeVries' confidence with the network frozen"),
    Row(12, "entropy", TRUSTING, "pixel", ("entropy",), ("thresholds",)),
    Row(13, "margin, variation ratio", TRUSTING, "pixel", ("margin", "variation_ratio", "dropout_agreement",
        "tta_agreement")),
    Row(14, "dynamic thresholds", TRUSTING, "pixel", studies=("thresholds",)),
    Row(15, "error-prediction branch", ERRORS, "pixel", ("head_right_bce",), note="on the frozen network"),
    Row(16, "detail branch", ERRORS, "mask", ("detail_mask",), ("masks",),
        note="a last layer learned on likely errors"),
    Row(17, "error-weighted fusion", ERRORS, "mask", ("fusion_mask",), ("masks",), note="of the last layers",
        published="+0.74 mIoU Cityscapes, +0.13 ADE20K"),
    Row(18, "averages of dropout maps", SURVEY, "image", ("dropout_entropy", "dropout_mutual_information"),
        note="told as the score's mean over the view"),
    Row(19, "DEviS, evidential", SURVEY, "pixel, image, mask", ("devis", "devis_probability", "devis_filter",
        "devis_mask"),
        note="evidence learned in the last layer alone"),
    Row(20, "class-wise figures of samples", SURVEY, "class", ("tta_class_iou", "tta_class_area", "tta_class_dice",
        "tta_class_entropy", "dropout_class_iou", "members_class_iou", "class_fused")),
    Row(21, "region-wise uncertainty, linear fit", SURVEY, "image", ("region_ridge", "quality_refit")),
    Row(22, "width of the boundary band", SURVEY, "region", ("boundary_band",)),
    Row(23, "UCM, ESCE, HDice", SURVEY, "set", studies=("reliability",),
        note="in their style: no formulas in the source"),
    Row(24, "cross entropy against Dice loss", SURVEY, "mask", ("layer_ce_mask", "layer_dice_mask"), ("masks",),
        note="of the last layer alone"),
    Row(25, "quality CNN on mask and uncertainty", SURVEY, "image", ("quality_cnn", "quality_cnn_image"),
        published="R2 93.25, r 96.58"),
    Row(26, "test-time augmentation", SURVEY, "pixel, mask", ("tta_entropy", "tta_mutual_information",
        "tta_probability",
        "tta_mask", "flip_probability", "flip_epkl"), ("masks",)),
    Row(27, "MC drop-weights", SURVEY, "pixel", ("drop_weights_class_spread", "drop_weights_jackknife")),
    Row(28, "comparison of uncertainty's reliability", SURVEY, "set", studies=("comparison",)),
    Row(29, "mask features, logistic regression", SURVEY, "image", ("shape_logistic", "radiomics_logistic"),
        published="P .88 R .75 F1 .81 A .86 at Dice .67"),
    Row(30, "benchmark of failure detection", SURVEY, "set", ("feature_forest", "members_pairwise_dice",
        "tta_pairwise_dice"),
        ("comparison",), published="pairwise Dice of 5 networks best in nearly all"),
    Row(31, "IoU network of degraded masks", SURVEY, "image", ("degraded_cnn",),
        published="accuracy 88.27, specificity 91.54"),
    Row(32, "predicted mIoU, then a cut", SURVEY, "image", ("predicted_quality", "verdict", "balanced_cnn"),
        published="mIoU 93.21, failures 84.8"),
    Row(33, "QCResUNet", SURVEY, "image, pixel", ("error_map_net",)),
    Row(34, "introspection", SURVEY, "pixel", ("introspection",), note="reads the frozen decoder; no second decoder",
        published="+3.2 and +6.7 average precision"),
    Row(35, "image gate, then pixel detector", SURVEY, "image, pixel", ("gated_direction", "published",
        "magnitude_direction")),
    Row(36, "prior of place", SURVEY, "pixel", ("class_prior",), note="the finding is negative in the source"),
    Row(37, "SESV: verify a second segmentation", SURVEY, "mask", ("resegmented_mask", "sesv_mask"),
        ("masks", "verification"), note="the second segmentation adds to the frozen network's logits"),
    Row(38, "radiomics, LASSO", SURVEY, "image", ("radiomics_lasso",), published="MAE 5.47 of 100, rho .70"),
    Row(39, "quality gate before what follows", SURVEY, "set", studies=("downstream",)),
    Row(40, "reverse classification accuracy", SURVEY, "image", ("rca_best", "rca_mean"), published="MAE .14, 91 %",
        note="negative on roads"),
    Row(41, "local failure regions", SURVEY, "region", ("failing_cells",), ("correction",),
        published="10 times less time"),
    Row(42, "next frame to label", SURVEY, "set", studies=("next_frames",),
        note="a small network is taught anew for each order and count"),
    Row(43, "conformal control of missed errors", SURVEY, "pixel, set", studies=("conformal",),
        note="in the product: the node's `missed_errors`"),
    Row(44, "reliable pseudo labels", SURVEY, "set", studies=("few_labels",),
        note="small networks of its own, taught beforehand; labels of the surer of two, by class features"),
    Row(45, "ASE-Net", SURVEY, "set", studies=("few_labels",),
        note="small networks of its own, in its style: no formulas in the source, and no dynamic convolution"),
    Row(46, "quality of the input image", SURVEY, "image", ("input_quality",), ("input_quality",),
        published="R2 .78, kappa .67"),
    Row(47, "clip score", SURVEY, "clip", studies=("clips",), published="MAE .02"),
    Row(48, "one-class outlier model", SURVEY, "image", ("ood", "ood_refit", "embedding_mixture", "shape_outlier",
        "mask_mixture")),
    Row(49, "uncertainty against IoU", SURVEY, "set", studies=("comparison",),
        note="the finding is negative in the source"),
    Row(50, "MetaSeg", OWN, "region", ("metaseg_iou", "metaseg_hit", "segment_fused"),
        note="in the product: `~/segments`, from mask and confidence alone",
        published="AUROC 87.71, R2 81.48 (2018)"),
    Row(51, "is the Dice above a cut", SURVEY, "image, class", ("dice_over_0.8", "dice_over_0.67", "dice_over_0.6",
        "class_dice_over_0.8", "class_dice_over_0.67", "class_dice_over_0.6"), ("dice_cuts",)),
    Row(52, "precision, recall, F1, specificity, kappa", SURVEY, "image", ("verdict", "quality_refit"), ("dice_cuts",)),
    Row(53, "boundary quality", SURVEY, "set", studies=("boundary_quality",)),
    Row(54, "3 architectures x 3 sets; how segmentation fails", TRUSTING, "set",
        studies=("failures", "common_failures"), note="one command with several --bundle and --set"),
    Row(55, "selective risk", CONFIDNET, "set", studies=("selective_risk",),
        note="in the product: the node's `selective_risk`"),
    Row(56, "calibration on known and unfamiliar data", CONFIDNET, "set", ("temperature",), ("calibration",)),
    Row(57, "pixels of equal entropy", CONFIDNET, "set", studies=("equal_entropy",)),
    Row(58, "tables of learning schemes", CONFIDNET, "set", ("head_tcp_mse", "head_right_bce"), ("head_schemes",),
        note="on the frozen network"),
    Row(59, "classification protocol", CONFIDNET, "set", studies=("digits",), note="scikit-learn's digits"),
    Row(60, "colour cast, enhancement, compression", CONFIDNET, "image", ("input_quality",), ("input_quality",),
        note="the colour cast is one of the image's figures; no condition changes it"),
    Row(61, "superpixels, level sets", CONFIDNET, "region", ("superpixel_fused", "boundary_band"),
        note="watershed superpixels"),
    Row(62, "measures combined; EPKL; aleatoric and epistemic", SURVEY, "pixel", ("tta_ranks", "tta_epkl",
        "tta_expected_entropy", "tta_class_spread", "tta_spread", "dropout_ranks", "members_epkl")),
    Row(63, "introspection with uncertainty", SURVEY, "pixel", ("combined",), published="up to +3.7 average precision"),
    Row(64, "co-occurrence, magnitude and direction", SURVEY, "image, pixel", ("glcm_outlier", "glcm_order",
        "magnitude_direction", "feature_norm"), note="semantic shift: give images with unknown objects as a --set"),
    Row(65, "what the quality predictor sees", SURVEY, "pixel, set", ("quality_cam",), ("quality_features",),
        note="principal components in place of UMAP; pictures in report.html"),
    Row(66, "simulated work-flows", SURVEY, "set", studies=("correction", "screening")),
    Row(67, "mask propagation", SURVEY, "set", studies=("propagation",),
        note="the memory's keys are features of the network that is judged; nothing is learned"),
    Row(68, "statistics over a fleet", SURVEY, "set", studies=("fleet",)),
    Row(69, "ConfidNet for self-training", CONFIDNET, "set", studies=("self_training",),
        note="small networks of its own, taught beforehand; adaptation to another place, no multi-task learning"),
)  # fmt: skip
