# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Scripts that work for hours: what they keep is taken up by what it was made of, and one refusal is no end."""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from trustseg.camera.geometry import Places, shown
from trustseg.camera.input_geometry import InputGeometry
from trustseg.errors import BackendError
from trustseg.imaging.resize import network_image

SCRIPTS = Path(__file__).resolve().parents[3] / "scripts"


@pytest.fixture
def script(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script that a test names, imported with what lies beside it."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return importlib.import_module(request.param)


@pytest.mark.parametrize("script", ["mining_gain"], indirect=True)
@pytest.mark.slow
def test_a_network_that_was_taught_otherwise_is_not_taken(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another k, another number of steps: the table showed the networks of the run before."""
    from trustseg_lab.benchmark.few_labels.learning import Recipe, new_run
    from trustseg_lab.data.class_list import ClassList, load_classes
    from trustseg_lab.training.data import LabelledSet

    classes: ClassList = load_classes(script.CLASSES)
    learnt: list[tuple[int, int]] = []

    def learn(data: LabelledSet, count: int, recipe: Recipe, report: Any) -> Any:
        learnt.append((len(data.images), recipe.steps))
        return new_run(count, recipe).network

    monkeypatch.setattr(script, "learn", learn)
    images = np.arange(4 * 32 * 32 * 3, dtype=np.uint32).astype(np.uint8).reshape(4, 32, 32, 3)
    data = LabelledSet(images, np.zeros((4, 32, 32), np.uint8), ("a", "b", "c", "d"))
    few, recipe = script.part(data, np.array([0, 1])), Recipe(steps=5)
    for frames, how in ((few, recipe), (few, recipe), (few, replace(recipe, steps=6)), (data, recipe)):
        script.taught(script.MINED, frames, classes, how, tmp_path)
    assert learnt == [(2, 5), (2, 6), (4, 5)]
    script.taught(script.MINED, replace(few, labels=few.labels + 1), classes, recipe, tmp_path)
    assert learnt[3:] == [(2, 5)]


@pytest.mark.parametrize("script", ["other_architectures"], indirect=True)
def test_a_refusal_of_the_plan_is_recorded_and_any_other_ends(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = {"build": 2, "wrap": 2, "crash": 3}
    ran: list[str] = []

    def run(command: list[object], **options: object) -> SimpleNamespace:
        ran.append(str(command[1]))
        return SimpleNamespace(returncode=codes[str(command[1])], stdout="", stderr="trustseg: no such operator\n")

    monkeypatch.setattr(script.subprocess, "run", run)
    record = tmp_path / "build.txt"
    assert script.plan_of(record) == "not tried"
    for _ in range(2):
        script.step(record, ["build"], may_refuse=True)
    assert ran == ["build"]
    assert record.read_text() == "trustseg: no such operator\nexit code 2\n"
    assert script.plan_of(record) == "refused"
    for arguments, may_refuse in ((["wrap"], False), (["crash"], True)):
        with pytest.raises(SystemExit, match="no such operator"):
            script.step(tmp_path / "other.txt", arguments, may_refuse=may_refuse)
    assert not (tmp_path / "other.txt").exists()


@pytest.mark.parametrize("script", ["other_architectures"], indirect=True)
def test_without_the_library_no_refusal_is_recorded(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(library: str) -> None:
        raise BackendError(f"{library} is not installed")

    def step(record: Path, arguments: list[object], *, may_refuse: bool = False) -> None:
        assert arguments[0] != "build"

    networks = SimpleNamespace(MEAN=(), STD=(), SIZE=(1, 1), RECIPES={"fpn": SimpleNamespace(form="pixels")})
    monkeypatch.setitem(importlib.sys.modules, "other_networks", networks)  # type: ignore[attr-defined]
    for name, does in (
        ("import_tensorrt", missing), ("step", step), ("milliseconds", lambda model: 1.0),
        ("fit_folder", lambda camvid, out: "a:b"),
    ):  # fmt: skip
        monkeypatch.setattr(script, name, does)
    (tmp_path / "network.onnx").touch()
    script.judge("fpn", tmp_path, tmp_path)
    assert "fpn: no plan is built: tensorrt_rtx is not installed" in capsys.readouterr().out
    assert (tmp_path / "ms.txt").read_text() == "1.0\n"


@pytest.mark.parametrize("script", ["second_opinion"], indirect=True)
@pytest.mark.parametrize(("width", "rows"), [(480, 360), (960, 240)])
def test_a_second_opinion_is_of_what_the_node_shows(script: ModuleType, tmp_path: Path, width: int, rows: int) -> None:
    """A camera of 4:3 is shown as it is; of one of 8:3 two thirds of the network's rows, and its mirror beside them."""
    rng = np.random.default_rng(0)
    for part, pixels in (
        ("images", rng.integers(0, 256, (360, width, 3))), ("labels", np.full((360, width), 3)),
    ):  # fmt: skip
        (tmp_path / "kitti" / part).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "kitti" / part / "000000_10.png"), pixels.astype(np.uint8))
    ((image, truth, seen),) = script.views("kitti", tmp_path / "kitti", 1, 11)
    stored = np.asarray(cv2.imread(str(tmp_path / "kitti" / "images" / "000000_10.png")), np.uint8)
    picture, place = Places(InputGeometry(), script.SIZE).picture(stored)
    assert np.array_equal(image, shown(picture, place, "bgr", "rgb"))
    assert (seen.sum(), (truth == 3).sum(), (truth == 11).sum()) == (rows * 480, rows * 480, (360 - rows) * 480)
    assert (width == 480) == np.array_equal(image, network_image(stored, script.SIZE, "bgr", "rgb"))


@pytest.mark.parametrize("script", ["proof"], indirect=True)
def test_the_copy_in_which_mutants_are_made_has_every_fixture(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All but the top one's, which starts a process again: without the others no test of their folder runs."""
    monkeypatch.setattr(script, "CACHE", tmp_path)
    root = SCRIPTS.parent
    copy = script.copy_for(script.read_groups()["segmenter"])
    there = {file.relative_to(root) for file in (root / "tests").rglob("conftest.py")}
    assert {file.relative_to(copy) for file in copy.rglob("conftest.py")} == there - {Path("tests/conftest.py")}
    assert len(there) > 1
