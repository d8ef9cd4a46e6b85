# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg verify`: exit code and figures of a sound, an altered, a broken and a missing bundle."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from backend_cases import play_tensorrt
from bundle_factory import make_tiny_bundle
from trustseg.backends import select_backend
from trustseg.bundle.loading import load_bundle
from trustseg.bundle.signature import signature_policy
from trustseg.cli.app import main
from trustseg.errors import BundleError, SelfTestError


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
    assert out.count("sound") == 5
    assert "admitted" in out
    assert "…" not in out  # nothing is cut off at 80 columns


def test_json_is_one_document(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--bundle", str(path), "--json")
    document = json.loads(out)
    assert code == 0
    assert document["passed"] is True
    golden = document["golden_verdict"]
    assert 0.0 <= golden["failure_score"] < 0.5 < golden["predicted_miou"] <= 1.0
    assert golden["miou_lower_bound"] < golden["predicted_miou"]
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


# Signature, speed, plans --------------------------------------------------------------------------------------------


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, Path]:
    """(private, public)."""
    assert sign("--new-key", str(tmp_path / "fleet.pem")) == 0
    return tmp_path / "fleet.pem", tmp_path / "fleet.pub.pem"


def sign(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(["sign", *arguments])
    return int(caught.value.code or 0)


def test_a_signed_bundle_is_admitted(
    path: Path, keys: tuple[Path, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    private, public = keys
    assert private.stat().st_mode & 0o077 == 0
    assert sign("--bundle", str(path), "--key", str(private)) == 0
    capsys.readouterr()
    code, out, _ = run(capsys, "--bundle", str(path), "--backend", "onnxruntime", "--public-key", str(public), "--json")
    assert code == 0
    assert json.loads(out)["files"][0] == {"file": "signature by fleet.pub.pem", "passed": True, "why": ""}
    monkeypatch.setenv("TRUSTSEG_PUBLIC_KEY", str(public))
    assert load_bundle(path).card.name == "tiny"  # what the node calls


@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_key_does_not_let_everything_pass(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("TRUSTSEG_PUBLIC_KEY", value)
    code, _, err = run(capsys, "--bundle", str(path))
    assert code == 2
    assert err.startswith("trustseg: TRUSTSEG_PUBLIC_KEY is empty, expected the path of an Ed25519 public key")
    assert err.count("\n") == 1
    with pytest.raises(BundleError, match="TRUSTSEG_PUBLIC_KEY is empty"):
        load_bundle(path)
    with pytest.raises(BundleError, match="TRUSTSEG_PUBLIC_KEY is empty"):
        signature_policy()


def test_whether_signatures_are_checked_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRUSTSEG_PUBLIC_KEY", raising=False)
    assert signature_policy() == "signatures of bundles and plans are NOT checked (TRUSTSEG_PUBLIC_KEY is not set)"
    monkeypatch.setenv("TRUSTSEG_PUBLIC_KEY", "/etc/trustseg/fleet.pub.pem")
    assert signature_policy() == "signatures of bundles and plans are checked with /etc/trustseg/fleet.pub.pem"


def unsigned(path: Path) -> None:
    (path / "card.json.sig").unlink()


def another_key(path: Path) -> None:
    (path / "card.json.sig").unlink()
    sign("--new-key", str(path / "other.pem"))
    sign("--bundle", str(path), "--key", str(path / "other.pem"))


def altered_card(path: Path) -> None:
    card = path / "card.json"
    card.write_text(card.read_text().replace("Nearest-colour", "Any"))


def malformed(path: Path) -> None:
    (path / "card.json.sig").write_text("c2hvcnQ=\n")


def no_base64(path: Path) -> None:
    (path / "card.json.sig").write_text("!!")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (unsigned, "card.json is not signed, expected"),
        (another_key, "is wrong, expected one by the key fleet.pub.pem"),
        (altered_card, "another key, or an altered card"),
        (malformed, "is malformed, expected 64 bytes in base64, got 5"),
        (no_base64, "cannot be read"),
    ],
)
def test_what_is_not_signed_with_the_key_is_not_opened(
    path: Path, keys: tuple[Path, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    spoil: Callable[[Path], None], message: str,
) -> None:  # fmt: skip
    private, public = keys
    sign("--bundle", str(path), "--key", str(private))
    spoil(path)
    capsys.readouterr()
    monkeypatch.setenv("TRUSTSEG_PUBLIC_KEY", str(public))
    code, _, err = run(capsys, "--bundle", str(path))
    assert code == 2
    assert message in err
    assert "trustseg sign --bundle tiny --key PRIVATE.pem" in err
    with pytest.raises(BundleError):
        load_bundle(path)


def test_keys_that_cannot_be_used(
    path: Path, keys: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    private, _ = keys
    before = private.read_bytes()
    assert sign("--new-key", str(private)) == 2  # never over a key that is there
    assert private.read_bytes() == before
    (tmp_path / "text.pem").write_text("no key")
    assert sign("--bundle", str(path), "--key", str(tmp_path / "text.pem")) == 2
    assert run(capsys, "--bundle", str(path), "--public-key", str(tmp_path / "text.pem"))[0] == 2
    assert run(capsys, "--bundle", str(path), "--public-key", str(private))[0] == 2
    assert sign("--bundle", str(path)) == 2
    assert not (path / "card.json.sig").exists()


def test_too_slow_is_refused(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--bundle", str(path), "--backend", "onnxruntime", "--budget-ms")
    code, out, _ = run(capsys, *arguments, "0.0001")
    assert code == 1
    assert "expected at most 0.0001" in " ".join(out.split())
    assert run(capsys, *arguments, "60000")[0] == 0
    with pytest.raises(SelfTestError, match=r"expected at most 0\.0001"):
        select_backend("onnxruntime", load_bundle(path), budget_ms=0.0001)


def test_a_plan_of_another_machine_is_refused_by_name(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    play_tensorrt(monkeypatch, "tensorrt 10.3.0")
    with pytest.raises(SystemExit):
        main(["build", "--bundle", str(path)])
    assert run(capsys, "--bundle", str(path), "--backend", "tensorrt")[0] == 0
    play_tensorrt(monkeypatch, "tensorrt 10.3.0 mapped")  # the same TensorRT on a Jetson
    code, out, _ = run(capsys, "--bundle", str(path), "--backend", "tensorrt,onnxruntime")
    assert code == 1
    assert "machine.gpu, expected Orin, got NVIDIA Test GPU" in " ".join(out.split())
    assert "trustseg build --bundle tiny" in " ".join(out.split())
    assert select_backend("tensorrt,onnxruntime", load_bundle(path)).name == "onnxruntime"
