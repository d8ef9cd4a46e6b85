# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg benchmark` on tiny bundles and painted scenes whose truth is known."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from bundle_factory import make_tiny_bundle, paint_scene, true_ids
from trustseg.backends import create_backend
from trustseg.bundle.loading import load_bundle
from trustseg.cli.app import main
from trustseg_lab.benchmark import registry
from trustseg_lab.benchmark.method import FitRows, Method
from trustseg_lab.benchmark.methods import last_layer, networks, pixel_heads
from trustseg_lab.benchmark.passes.runner import BundlePasses
from trustseg_lab.benchmark.reading import Level, Reading, Scale
from trustseg_lab.benchmark.sample import Sample
from trustseg_lab.metrics.softmax_signals import softmax_signals

HEIGHT, WIDTH, COUNT, VOID = 72, 96, 8, 11
# Several images share a fold, and conditions spoil some of the masks: what learns meets good and bad views.
QUICK = "mcp,entropy,fused,platt,verdict,predicted_quality,ood,region_ridge,tta_class_iou,metaseg_iou,43,57"


def write_images(root: Path, count: int, *, seed: int = 0) -> str:
    """Painted scenes in `root`, labels by nearest colour with a box that is wrong and a strip of void; the option."""
    (root / "images").mkdir(parents=True)
    (root / "labels").mkdir()
    for index in range(count):
        image = paint_scene(HEIGHT, WIDTH, seed=seed + index + 1)
        truth = true_ids(image)
        truth[10:20, 10:30] = 8
        truth[:2] = VOID
        cv2.imwrite(str(root / "images" / f"{index:02}.png"), image[..., ::-1])
        cv2.imwrite(str(root / "labels" / f"{index:02}.png"), truth)
    return f"{root / 'images'}:{root / 'labels'}:{VOID}"


@dataclass(frozen=True)
class Place:
    """Where images and bundles are."""

    root: Path
    data: str
    other: str

    def bundle(self, name: str = "tiny") -> str:
        return str(self.root / "engines" / name)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    root = tmp_path_factory.mktemp("benchmark")
    make_tiny_bundle(root / "engines" / "tiny")
    make_tiny_bundle(root / "engines" / "second", height=48, width=64)  # another size: members are brought together
    return Place(root, write_images(root / "data", COUNT), write_images(root / "other", 3, seed=100))


def run(*arguments: str) -> int:
    """Exit code of the command."""
    with pytest.raises(SystemExit) as ended:
        main(["benchmark", *arguments])
    return int(ended.value.code or 0)


def judged(place: Place, out: Path, *more: str, methods: str = QUICK) -> dict[str, Any]:
    """What benchmark.json holds of the tiny bundle."""
    arguments = ["--bundle", place.bundle(), "--out", str(out), "--backend", "onnxruntime", "--methods", methods]
    assert run(*arguments, "--bootstrap", "20", "--step", "1", *more) == 0
    found: dict[str, Any] = json.loads((out / "benchmark.json").read_text())
    return found


def test_figures_agree_with_exact_values(place: Place, tmp_path: Path) -> None:
    found = judged(place, tmp_path, "--data", place.data, "--set", f"other={place.other}")["bundles"]["tiny"]
    assert list(found["groups"]) == ["clean", "fitted", "held_out", "other"]
    assert [found["groups"][each]["views"] for each in found["groups"]] == [8, 24, 16, 3]
    bundle = load_bundle(place.bundle())
    engine = create_backend("onnxruntime", bundle, "fp32", 1, expose_logits=True)
    right, score = [], []
    for path in sorted(Path(place.data.split(":")[0]).iterdir()):
        truth = cv2.imread(str(path.parents[1] / "labels" / path.name), cv2.IMREAD_UNCHANGED)
        out = engine.infer(np.ascontiguousarray(cv2.imread(str(path))[..., ::-1]))
        right.append((out.labels == truth)[truth != VOID])
        score.append(softmax_signals(out.logits).mcp[truth != VOID])
    exact = roc_auc_score(np.concatenate(right), np.concatenate(score))
    row = found["pixel"]["clean"]["mcp"]
    assert row["auroc"] == pytest.approx(exact, abs=2e-3)  # logits are kept in half precision
    assert row["ece"] is not None
    assert found["pixel"]["clean"]["entropy"]["ece"] is None  # a rank is no probability
    assert set(found["pixel"]["clean"]["platt"]["difference"]["auroc"]) == {"low", "high"}
    # Every pixel score is an image score under every aggregation.
    for how in ("mean", "inside", "foreground", "worst_patch", "area_weighted"):
        assert f"mcp/{how}" in found["image"]["held_out"]
    cuts = found["image"]["fitted"]["verdict"]["cuts"]
    assert set(cuts) == {"q<0.5", "miou<0.4", "dice<=0.8", "dice<=0.67", "dice<=0.6"}
    assert found["region"]["clean"]["metaseg_iou"]["regions"] > 10
    assert found["class"]["clean"]["tta_class_iou"]["classes"] > 10
    assert set(found["studies"]) == {"conformal", "equal_entropy"}
    assert found["cost"]["tta_class_iou"]["passes"] == 7
    page = (tmp_path / "report.html").read_text()
    assert "Pixel scores of tiny" in page
    assert "script-src 'sha256-" in page


def test_a_second_run_takes_the_passes_of_the_first(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = judged(place, tmp_path, "--data", place.data, "--limit", "3", methods="mcp,flip_epkl,verdict")

    def refuse(*_: Any) -> None:
        raise AssertionError("a pass was made again")

    monkeypatch.setattr(BundlePasses, "_run_engine", refuse)
    monkeypatch.setattr(BundlePasses, "_run", refuse)
    more = ("--data", place.data, "--limit", "3", "--overwrite")
    again = judged(place, tmp_path, *more, methods="mcp,flip_epkl,verdict")
    for level in ("pixel", "image"):
        assert again["bundles"]["tiny"][level] == first["bundles"]["tiny"][level]


def test_a_damaged_pass_is_made_again(place: Place, tmp_path: Path) -> None:
    first = judged(place, tmp_path, "--data", place.data, "--limit", "2", methods="mcp")
    for kept in (tmp_path / "passes").iterdir():
        kept.write_bytes(kept.read_bytes()[:100])
    again = judged(place, tmp_path, "--data", place.data, "--limit", "2", "--overwrite", methods="mcp")
    assert again["bundles"]["tiny"]["pixel"] == first["bundles"]["tiny"]["pixel"]


def test_the_list_has_every_system(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--list", "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["number"] for row in rows] == list(range(1, 70))
    assert all(row["state"] == "runs" or row["state"].startswith("not yet: ") for row in rows)
    assert {"number", "name", "paper", "level", "needs", "state"} <= rows[0].keys()
    assert run("--list") == 0
    assert "of 69 run" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "line"),
    [
        (["--methods", "mcpp"], "metaseg_iou"),
        (["--judge", "clean,nights"], "clean, fitted, held_out"),
        (["--fit-kinds", "fogg"], "overexposure"),
        (["--set", "clean=a:b"], "NAME=IMAGES:LABELS"),
        (["--without", "flips"], "drop_weights"),
    ],
)
def test_wrong_names_list_the_right_ones(
    more: list[str], line: str, place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--bundle", place.bundle(), "--data", place.data, "--out", str(tmp_path / "out"), *more]
    assert run(*arguments) == 2
    told = capsys.readouterr().err
    assert line in told
    assert "Traceback" not in told
    assert not (tmp_path / "out").exists()


def test_results_are_not_replaced_unasked(place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "benchmark.json").write_text("{}")
    assert run("--bundle", place.bundle(), "--data", place.data, "--out", str(tmp_path)) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert (tmp_path / "benchmark.json").read_text() == "{}"


def test_what_cannot_run_says_why_and_the_table_stands(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = "mcp,members_epkl,dropout_entropy,platt,shape_logistic,verdict"
    found = judged(place, tmp_path, "--data", place.data, "--limit", "1", methods=names)["bundles"]["tiny"]
    assert "second --bundle" in found["left_out"]["members_epkl"]
    assert "weights" in found["left_out"]["dropout_entropy"]
    assert "one block" in found["left_out"]["platt"]
    assert "one block: no intervals" in found["groups"]["clean"]["notes"]
    assert found["pixel"]["clean"]["mcp"]["auroc"] is not None
    assert "left out: tiny: members_epkl:" in capsys.readouterr().err


def test_a_second_bundle_is_judged_and_is_a_member(place: Place, tmp_path: Path) -> None:
    more = ("--data", place.data, "--limit", "3", "--bundle", place.bundle("second"))
    found = judged(place, tmp_path, *more, methods="members_epkl,common_failures")["bundles"]
    assert list(found) == ["tiny", "second"]
    assert found["tiny"]["members"] == ["second"]
    assert "members_epkl" in found["second"]["pixel"]["clean"]
    assert found["tiny"]["studies"]["common_failures"]["rows"]


def test_a_study_of_the_second_bundle_counts_nothing_of_the_first(place: Place, tmp_path: Path) -> None:
    names = "thresholds,equal_entropy,failures,dice_cuts,screening,fleet"
    data = ("--data", place.data, "--limit", "3")
    both = judged(place, tmp_path / "both", *data, "--bundle", place.bundle("second"), methods=names)["bundles"]
    arguments = ["--bundle", place.bundle("second"), "--out", str(tmp_path / "alone"), "--backend", "onnxruntime"]
    assert run(*arguments, "--methods", names, "--bootstrap", "20", "--step", "1", *data) == 0
    alone = json.loads((tmp_path / "alone" / "benchmark.json").read_text())["bundles"]
    assert both["second"]["studies"] == alone["second"]["studies"]
    assert len(alone["second"]["studies"]) > 3


def test_several_seeds_have_a_deviation(place: Place, tmp_path: Path) -> None:
    more = ("--data", place.data, "--limit", "4", "--seeds", "2", "--folds", "2")
    found = judged(place, tmp_path, *more, methods="mcp,platt")["bundles"]["tiny"]["pixel"]["fitted"]
    assert found["platt"]["auroc_seeds"]["seeds"] == 2
    assert "auroc_seeds" not in found["mcp"]


@dataclass(frozen=True)
class Redness:
    """A method of somebody else: what is red is not to be trusted."""

    name: str = "redness"
    level: Level = Level.PIXEL
    scale: Scale = "rank"
    needs: frozenset[str] = frozenset()
    describes: tuple[Callable[[Sample], Any], ...] = ()

    def fit(self, rows: FitRows) -> Redness:
        return self

    def read(self, sample: Sample) -> Reading:
        return Reading.pixels(1 - sample.image[:: sample.step, :: sample.step, 0] / 255)


def test_a_new_method_is_one_file_and_one_line(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new: tuple[Method, ...] = (Redness(),)
    monkeypatch.setitem(registry.FAMILIES, "redness", new)  # the line
    found = judged(place, tmp_path, "--data", place.data, "--limit", "2", methods="redness")["bundles"]["tiny"]
    assert "redness" in found["pixel"]["clean"]
    assert "redness/worst_patch" in found["image"]["clean"]


@pytest.mark.slow
def test_everything_runs_side_by_side(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (last_layer, pixel_heads):  # that all run, not how good they are
        monkeypatch.setattr(module, "STEPS", 10)
    for name, value in (("EPOCHS", 5), ("RATE", 1.5e-2)):  # as far in fewer steps: some masks have to change
        monkeypatch.setattr(networks, name, value)
    monkeypatch.setattr("trustseg_lab.benchmark.few_labels.learning.SIZE", (48, 64))  # of the taught small networks
    few = write_images(tmp_path / "few", 6)  # every method, so as few views as all of them accept
    quick = ("--step", "2", "--bootstrap", "2", "--member", place.bundle("second"))  # other tests look at every pixel
    found = judged(place, tmp_path / "out", "--data", few, *quick, methods="all")
    run_of = found["bundles"]["tiny"]
    needs_weights = {"dropout", "drop_weights", "odin", "network"}
    missing = {name for name, why in run_of["left_out"].items() if "weights" not in why and "one 1x1" not in why}
    every = registry.methods()
    # Painted scenes hardly fail, so what learns failures of the whole view may find one kind only.
    assert all("kind" in run_of["left_out"][name] or "class" in run_of["left_out"][name] for name in missing)
    told = {name.split("/")[0] for level in ("pixel", "image", "class", "region") for name in run_of[level]["fitted"]}
    masks = {row[1] for row in run_of["studies"]["masks"]["rows"]}
    for name, method in every.items():
        if name not in run_of["left_out"] and not method.needs & needs_weights:
            assert name in told | masks, name
    assert run_of["studies"].keys() == registry.studies().keys()
