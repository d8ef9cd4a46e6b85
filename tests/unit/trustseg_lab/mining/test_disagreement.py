# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg mine` by disagreement: of a pair, which its graph tells, and of a bundle with a second one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from bundle_factory import CLASSES, RED_AND_BLUE, make_tiny_bundle, paint_scene
from replay_runs import main_code, run
from trustseg.errors import InputError
from trustseg.pipeline import Pipeline
from trustseg_lab.mining.disagreement import OfPair, mask_disagreement
from trustseg_lab.mining.mine import MiningRequest, mine
from trustseg_lab.mining.preselection import PRESELECTED
from trustseg_lab.replay.job import ReplayOptions

HEIGHT, WIDTH, FRAMES = 72, 96, 14
BY = ("uncertain", "disagreeing")


@dataclass(frozen=True)
class Place:
    """A network, another one that is blind for green, both in one graph, and a drive."""

    one: Path
    other: Path
    pair: Path
    drive: Path
    results: Path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    root = tmp_path_factory.mktemp("disagreement")

    def made(name: str, **how: Any) -> Path:
        return make_tiny_bundle(root / "engines" / name, height=HEIGHT, width=WIDTH, **how)

    drive, rng = root / "drive", np.random.default_rng(3)
    drive.mkdir()
    for number in range(FRAMES):
        scene = paint_scene(HEIGHT, WIDTH, seed=number).astype(np.int16) + rng.integers(-2, 3, (HEIGHT, WIDTH, 3))
        if number % 2:
            scene[:, : 6 * number, 1] += 60  # green is what the second network does not see
        cv2.imwrite(str(drive / f"{number:03d}.png"), np.clip(scene, 0, 255).astype(np.uint8)[..., ::-1])
    one = made("one")
    assert run(one, root / "results", [drive], "--no-annotated") == 0
    return Place(one, made("other", channels=RED_AND_BLUE), made("both", pair=True), drive, root / "results")


def request(inputs: list[Path], out: Path, bundle: Path, **changes: Any) -> MiningRequest:
    options = ReplayOptions(bundle=str(bundle), backend="onnxruntime", allow_resolution_change=True, threads=1)
    return MiningRequest(inputs=tuple(inputs), out=out, options=options, **{"budget": 2, **changes})


def test_disagreement_by_hand() -> None:
    one = np.array([[0, 0, 1, 1]], np.uint8)
    # Class 0: one pixel in both, two in either; class 1: two in both, three in either. 1 - (1/2 + 2/3) / 2.
    assert mask_disagreement(one, np.array([[0, 1, 1, 1]], np.uint8), 3) == pytest.approx(5 / 12)
    assert mask_disagreement(one, one, 3) == 0.0
    assert mask_disagreement(one, 2 * np.ones_like(one), 3) == 1.0
    # What either leaves void is not compared; nothing is left of the last one.
    assert mask_disagreement(one, np.array([[0, 255, 1, 1]], np.uint8), 3) == 0.0
    assert np.isnan(mask_disagreement(one, np.full_like(one, 255), 3))
    # A class that fills less than a hundredth of both masks does not count.
    large, spot = np.zeros((1, 1000), np.uint8), np.zeros((1, 1000), np.uint8)
    spot[0, :9] = 2
    assert mask_disagreement(large, spot, 3) == pytest.approx(0.009)


def test_a_pair_says_it_itself() -> None:
    result: Any = SimpleNamespace(features=np.array([0.0, 0.5, 0.75], np.float32))
    assert OfPair(2)(SimpleNamespace(), result) == 0.25  # type: ignore[arg-type]


def test_a_pair_and_two_bundles_say_the_same(place: Place, tmp_path: Path) -> None:
    of_pair = mine(request([place.drive], tmp_path / "pair", place.pair, budget=FRAMES))
    of_two = mine(request([place.drive], tmp_path / "two", place.one, budget=FRAMES, against=str(place.other)))
    for document in (of_pair, of_two):
        assert "disagreeing" in document["by"]
        assert document["preselected"] is None
    assert (of_pair["against"], of_two["against"]) == (None, "other")
    told = [{row["image"]: row["disagreeing"] for row in document["frames"]} for document in (of_pair, of_two)]
    assert told[0] == pytest.approx(told[1], abs=1e-4)
    assert len(told[0]) == FRAMES
    assert max(told[0].values()) > 0.2


def test_it_is_what_frames_are_chosen_by(place: Place, tmp_path: Path) -> None:
    every = mine(request([place.drive], tmp_path / "all", place.one, budget=FRAMES, against=str(place.other)))
    most = max(every["frames"], key=lambda row: row["disagreeing"])
    found = mine(
        request([place.drive], tmp_path / "by", place.one, budget=1, by=("disagreeing",), against=str(place.other))
    )
    assert [(row["image"], row["reason"]) for row in found["frames"]] == [(most["image"], "disagreeing")]


def test_without_a_second_network_it_is_left_out(place: Place, tmp_path: Path) -> None:
    document = mine(request([place.drive], tmp_path / "out", place.one))
    assert document["by"] == ["uncertain", "failing", "strange", "changing"]
    assert [row["disagreeing"] for row in document["frames"]] == [None, None]
    assert json.loads((tmp_path / "out" / "mined.json").read_text())["frames"][0]["disagreeing"] is None


def test_of_results_only_a_preselection_is_asked_about(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: dict[str, list[int]] = {}
    own = Pipeline.process

    def counted(self: Pipeline, frame: Any) -> Any:
        calls.setdefault(self.card.name, []).append(frame.stamp_ns)
        return own(self, frame)

    monkeypatch.setattr(Pipeline, "process", counted)
    document = mine(request([place.results], tmp_path / "out", place.one, by=BY, against=str(place.other)))
    assert document["preselected"] == 2 * PRESELECTED
    assert len(calls["other"]) == 2 * PRESELECTED
    assert len(calls["one"]) == 2 * PRESELECTED + 2  # and once more those that were chosen
    assert {row["stamp_ns"] for row in document["frames"]} <= set(calls["other"])
    # What is asked of the two networks is what a look at the images themselves says.
    whole = mine(request([place.drive], tmp_path / "whole", place.one, budget=FRAMES, against=str(place.other)))
    told = {row["image"]: row["disagreeing"] for row in whole["frames"]}
    for row in document["frames"]:
        assert row["disagreeing"] == told[row["image"]]


def test_what_makes_no_sense_is_refused(place: Place, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(InputError, match="needs two networks, expected a bundle whose graph holds a pair"):
        mine(request([place.drive], out, place.one, by=BY))
    with pytest.raises(InputError, match="--by leaves it out"):
        mine(request([place.drive], out, place.one, by=("uncertain",), against=str(place.other)))
    with pytest.raises(InputError, match="is the same network as one"):
        mine(request([place.drive], out, place.one, against=str(place.one)))
    lawn = make_tiny_bundle(tmp_path / "engines" / "lawn", ["lawn", *CLASSES[1:]], HEIGHT, WIDTH, channels=RED_AND_BLUE)
    with pytest.raises(InputError, match="has other classes than one"):
        mine(request([place.drive], out, place.one, against=str(lawn)))
    assert not out.exists()


def test_the_command_names_it(place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["mine", place.results, "--out", tmp_path / "out", "--bundle", place.one, "--backend", "onnxruntime"]
    given += ["--against", place.other, "--by", "disagreeing", "--budget", "2"]
    assert main_code(list(map(str, given))) == 0
    said = capsys.readouterr().out
    assert "disagreeing" in said
    assert "disagreement was asked of 8 preselected frames; only these were chosen from" in said
    assert main_code([*map(str, given[:-4]), "--against", str(tmp_path / "none")]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
