"""`trustseg verify`: exit code and figures of a sound, an altered, a broken and a missing bundle."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from bundle_factory import make_tiny_bundle
from trustseg.cli.app import main


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "80")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main(["verify", *arguments])
    text = capsys.readouterr()
    return int(caught.value.code or 0), text.out, text.err


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make_tiny_bundle(tmp_path / "engines" / "tiny", height=48, width=64)


def test_sound_bundle(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--bundle", str(path))
    assert code == 0
    assert out.count("passed") == 2
    assert out.count("sound") == 4
    assert "admitted" in out
    assert "…" not in out  # nothing is cut off at 80 columns


def test_json_is_one_document(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--bundle", str(path), "--json")
    document = json.loads(out)
    assert code == 0
    assert document["passed"] is True
    assert {b["name"]: b["passed"] for b in document["backends"] if not b["missing"]} == {
        "onnxruntime": True,
        "openvino": True,
    }
    assert all(b["mask_agreement"] >= 0.995 and b["engine_ms"] > 0 for b in document["backends"] if not b["missing"])


@pytest.mark.parametrize("name", ["model.onnx", "verdict.json", "golden.png", "golden.npz"])
def test_altered_file_is_refused_and_nothing_is_run(path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    data = bytearray((path / name).read_bytes())
    data[-1] ^= 1
    (path / name).write_bytes(data)
    code, out, _ = run(capsys, "--bundle", str(path), "--json")
    document = json.loads(out)
    assert code == 1
    assert document["passed"] is False
    assert document["backends"] == []
    assert [f["passed"] for f in document["files"]].count(False) == 1
    assert any("has been altered" in f["why"] and name in f["why"] for f in document["files"])


def test_broken_weights_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = make_tiny_bundle(tmp_path / "engines" / "broken", height=48, width=64, broken="nan")
    code, out, _ = run(capsys, "--bundle", str(path), "--backend", "onnxruntime")
    assert code == 1
    assert "non-finite logits" in out
    assert "admitted" not in out


def test_missing_backend_is_no_fault_of_the_bundle(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    code, out, _ = run(capsys, "--bundle", str(path))
    assert code == 0
    assert "not installed" in out
    assert run(capsys, "--bundle", str(path), "--backend", "openvino")[0] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--bundle", "no_such_bundle"], "no bundle 'no_such_bundle'"),
        (["--bundle", "{path}", "--backend", "tensorflow"], "no such backend"),
        (["--bundle", "{path}", "--precision", "int3"], "no model in precision 'int3'"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(
    path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    code, out, err = run(capsys, *(a.format(path=path) for a in arguments))
    assert code == 2
    assert out == ""
    assert err.startswith("trustseg: ")
    assert message in err
    assert err.count("\n") == 1
