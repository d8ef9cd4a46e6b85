# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg drift` on what `trustseg replay` writes: a page, a document, an exit code, and one line for bad input."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
from pyarrow.parquet import read_table, write_table

from bundle_factory import make_tiny_bundle, paint_scene
from replay_runs import main_code, run
from trustseg_lab.drift.compare import LEAST_FRAMES
from trustseg_lab.drift.page import OTHER_NETWORK, TOO_FEW, sentence

HEIGHT, WIDTH, FRAMES = 72, 96, 24


def drive(folder: Path, seed: int, light: float) -> Path:
    folder.mkdir()
    rng, scene = np.random.default_rng(seed), paint_scene(HEIGHT, WIDTH).astype(np.float64)
    for number in range(FRAMES):
        image = np.roll(scene, 4 * number, axis=1) * light + rng.normal(0, 4, scene.shape)
        cv2.imwrite(str(folder / f"{number:03d}.png"), np.clip(image, 0, 255).astype(np.uint8)[..., ::-1])
    return folder


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Replays of a drive by day, another by day, and one in half the light."""
    root = tmp_path_factory.mktemp("drift")
    bundle = make_tiny_bundle(root / "engines" / "tiny", height=HEIGHT, width=WIDTH)
    found = {}
    for name, seed, light in (("day", 1, 1.0), ("other_day", 2, 1.0), ("dusk", 3, 0.5)):
        found[name] = root / f"{name}_results"
        inputs = [drive(root / name, seed, light)]
        assert run(bundle, found[name], inputs, "--no-annotated", "--backend", "onnxruntime") == 0
    return found


class Page(HTMLParser):
    """Headings and pictures, and that every tag is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.append(tag)
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_what_changed_comes_first(results: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    given = ["drift", "--reference", results["day"], "--new", results["dusk"], "--out", out, "--json"]
    assert main_code(list(map(str, given))) == 0
    document = json.loads(capsys.readouterr().out)
    assert document == json.loads((out / "drift.json").read_text())
    assert document["frames"] == {"reference": FRAMES, "new": FRAMES}
    readings = {row["name"]: row["reading"] for row in document["columns"]}
    assert readings["health/contrast"] == "large"  # half the light is half the contrast
    text = (out / "drift.html").read_text()
    page = Page(text)
    assert page.open == []
    assert page.seen.count("img") >= 1
    assert page.seen.count("table") == 4  # without places, of which a folder of images knows none
    assert "Changed a lot" in text
    assert "http" not in text.replace("http-equiv", "")


@pytest.mark.slow
def test_a_limit_decides_about_the_exit_code(results: dict[str, Path], tmp_path: Path) -> None:
    def code(new: str, limit: str) -> int:
        given = ["drift", "--reference", results["day"], "--new", results[new], "--out", tmp_path / "out"]
        return main_code([*map(str, given), "--fail-above", limit])

    assert code("dusk", "0.25") == 1
    assert code("dusk", "1000") == 0
    assert code("day", "0") == 0  # the same drive twice: nothing differs


def test_a_limit_is_not_met_by_frames_too_few_to_compare(
    results: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = tmp_path / "few"
    few.mkdir()
    (few / "summary.json").write_bytes((results["day"] / "summary.json").read_bytes())
    frames = read_table(results["day"] / "frames.parquet")
    write_table(frames.slice(0, LEAST_FRAMES - 1), few / "frames.parquet")
    given = [*map(str, ["drift", "--reference", results["day"], "--new", few, "--out", tmp_path / "out"])]
    assert main_code([*given, "--fail-above", "1000"]) == 1
    said = capsys.readouterr()
    assert TOO_FEW in said.out
    assert f"no figure has {LEAST_FRAMES} values" in said.err
    assert TOO_FEW in (tmp_path / "out" / "drift.html").read_text()
    assert json.loads((tmp_path / "out" / "drift.json").read_text())["largest_psi"] is None
    assert main_code(given) == 0  # nobody asked for a limit


@pytest.mark.parametrize("limit", ["nan", "inf", "-0.1"])
def test_what_is_no_limit_is_refused(limit: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["drift", "--reference", "a", "--new", "b", "--out", str(tmp_path / "out"), f"--fail-above={limit}"]
    assert main_code(given) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert "--fail-above" in lines[0]


def test_what_is_no_result_is_refused_in_one_line(
    results: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty, broken, other = tmp_path / "empty", tmp_path / "broken", tmp_path / "other"
    for folder in (empty, broken, other):
        folder.mkdir()
    (broken / "frames.parquet").write_bytes(b"PAR1 and no more")
    (broken / "summary.json").write_text("{")
    for name in ("frames.parquet", "summary.json"):
        (other / name).write_bytes((results["day"] / name).read_bytes())
    summary = json.loads((other / "summary.json").read_text())
    summary["bundle"]["classes"][0]["name"] = "lawn"
    (other / "summary.json").write_text(json.dumps(summary))
    for folder, words in (
        (empty, "holds no replay results"),
        (broken, "summary.json"),
        (other, "other|cannot be read"),
    ):
        given = ["drift", "--reference", results["day"], "--new", folder, "--out", tmp_path / "out"]
        assert main_code(list(map(str, given))) == 2
        lines = capsys.readouterr().err.strip().splitlines()
        assert len(lines) == 1
        assert any(word in lines[0] for word in words.split("|"))
        assert not (tmp_path / "out").exists()


def test_the_headline_names_three_and_another_network_is_told(results: dict[str, Path], tmp_path: Path) -> None:
    def rows(count: int) -> dict[str, object]:
        return {"columns": [{"name": f"c{k}", "reading": "large" if k < count else "none"} for k in range(6)]}

    assert sentence(rows(0)) == "Nothing changed much"
    assert sentence(rows(2)) == "Changed a lot: c0, c1"
    assert sentence(rows(5)) == "Changed a lot: c0, c1, c2 and 2 more"
    other = tmp_path / "other"
    other.mkdir()
    (other / "frames.parquet").write_bytes((results["day"] / "frames.parquet").read_bytes())
    summary = json.loads((results["day"] / "summary.json").read_text())
    summary["bundle"]["model_sha256"] = "0" * 64
    (other / "summary.json").write_text(json.dumps(summary))
    given = ["drift", "--reference", results["day"], "--new", other, "--out", tmp_path / "out"]
    assert main_code(list(map(str, given))) == 0
    assert OTHER_NETWORK in (tmp_path / "out" / "drift.html").read_text()


def test_what_somebody_put_beside_the_figures_is_not_removed(
    results: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["drift", "--reference", results["day"], "--new", results["dusk"], "--out", tmp_path / "d"]
    asked = [str(each) for each in given]
    assert main_code(asked) == 0
    assert main_code(asked) == 0  # its own files it replaces
    (tmp_path / "d" / "notes.txt").write_text("what I saw")
    assert main_code(asked) == 2
    assert "notes.txt" in capsys.readouterr().err
    assert (tmp_path / "d" / "notes.txt").read_text() == "what I saw"
