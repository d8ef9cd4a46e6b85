# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Bundles: hashes before parsing, files inside their folder, drafts refused, errors that say what to do."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import external_data_helper

from bundle_factory import make_tiny_bundle
from trustseg.bundle.loading import load_bundle, sha256_hex
from trustseg.errors import BundleError


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_bundle(tmp_path_factory.mktemp("bundle") / "engines" / "tiny", height=24, width=32)


@pytest.fixture
def path(original: Path, tmp_path: Path) -> Path:
    """A copy of the bundle and its calibration that a test may spoil."""
    shutil.copytree(original.parents[1], tmp_path / "tree")
    return tmp_path / "tree" / "engines" / "tiny"


def edit_card(path: Path, change: Any) -> None:
    card = json.loads((path / "card.json").read_text())
    change(card)
    (path / "card.json").write_text(json.dumps(card))


def test_loads_every_part(path: Path) -> None:
    bundle = load_bundle(path)
    assert bundle.card.size == (24, 32)
    assert bundle.card_sha256 == sha256_hex((path / "card.json").read_bytes())
    assert sha256_hex(bundle.model_bytes("fp32")) == bundle.card.models["fp32"].sha256
    assert bundle.golden_image_bytes().startswith(b"\x89PNG")
    assert len(bundle.calibration("fp32").table) == 256
    assert bundle.verdict("fp32").model_sha256 == bundle.card.models["fp32"].sha256
    assert bundle.calibration_path("fp32") == path.parents[1] / "calibration" / "tiny" / "fp32.json"


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("model.onnx", lambda b: b.model_bytes("fp32")),
        ("golden.png", lambda b: b.golden_image_bytes()),
        ("golden.npz", lambda b: b.golden_expected_bytes()),
        ("verdict.json", lambda b: b.verdict("fp32")),
        ("../../calibration/tiny/fp32.json", lambda b: b.calibration("fp32")),
    ],
)
def test_one_changed_bit_is_refused(path: Path, name: str, read: Any) -> None:
    data = bytearray((path / name).read_bytes())
    data[len(data) // 2] ^= 1
    (path / name).write_bytes(data)
    with pytest.raises(BundleError, match=r"has been altered, expected SHA-256"):
        read(load_bundle(path))


def test_hash_is_checked_before_parsing(path: Path) -> None:
    """Garbage of the right length in place of JSON must be called altered, not unreadable."""
    size = (path / "verdict.json").stat().st_size
    (path / "verdict.json").write_bytes(b"\xff" * size)
    with pytest.raises(BundleError, match="has been altered"):
        load_bundle(path).verdict("fp32")


def test_model_of_another_size_is_refused_unread(path: Path) -> None:
    with (path / "model.onnx").open("ab") as file:
        file.write(b"x")
    size = (path / "model.onnx").stat().st_size
    with pytest.raises(BundleError, match=f"expected {size - 1} bytes as in the card, got {size} bytes"):
        load_bundle(path).model_bytes("fp32")


def test_model_with_external_weights_is_refused(path: Path) -> None:
    """Hashes are right, but the weights would come from a file that nobody has checked."""
    model = onnx.load(path / "model.onnx")
    external_data_helper.convert_model_to_external_data(model, location="../../weights.bin", size_threshold=0)
    (path / "model.onnx").write_bytes(model.SerializeToString())
    data = (path / "model.onnx").read_bytes()
    edit_card(path, lambda card: card["models"]["fp32"].update(sha256=sha256_hex(data), size_bytes=len(data)))
    with pytest.raises(BundleError, match="refers to data outside itself"):
        load_bundle(path).model_bytes("fp32")


def test_missing_model(path: Path) -> None:
    (path / "model.onnx").unlink()
    with pytest.raises(BundleError, match=r"cannot read .*model\.onnx"):
        load_bundle(path).model_bytes("fp32")


@pytest.mark.parametrize("name", ["../outside.onnx", "/etc/hostname", "a/../../b", "c:\\x", "", "a//b"])
def test_names_that_leave_the_folder_are_refused(path: Path, name: str) -> None:
    edit_card(path, lambda card: card["models"]["fp32"].update(file=name))
    with pytest.raises(BundleError, match=r"models\.fp32\.file.*relative path"):
        load_bundle(path)


def test_link_out_of_the_folder_is_refused(path: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.onnx"
    (path / "model.onnx").rename(outside)
    (path / "model.onnx").symlink_to(outside)
    with pytest.raises(BundleError, match="leads out of"):
        load_bundle(path).model_bytes("fp32")


def test_linked_installation_is_the_folder_behind_the_links(path: Path, tmp_path: Path) -> None:
    """colcon's symlink install links each file: the bundle is where its card really lies."""
    installed = tmp_path / "install" / "tiny"
    installed.mkdir(parents=True)
    for file in path.iterdir():
        (installed / file.name).symlink_to(file)
    bundle = load_bundle(installed)
    assert bundle.path == path.resolve()
    assert bundle.model_bytes("fp32") == (path / "model.onnx").read_bytes()


def test_found_by_name(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUSTSEG_ENGINES", str(path.parent))
    assert load_bundle("tiny").path == path.resolve()
    with pytest.raises(BundleError, match=r"no bundle 'tinier'.*TRUSTSEG_ENGINES"):
        load_bundle("tinier")


@pytest.mark.parametrize("name", ["~nobody-of-that-name/x", "n" * 300])
def test_what_cannot_even_be_looked_for_is_one_line(name: str) -> None:
    with pytest.raises(BundleError, match=r"^bundle '.*' cannot be looked for, got \w+: .*; check the path"):
        load_bundle(name)


def test_calibration_folder_by_environment(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (path.parents[1] / "calibration").rename(tmp_path / "elsewhere")
    with pytest.raises(BundleError, match=r"calibration tiny/fp32\.json .* is missing"):
        load_bundle(path).calibration("fp32")
    monkeypatch.setenv("TRUSTSEG_CALIBRATION", str(tmp_path / "elsewhere"))
    assert load_bundle(path).calibration("fp32").precision == "fp32"


def test_folder_without_card(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"is not a bundle, expected card\.json"):
        load_bundle(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(schema_version=2), "schema_version"),
        (lambda c: c.update(surprise=1), "surprise"),
        (lambda c: c["classes"].reverse(), "class ids must be 0, 1, 2"),
        (lambda c: c["classes"][1].update(name="sky"), "class names must differ"),
        (lambda c: c["feature_names"].reverse(), "nonfinite_logits"),
        (lambda c: c["confidence_code"].update(min=0.0, max=0.0), "min must be below max"),
        (lambda c: c["models"]["fp32"].update(sha256="AB" * 32), "64 lower-case hexadecimal"),
        (lambda c: c["input"].update(width=0), "input.width"),
        (lambda c: c["input"].update(color_order="yuv"), "color_order"),
        (lambda c: c.pop("golden"), "golden"),
    ],
)
def test_invalid_card_names_the_field(path: Path, change: Any, message: str) -> None:
    edit_card(path, change)
    with pytest.raises(BundleError, match=message):
        load_bundle(path)


def test_card_that_is_not_json(path: Path) -> None:
    (path / "card.json").write_text("{")
    with pytest.raises(BundleError, match=r"card\.json is not valid"):
        load_bundle(path)


@pytest.mark.parametrize(("part", "empty"), [("verdict", None), ("calibration", {})])
def test_unfinished_bundle_is_only_a_draft(path: Path, part: str, empty: Any) -> None:
    edit_card(path, lambda card: card.update({part: empty}))
    with pytest.raises(BundleError, match=f"not finished.*got no {part}"):
        load_bundle(path)
    bundle = load_bundle(path, draft=True)
    with pytest.raises(BundleError, match="has no"):
        getattr(bundle, part)("fp32")


def test_unknown_precision(path: Path) -> None:
    with pytest.raises(BundleError, match="no model in precision 'int8', expected one of fp32"):
        load_bundle(path).model_bytes("int8")


def _rebind(path: Path, name: str, change: Any) -> None:
    """Change a JSON file and its hash in the card, as someone would who can write both."""
    file = path / "verdict.json" if name == "verdict" else path.parents[1] / "calibration" / "tiny" / "fp32.json"
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))
    digest = sha256_hex(file.read_bytes())
    edit_card(path, lambda c: (c["verdict"] if name == "verdict" else c["calibration"]["fp32"]).update(sha256=digest))


@pytest.mark.parametrize("name", ["verdict", "calibration"])
def test_part_of_another_model_is_refused(path: Path, name: str) -> None:
    _rebind(path, name, lambda c: c.update(model_sha256="0" * 64))
    with pytest.raises(BundleError, match="belongs to another model, expected model_sha256"):
        getattr(load_bundle(path), name)("fp32")


def test_calibration_of_another_precision_is_refused(path: Path) -> None:
    _rebind(path, "calibration", lambda c: c.update(precision="int8"))
    with pytest.raises(BundleError, match="another precision, expected fp32, got int8"):
        load_bundle(path).calibration("fp32")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["table"].__setitem__(10, 0.99), "must not fall"),
        (lambda c: c["table"].__setitem__(255, 1.5), "table.255"),
        (lambda c: c["table"].pop(), "256"),
    ],
)
def test_invalid_calibration_table(path: Path, change: Any, message: str) -> None:
    _rebind(path, "calibration", change)
    with pytest.raises(BundleError, match=message):
        load_bundle(path).calibration("fp32")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: v["features"].__setitem__(0, "no_such"), "features that the graph does not give.*no_such"),
        (lambda v: v["std"].__setitem__(0, 0.0), "std.0"),
        (lambda v: v["mean"].pop(), "mean and std must have 2 values"),
        (lambda v: v["layers"][0]["bias"].pop(), "weight must be"),
        (lambda v: v["layers"][0]["weight"][0].pop(), "weight must be"),
        (lambda v: v["layers"].append({"weight": [[1.0, 0.0]], "bias": [0.0], "activation": "identity"}), "2 values"),
        (lambda v: v["layers"][0].update(activation="gelu"), "activation"),
        (lambda v: v.update(recovery_threshold=0.9), "recovery_threshold must not be above"),
        (lambda v: v["ood_score"]["basis"][0].__setitem__(0, 2.0), "orthonormal"),
        (lambda v: v["ood_score"]["variance"].pop(), "one a row of basis"),
        (lambda v: v.update(failure_threshold=float("nan")), "failure_threshold"),
    ],
)
def test_invalid_verdict_model(path: Path, change: Any, message: str) -> None:
    _rebind(path, "verdict", change)
    with pytest.raises(BundleError, match=message):
        load_bundle(path).verdict("fp32")


NO_NUMBERS = (float("nan"), float("inf"), float("-inf"))
# What each figure may not be: beyond these a check is off, or a node never leaves failure.
OUT_OF_RANGE: dict[str, dict[str, tuple[float, ...]]] = {
    "card": {
        "low_confidence_threshold": (0.0, 1.0, -0.5, 2.0),
        "golden/tolerances/mask_agreement": (0.0, 0.5, 1.1, -1.0),
        "golden/tolerances/confidence_mean_abs": (255.0, 9.0, -1.0),
        "golden/tolerances/features_rel": (1e9, 1.0, -0.1),
        "confidence_code/min": (-1e9, 5.0),
        "confidence_code/max": (1e9, -1.0),
    },
    "calibration": {
        "low_confidence/share_max": (1.0, 0.0, -1.0, 2.0),
        "low_confidence/flat_share": (1.0, 0.0, -1.0),
        "low_confidence/corridor_share": (0.0, 1.5, -1.0),
        "scene_shift/start": (0.0, 1.0),
        "scene_shift/slope": (-1.0, 1e6),
    },
    "verdict": {
        "failure_threshold": (1.0, 0.0, -1.0),
        "recovery_threshold": (1.0, 0.0, -1.0),
        "quality_lower_offset": (-0.5, 2.0),
        "quality_lower_slope": (-0.1, 11.0),
        "one_class_share": (0.5, 1.1),
        "quality_lower_coverage": (0.0, 1.5),
        "clip": (0.0, -1.0, 1e6),
        "ood_score/limit": (0.0, -1.0, 1e9),
        "ood_score/residual_variance": (0.0, -1.0),
        "unknown/limit": (20.0, -20.5, 1e9),
        "unknown/hard_share": (0.0, 1.5),
        "unknown/scene_weight": (-1.0, 31.0),
    },
}
CASES = [
    (part, place, value)
    for part, places in OUT_OF_RANGE.items()
    for place, values in places.items()
    for value in (*values, *NO_NUMBERS)
]


@pytest.mark.parametrize(("part", "place", "value"), CASES)
def test_no_figure_switches_a_check_off(path: Path, part: str, place: str, value: float) -> None:
    def change(content: dict[str, Any]) -> None:
        content.setdefault("scene_shift", {"start": 0.7, "slope": 0.3})
        content.setdefault("low_confidence", {})
        if "unknown" in content:
            content["unknown"] = {"score": "luma_mean", "limit": 1.0, "share": "luma_std", "hard_share": 0.1}
        *folders, name = place.split("/")
        for folder in folders:
            content = content[folder]
        content[name] = value

    def alter(content: dict[str, Any]) -> None:
        keep = {"scene_shift", "low_confidence"} if part == "calibration" else set()
        known = set(content)
        change(content)
        for name in set(content) - known - keep:
            del content[name]

    if part == "card":
        edit_card(path, alter)
        with pytest.raises(BundleError, match=place.replace("/", r"\.")):
            load_bundle(path)
    else:
        _rebind(path, part, alter)
        with pytest.raises(BundleError, match=place.replace("/", r"\.")):
            getattr(load_bundle(path), part)("fp32")


def test_the_tolerances_of_a_precision_have_the_same_bounds(path: Path) -> None:
    own = {"file": "golden.npz", "sha256": "0" * 64, "tolerances": {"mask_agreement": 0.0}}
    edit_card(path, lambda c: c["models"]["fp32"].update(expected=own))
    with pytest.raises(BundleError, match=r"models\.fp32\.expected\.tolerances\.mask_agreement"):
        load_bundle(path)


def test_a_corridor_without_a_pixel_is_refused(path: Path) -> None:
    edit_card(path, lambda c: c.update(corridor={"polygon": [(0.5, 0.5), (0.5, 0.5), (0.5001, 0.5)]}))
    with pytest.raises(BundleError, match=r"polygon must cover at least 0\.01 of the image"):
        load_bundle(path)


def test_a_table_that_calls_no_pixel_doubtful_is_refused(path: Path) -> None:
    _rebind(path, "calibration", lambda c: c.update(table=[0.5] * 255 + [0.9]))
    with pytest.raises(BundleError, match="calls no pixel doubtful, expected a table that begins below"):
        load_bundle(path).calibration("fp32")


@pytest.mark.parametrize("bias", [-50.0, 50.0])
def test_a_verdict_model_that_always_says_the_same_is_refused(path: Path, bias: float) -> None:
    def constant(content: dict[str, Any]) -> None:
        last = content["layers"][-1]
        last["bias"][1] = bias

    _rebind(path, "verdict", constant)
    with pytest.raises(BundleError, match="whatever the features are"):
        load_bundle(path).verdict("fp32")


def test_defaults_are_each_files_own(path: Path) -> None:
    """One bundle's limits, altered in memory, must not become another's."""
    first, second = load_bundle(path).calibration("fp32"), load_bundle(path).calibration("fp32")
    assert first.low_confidence == second.low_confidence
    assert first.low_confidence is not second.low_confidence


def test_confidence_code_inverse(path: Path) -> None:
    """p = 1 / (1 + exp(-(min + code (max - min) / 255))), by hand at both ends and at logit 0."""
    p = load_bundle(path).card.confidence_code.probabilities()
    assert p[0] == pytest.approx(0.0474258732, abs=1e-7)  # 1 / (1 + e^3)
    assert p[255] == pytest.approx(0.9998766, abs=1e-6)  # 1 / (1 + e^-9)
    assert p[64] == pytest.approx(0.5 + 0.25 * (12 * 64 / 255 - 3), abs=1e-4)  # logit 0.0118, slope 1/4 at 0
    assert (p[1:] > p[:-1]).all()
