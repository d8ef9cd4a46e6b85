# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg bench` from the command line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import onnx
import pytest

from backend_cases import has_bfloat16
from bag_factory import shots, write_bag
from bundle_factory import make_tiny_bundle
from trustseg.bundle.loading import sha256_hex
from trustseg.cli.app import main
from trustseg_lab.bench import path_timing as bench
from trustseg_lab.bench import roofline
from trustseg_lab.precision.half import to_half


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_bundle(tmp_path_factory.mktemp("bench") / "engines" / "tiny")


def run(*arguments: object) -> int:
    """Exit code of the command."""
    with pytest.raises(SystemExit) as ended:
        main(["bench", *map(str, arguments)])
    return int(ended.value.code or 0)


ENGINES_QUICK = ("--rounds", 1, "--calls", 3, "--threads", 1)
QUICK = ("--size", "96x128", *ENGINES_QUICK)


def test_json_has_budget_and_figures_of_every_backend(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--bundle", tiny, "--backend", "all", "--json", *QUICK) == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["height"], printed["width"], printed["bundle"]) == (96, 128, "tiny")
    assert [path["backend"] for path in printed["paths"]] == ["onnxruntime", "openvino"]
    assert [stage["name"] for stage in printed["budget"]] == [stage.name for stage in bench.BUDGET]
    assert printed["paths"][0]["engine"]["median_ms"] > 0
    timed = {stage.name for stage in bench.BUDGET if stage.part not in ("engine", "ros")}
    assert set(printed["paths"][0]["stages"]) == timed >= {"judge", "objects"}
    assert printed["ros"] is None


def test_budget_stands_first(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--bundle", tiny, "--backend", "onnxruntime", *QUICK) == 0
    printed = capsys.readouterr().out
    assert printed.index("budget") < printed.index("pipeline adds") < printed.index("onnxruntime engine")


@pytest.mark.parametrize(("budget_ms", "code"), [(1e6, 0), (0.0, 1)])
def test_check_makes_a_missed_budget_the_exit_code(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, budget_ms: float, code: int
) -> None:
    monkeypatch.setattr(bench, "PIPELINE_BUDGET_MS", budget_ms)
    assert run("--bundle", tiny, "--backend", "onnxruntime", "--check", *QUICK) == code


def test_bad_input_is_one_line_and_exit_2(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, words in (
        (("--size", "big"), "--size is wrong"),
        (("--backend", "abacus"), "no such backend"),
        (("--bundle", "nowhere"), "no bundle"),
    ):
        assert run("--bundle", tiny, *arguments) == 2
        printed = capsys.readouterr().err.strip().splitlines()
        assert len(printed) == 1
        assert words in printed[0]


def test_every_precision_in_one_table_with_its_bound(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roofline, "PEAK_SECONDS", 0.01)
    path = make_tiny_bundle(tmp_path / "engines" / "tiny", verdict=False)  # a draft: engines alone are timed
    made = to_half(onnx.load(path / "model.onnx")).SerializeToString()
    (path / "model_fp16.onnx").write_bytes(made)
    card = json.loads((path / "card.json").read_text())
    card["models"]["fp16"] = {"file": "model_fp16.onnx", "sha256": sha256_hex(made), "size_bytes": len(made)}
    (path / "card.json").write_text(json.dumps(card))
    assert run("--bundle", path, "--backend", "all", "--precision", "all", "--json", *ENGINES_QUICK) == 0
    printed = json.loads(capsys.readouterr().out)
    kinds = {tuple(each["kind"].values()) for each in printed["engines"]}
    assert kinds == {
        (backend, precision, "f32") for backend in ("onnxruntime", "openvino") for precision in ("fp32", "fp16")
    } | ({("openvino", "fp32", "bf16"), ("openvino", "fp16", "bf16")} if has_bfloat16() else set())
    first = printed["engines"][0]
    assert first["mask_agreement"] == 1.0
    assert 0 < first["peak_share"] < 1
    assert first["bound_ms"] == pytest.approx(first["peak_share"] * first["timing"]["median_ms"])
    assert set(printed["peaks"]) == ({"f32", "bf16"} if has_bfloat16() else {"f32"})
    assert run("--bundle", path, "--backend", "onnxruntime", "--precision", "all", *ENGINES_QUICK) == 0
    assert "of peak" in capsys.readouterr().out


def test_a_replay_is_measured_against_decoding_and_inference_alone(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = shots(6)
    images[2] = replace(images[2], changes={"data": images[2].image.ravel()[:-5]})
    bag = write_bag(tmp_path / "bag", images)
    more = ("--bundle", tiny, "--rounds", 2, "--threads", 1, "--json")
    run("--replay", bag, *more)
    found = json.loads(capsys.readouterr().out)
    assert found["frames"] == 5  # the damaged one is not decoded
    assert len(found["shares"]) == 2
    assert found["within_budget"] == (found["share"] >= 0.9)
    assert 0 < min(found["shares"]) <= found["share"] <= max(found["shares"])
    assert run("--replay", tmp_path / "nothing", *more) == 2
    assert "there is no" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["bag"]
