# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg evaluate`: corruptions, data sets, baselines, intervals and the report, on a tiny bundle."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from bundle_factory import CLASSES, PALETTE, make_tiny_bundle, paint_scene, true_ids
from trustseg.backends import create_backend
from trustseg.bundle.loading import load_bundle, sha256_hex
from trustseg.cli.app import main
from trustseg_lab.corruptions.catalogue import Corruption
from trustseg_lab.data.class_list import ClassList
from trustseg_lab.data.labelled_images import find_pairs
from trustseg_lab.evaluation.baselines.choose import BaselineNeeds, make_baselines
from trustseg_lab.evaluation.baselines.network_weights import TorchNetwork
from trustseg_lab.evaluation.evaluator import Evaluation, evaluate_images
from trustseg_lab.evaluation.worst_images import KEPT
from trustseg_lab.network.segnet import SegNet, SegNetConfig
from trustseg_lab.training.checkpoint import describe, save_weights

HEIGHT, WIDTH, COUNT, VOID = 48, 64, 10, 11


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """CamVid's layout with two drives in every split, two bundles, and a network of their classes."""
    root = tmp_path_factory.mktemp("options")
    for number, split in enumerate(("train", "val", "test")):
        (root / split).mkdir()
        (root / f"{split}annot").mkdir()
        for index in range(COUNT):
            image = paint_scene(HEIGHT, WIDTH, seed=100 * number + index)
            truth = true_ids(image)
            truth[5:15, 10 : 20 + index] = 8  # wrong on purpose
            truth[:2] = VOID
            name = f"drive{index // 5}_{index:03}.png"
            cv2.imwrite(str(root / split / name), image[..., ::-1])
            cv2.imwrite(str(root / f"{split}annot" / name), truth)
    for name in ("tiny", "other"):
        make_tiny_bundle(root / "engines" / name, height=HEIGHT, width=WIDTH)
    make_tiny_bundle(root / "engines" / "twelve", (*CLASSES, "void"), HEIGHT, WIDTH)
    shape = SegNetConfig(classes=11, widths=(4, 4), encoder_convs=(1, 1), decoder_convs=(1, 1), dropout=0.0)
    listed = {"void": VOID, "classes": [{"id": i, "name": n, "color": (0, 0, 0)} for i, n in enumerate(CLASSES)]}
    torch.manual_seed(0)
    meta = describe(shape, ClassList.model_validate(listed))
    save_weights(root / "net.safetensors", SegNet(shape).state_dict(), meta)
    return root


def run(data: Path, out: Path, *more: str, bundle: str = "tiny", camvid: bool = True) -> int:
    """Exit code of the command on the test split."""
    arguments = ["evaluate", "--bundle", str(data / "engines" / bundle), "--out", str(out), "--backend", "onnxruntime"]
    arguments += ["--dataset", "camvid", "--root", str(data)] if camvid else []
    with pytest.raises(SystemExit) as ended:
        main([*arguments, *more])
    return int(ended.value.code or 0)


@pytest.fixture(scope="module")
def everything(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str]:
    """metrics.json and report.html of one run with all baselines and intervals."""
    out = tmp_path_factory.mktemp("everything") / "out"
    more = ("--baselines", "all", "--ensemble", str(data / "engines" / "other"), "--passes", "3")
    assert run(data, out, *more, "--weights", str(data / "net.safetensors"), "--bootstrap", "40") == 0
    return json.loads((out / "metrics.json").read_text()), (out / "report.html").read_text()


def test_every_baseline_scores_the_same_pixels(everything: tuple[dict[str, Any], str]) -> None:
    found = everything[0]
    assert {
        "fused", "mcp", "entropy", "margin", "variation_ratio", "temperature", "mc_dropout", "mc_dropout_probability",
        "mc_dropout_mutual_information", "mc_dropout_agreement", "trust_score", "ensemble", "ensemble_probability",
    } <= set(found["confidence"])  # fmt: skip
    assert found["baselines"]["left_out"] == {}
    settings = found["baselines"]["settings"]
    assert settings["temperature"]["fitted_on"] == "val:valannot"  # never what is evaluated
    assert settings["trust_score"]["training_data"] == "train:trainannot"
    assert settings["mc_dropout"]["passes"] == 3
    assert settings["mc_dropout"]["dropout_in_training"] == 0.0
    assert settings["mc_dropout"]["dropout"] == 0.1
    # The same bundle twice is one: the mean of its softmax is its own.
    confidence = found["confidence"]
    for ours, theirs in (("mcp", "ensemble_probability"), ("entropy", "ensemble"), ("mcp", "variation_ratio")):
        assert confidence[ours]["auroc"] == pytest.approx(confidence[theirs]["auroc"], abs=1e-4)
    assert found["image_baselines"]["ensemble_pairwise_dice"]["spearman"] is None  # always 1
    assert confidence["trust_score"]["ece"] is None  # no probability
    assert confidence["trust_score"]["aurc"] is not None
    assert found["published"]["figures"]["mcp"]["fpr95"] == 63.87


def test_intervals_hold_the_figures_and_differences_are_to_mcp(everything: tuple[dict[str, Any], str]) -> None:
    found = everything[0]
    bootstrap = found["bootstrap"]
    assert (bootstrap["blocks"], bootstrap["resamples"]) == (2, 40)  # two drives of five images
    inside = bootstrap["segmentation"]["miou"]
    assert inside["low"] <= found["segmentation"]["miou"] <= inside["high"]
    assert "mcp" not in bootstrap["difference_to_mcp"]
    fused = bootstrap["difference_to_mcp"]["fused"]["auroc"]
    exact = found["confidence"]["fused"]["auroc"] - found["confidence"]["mcp"]["auroc"]
    assert fused["value"] == pytest.approx(exact, abs=2e-3)
    assert fused["low"] <= fused["value"] <= fused["high"]
    assert "ece" not in bootstrap["confidence"]["trust_score"]
    assert bootstrap["image"]["mae"]["low"] <= found["image"]["mae"] <= bootstrap["image"]["mae"]["high"]


class Page(HTMLParser):
    """Tags that are opened and never closed, what is asked of the network, and how many pictures there are."""

    VOID_TAGS = ("meta", "br", "img")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.asked: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in self.VOID_TAGS:
            self.open.append(tag)
        self.asked += [
            v or "" for k, v in attrs if k in ("src", "href", "srcset") and not (v or "").startswith("data:")
        ]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)  # <path/> is closed in itself

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_report_is_one_whole_page_that_asks_nothing(everything: tuple[dict[str, Any], str]) -> None:
    text = everything[1]
    page = Page(text)
    assert page.open == []
    assert page.asked == []
    assert re.findall(r"https?://|@import|url\(|<script|<link", text) == []
    assert "default-src 'none'" in text
    assert page.tags.count("img") == 5 * KEPT  # image, truth, mask, confidence and error of each of the worst
    assert page.tags.count("svg") == 3
    for words in (
        "IoU of each class",
        "Reliability",
        "Risk and coverage",
        "lowest quality",
        "published AUROC",
        "63.87",
    ):
        assert words in text
    assert not re.search(r"\bnan\b", re.sub(r"base64,[A-Za-z0-9+/=]+", "", text), re.IGNORECASE)


def test_names_of_files_cannot_leave_their_place_in_the_report(data: Path, tmp_path: Path) -> None:
    for kind, folder in (("images", "test"), ("labels", "testannot")):
        (tmp_path / kind).mkdir()
        picture = cv2.imread(str(data / folder / "drive0_000.png"), cv2.IMREAD_UNCHANGED)
        cv2.imwrite(str(tmp_path / kind / '<b onclick="x">&_1.png'), picture)
    more = ("--images", str(tmp_path / "images"), "--labels", str(tmp_path / "labels"), "--void", "11")
    assert run(data, tmp_path / "out", *more, camvid=False) == 0
    text = (tmp_path / "out" / "report.html").read_text()
    assert "<b onclick" not in text
    assert "&lt;b onclick=&quot;x&quot;&gt;&amp;_1.png" in text
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["bootstrap"] is None


def test_each_corruption_is_told_apart_and_all_together(data: Path, tmp_path: Path) -> None:
    assert run(data, tmp_path / "out", "--corrupt", "clean,contrast:5,frozen:2", "--limit", "4", "--no-report") == 0
    found = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert list(found["corruptions"]) == ["clean", "contrast:5", "frozen:2"]
    assert (found["images"], len(found["image"]["per_image"])) == (12, 12)
    apart = [each["segmentation"]["accuracy"] for each in found["corruptions"].values()]
    assert found["segmentation"]["accuracy"] == pytest.approx(np.mean(apart))  # equal numbers of pixels
    assert apart[1] < apart[0] - 0.1
    assert not (tmp_path / "out" / "report.html").exists()
    # A frozen camera shows the image of two before: image 3 gets the mask of image 1, judged by its own labels.
    quality = {(row["image"], row["corruption"]): row["quality"] for row in found["image"]["per_image"]}
    assert quality["drive0_000.png", "frozen:2"] == quality["drive0_000.png", "clean"]
    assert quality["drive0_003.png", "frozen:2"] < quality["drive0_003.png", "clean"]


def test_void_is_a_class_in_the_papers_protocol(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(data, tmp_path / "out", "--protocol", "paper12", "--no-report", bundle="twelve") == 0
    found = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert found["protocol"]["name"] == "paper12"
    assert found["labelled_pixels"] == COUNT * HEIGHT * WIDTH
    assert "void" in found["segmentation"]["class_iou"]
    assert run(data, tmp_path / "eleven", "--protocol", "paper12") == 2
    assert "protocol paper12 counts void as a class" in capsys.readouterr().err


def test_bad_input_is_one_line_and_leaves_nothing(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = f"{data / 'test'}:{data / 'testannot'}:11"
    for arguments, words in (
        (("--corrupt", "fog:9"), "corruption 'fog:9', expected a severity 1 to 5"),
        (("--baselines", "magic"), "no such baseline"),
        (("--split", "holiday"), "camvid has no such split, expected train, val, test"),
        (("--protocol", "mine"), "no such protocol"),
        (("--baselines", "temperature", "--fit-on", folders), "would be fitted on what is evaluated"),
        (("--baselines", "mc_dropout"), "weights.safetensors"),
        (("--baselines", "ensemble"), "has no other bundle"),
        (("--ensemble", str(data / "engines" / "twelve")), "bundle twelve has other classes than tiny"),
        (("--images", str(data / "test")), "--dataset goes with --root"),
    ):
        assert run(data, tmp_path / "out", *arguments) == 2
        printed = capsys.readouterr().err.strip().splitlines()
        printed = [line for line in printed if not line.startswith("labels ")]  # what was found before it went wrong
        assert len(printed) == 1, printed
        assert words in printed[0]
        assert not (tmp_path / "out").exists()
    assert run(data, tmp_path / "out", "--dataset", "kitti", "--root", str(tmp_path), camvid=False) == 2
    assert "holds no kitti, expected folders images and labels" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.zeros((20, 20), np.uint8), "drive0_001.png are of another size"),
        (np.full((HEIGHT, WIDTH), 77, np.uint8), "drive0_001.png hold ids outside the classes"),
        (np.full((HEIGHT, WIDTH), VOID, np.uint8), "drive0_001.png are all void (11)"),
        (None, "drive0_001.png has no labels"),
    ],
)
def test_labels_that_do_not_fit_are_named(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], labels: np.ndarray | None, words: str
) -> None:
    for kind, folder in (("images", "test"), ("labels", "testannot")):
        (tmp_path / kind).mkdir()
        for name in ("drive0_000.png", "drive0_001.png"):
            (tmp_path / kind / name).write_bytes((data / folder / name).read_bytes())
    bad = tmp_path / "labels" / "drive0_001.png"
    bad.unlink()
    if labels is not None:
        cv2.imwrite(str(bad), labels)
    more = ("--images", str(tmp_path / "images"), "--labels", str(tmp_path / "labels"), "--void", "11")
    assert run(data, tmp_path / "out", *more, camvid=False) == 2
    printed = [line for line in capsys.readouterr().err.strip().splitlines() if not line.startswith("labels ")]
    assert len(printed) == 1
    assert words in printed[0]
    assert not (tmp_path / "out").exists()


def test_a_class_that_is_nowhere_is_undefined_and_not_0(data: Path, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    plain = np.full((HEIGHT, WIDTH, 3), PALETTE[3], np.uint8)  # road, and nothing else
    cv2.imwrite(str(tmp_path / "images" / "a.png"), plain[..., ::-1])
    cv2.imwrite(str(tmp_path / "labels" / "a.png"), np.full((HEIGHT, WIDTH), 3, np.uint8))
    more = ("--images", str(tmp_path / "images"), "--labels", str(tmp_path / "labels"), "--bootstrap", "10")
    assert run(data, tmp_path / "out", *more, camvid=False) == 0
    found = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert found["segmentation"]["class_iou"] == {name: 1.0 if name == "road" else None for name in CLASSES}
    assert found["segmentation"]["miou"] == 1.0
    mcp = found["confidence"]["mcp"]  # everything is right: no error to find
    assert [mcp[name] for name in ("auroc", "fpr95", "aupr_error")] == [None, None, None]
    assert (mcp["aupr_success"], mcp["aurc"]) == (1.0, 0.0)
    assert found["image"]["auroc"] is None
    assert set(found["thresholds"]["all"]) == {"mcp", "entropy", "margin", "fused"}
    assert all(each["otsu"]["recall"] is None for each in found["thresholds"]["all"].values())
    Page((tmp_path / "out" / "report.html").read_text())


def test_dropout_is_on_for_its_passes_only(data: Path) -> None:
    network = TorchNetwork(load_bundle(data / "engines" / "tiny"), data / "net.safetensors", 1)
    image = network.tensor(paint_scene(HEIGHT, WIDTH, seed=1))
    with torch.no_grad():
        before = network.network(image).logits
        with network.with_dropout(0.5):
            torch.manual_seed(0)
            first, second = network.network(image).logits, network.network(image).logits
        after = network.network(image).logits
    assert not torch.equal(first, second)
    assert torch.equal(before, after)


def test_what_is_kept_does_not_grow_with_the_images(data: Path) -> None:
    bundle = load_bundle(data / "engines" / "tiny")
    engine = create_backend("onnxruntime", bundle, "fp32", 1, expose_logits=True)
    pairs = find_pairs(data / "test", data / "testannot")
    sizes = []
    for count in (KEPT, COUNT):
        evaluation = Evaluation(bundle, engine, pairs[:count], VOID, [0] * count)
        state = evaluate_images(evaluation, Corruption("clean", 0))
        assert len(state.images) == count
        assert len(state.worst.ordered()) == KEPT
        counted = sum(each.wrong.nbytes + each.correct.nbytes for each in state.signals.values())
        sizes.append(counted + sum(each.nbytes for each in state.blocks.scores.values()))
    assert sizes[0] == sizes[1] < 20 << 20


def test_without_images_to_fit_on_the_temperature_is_the_calibrations(data: Path) -> None:
    tree = data / "calibrated"
    shutil.copytree(data / "engines" / "tiny", tree / "engines" / "tiny")
    told = {"temperature": 1.7, "images": 3, "pixels": 9, "nll_before": 0.5, "nll_after": 0.4, "ece_before": 0.1}
    table = json.loads((data / "calibration" / "tiny" / "fp32.json").read_text())
    text = json.dumps({**table, "provenance": {"temperature": told}}).encode()
    (tree / "calibration" / "tiny").mkdir(parents=True)
    (tree / "calibration" / "tiny" / "fp32.json").write_bytes(text)
    card = json.loads((tree / "engines" / "tiny" / "card.json").read_text())
    card["calibration"]["fp32"]["sha256"] = sha256_hex(text)
    (tree / "engines" / "tiny" / "card.json").write_text(json.dumps(card))
    for path, expected in ((tree / "engines" / "tiny", 1.7), (data / "engines" / "tiny", None)):
        bundle = load_bundle(path)
        engine = create_backend("onnxruntime", bundle, "fp32", 1, expose_logits=True)
        needs = BaselineNeeds(bundle, engine, 1, 0, [], None, None, None, 2, None, [])
        made = make_baselines(("temperature",), needs, must=False)
        assert made.settings.get("temperature", {}).get("temperature") == expected
        assert ("temperature" in made.left_out) == (expected is None)
