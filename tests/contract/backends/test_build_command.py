# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg build` and the plans it makes: what binds one to its machine, and that a good one is never written over."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import helper

from backend_cases import HEIGHT, WIDTH, play_tensorrt
from bundle_factory import make_tiny_bundle
from fake_tensorrt import VERSIONS
from trustseg.backends import create_backend, golden_test
from trustseg.backends.tensorrt.plan_manifest import PlanManifest, plan_place
from trustseg.bundle.loading import load_bundle, sha256_hex
from trustseg.cli.app import main
from trustseg.errors import PlanError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make_tiny_bundle(tmp_path / "engines" / "tiny", height=HEIGHT, width=WIDTH)


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["build", *map(str, arguments)])
    return int(ended.value.code or 0)


@pytest.mark.parametrize("version", VERSIONS)
def test_built_proved_and_loaded(path: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    library, _ = play_tensorrt(monkeypatch, f"tensorrt {version}")
    assert run("--bundle", path, "--workspace-mb", 64) == 0
    bundle = load_bundle(path)
    manifest = PlanManifest.model_validate_json((path / "plans" / "tensorrt_fp32.json").read_bytes())
    assert manifest.onnx_sha256 == bundle.card.models["fp32"].sha256
    assert (manifest.machine.version, manifest.machine.gpu) == (version, "NVIDIA Test GPU")
    assert (manifest.machine.compute_capabilities, manifest.machine.cuda) == (["8.7"], "12.6")
    assert manifest.flags == (["EXPLICIT_BATCH"] if version == "8.6.1" else ["STRONGLY_TYPED"])
    assert library.last_config["WORKSPACE"] == 64 << 20
    assert (path / "plans" / "tensorrt.timing").read_bytes() == b"timings of " + version.encode()
    backend = create_backend("tensorrt", bundle)
    assert golden_test(backend, bundle).passed
    backend.close()
    assert run("--bundle", path, "--check") == 0


def test_older_tensorrt_gets_its_flags(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """8.6 has no strongly typed networks: short types must be allowed by flags, which 11 no longer has."""
    from trustseg.backends.tensorrt.build import _flags

    library, _ = play_tensorrt(monkeypatch, "tensorrt 8.6.1")
    assert [name for name, _ in _flags(library, "fp16")[1]] == ["FP16", "PREFER_PRECISION_CONSTRAINTS"]
    assert [name for name, _ in _flags(library, "int8")[1]] == ["INT8"]
    library, _ = play_tensorrt(monkeypatch, "tensorrt 11.4.0")
    assert _flags(library, "fp16") == ([("STRONGLY_TYPED", library.NetworkDefinitionCreationFlag.STRONGLY_TYPED)], [])


@pytest.fixture
def built(path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    play_tensorrt(monkeypatch, "tensorrt 10.3.0")
    assert run("--bundle", path) == 0
    return path


def change(path: Path, alter: Callable[[dict[str, Any]], None]) -> None:
    manifest = path / "plans" / "tensorrt_fp32.json"
    document = json.loads(manifest.read_text())
    alter(document)
    manifest.write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("alter", "message"),
    [
        (lambda d: d.update(onnx_sha256="0" * 64), "does not fit: onnx_sha256, expected .*, got 0000"),
        (lambda d: d.update(precision="fp16"), "does not fit: precision, expected fp32, got fp16"),
        (lambda d: d.update(bundle="other"), "does not fit: bundle, expected tiny, got other"),
        (lambda d: d.update(input_shape=[1, 96, 64, 3]), "input_shape, expected 1, 48, 64, 3, got 1, 96, 64, 3"),
        (lambda d: d.update(profiles=["a"]), "does not fit: profiles, expected none, got a"),
        (lambda d: d["machine"].update(version="10.13.0"), r"machine.version, expected 10\.3\.0, got 10\.13\.0"),
        (lambda d: d["machine"].update(gpu="NVIDIA Other"), "machine.gpu, expected NVIDIA Test GPU, got NVIDIA Other"),
        (lambda d: d["machine"].update(compute_capabilities=["8.6"]), "compute_capabilities, expected 8.7, got 8.6"),
        (lambda d: d["machine"].update(cuda="11.4"), "machine.cuda, expected 12.6, got 11.4"),
        (lambda d: d["machine"].update(driver="1.2"), "machine.driver, expected .*, got 1.2"),
        (lambda d: d["machine"].update(l4t="36.3"), "machine.l4t, expected none, got 36.3"),
        (lambda d: d.update(plan="../../elsewhere"), "is not valid"),
        (lambda d: d.update(extra=1), "is not valid"),
    ],
)
def test_a_plan_that_does_not_fit_is_never_opened(
    built: Path, monkeypatch: pytest.MonkeyPatch, alter: Callable[[dict[str, Any]], None], message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    change(built, alter)
    import tensorrt

    def never(*_: Any) -> None:
        raise AssertionError("deserialized")

    monkeypatch.setitem(tensorrt.played, "Runtime", never)
    with pytest.raises(PlanError, match=message) as caught:
        create_backend("tensorrt", load_bundle(built))
    assert "trustseg build --bundle tiny --precision fp32" in str(caught.value)
    capsys.readouterr()
    assert run("--bundle", built, "--check") == 1
    assert "trustseg build" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda data: data[:-5], "is truncated, expected"),
        (lambda data: b"", "is truncated, expected"),
        (lambda data: data[:50] + bytes([data[50] ^ 1]) + data[51:], "has been altered, expected SHA-256"),
        (lambda data: data + b"more", "has been altered, expected SHA-256"),
    ],
)
def test_a_plan_whose_bytes_differ_is_never_opened(
    built: Path, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[bytes], bytes], message: str
) -> None:
    (plan,) = (built / "plans").glob("*.plan")
    plan.write_bytes(spoil(plan.read_bytes()))
    import tensorrt

    monkeypatch.setitem(tensorrt.played, "Runtime", None)
    with pytest.raises(PlanError, match=message):
        create_backend("tensorrt", load_bundle(built))


def test_a_plan_may_not_link_out_of_its_folder(built: Path, tmp_path: Path) -> None:
    (plan,) = (built / "plans").glob("*.plan")
    shutil.move(plan, tmp_path / "outside")
    plan.symlink_to(tmp_path / "outside")
    with pytest.raises(PlanError, match="leads out of"):
        create_backend("tensorrt", load_bundle(built))


@pytest.mark.parametrize("trouble", ["parse", "build", "result"])
def test_a_good_plan_is_never_written_over(built: Path, capsys: pytest.CaptureFixture[str], trouble: str) -> None:
    before = {each.name: each.read_bytes() for each in (built / "plans").iterdir()}
    import tensorrt

    if trouble == "parse":
        tensorrt.__dict__["refuse_parse"] = "In node 3: UNSUPPORTED_NODE"
    elif trouble == "build":
        tensorrt.__dict__["refuse_build"] = True
    else:
        tensorrt.__dict__["spoil"] = True
    assert run("--bundle", built) == 2
    told = capsys.readouterr().err
    expected = {"parse": "UNSUPPORTED_NODE", "build": "any implementation", "result": "mask agreement"}[trouble]
    assert expected in told
    assert told.strip().count("\n") == 0
    assert {each.name: each.read_bytes() for each in (built / "plans").iterdir()} == before


def test_a_new_plan_replaces_the_old_one_whole(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    play_tensorrt(monkeypatch, "tensorrt 10.13.0")
    assert run("--bundle", built, "--check") == 1
    assert run("--bundle", built) == 0
    assert len(list((built / "plans").glob("*.plan"))) == 1
    assert run("--bundle", built, "--check") == 0


def test_plans_may_lie_where_the_root_is_read_only(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    play_tensorrt(monkeypatch, "tensorrt 10.3.0")
    monkeypatch.setenv("TRUSTSEG_PLANS", str(tmp_path / "var"))
    assert run("--bundle", path) == 0
    assert plan_place(load_bundle(path), "tensorrt", "fp32").folder == tmp_path / "var" / "tiny"
    assert not (path / "plans").exists()
    create_backend("tensorrt", load_bundle(path)).close()


# Whose plan it is -----------------------------------------------------------------------------------------------------


def plan_of(path: Path) -> Path:
    (plan,) = (path / "plans").glob("*.plan")
    return plan


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: (path / "plans").chmod(0o777),
        lambda path: (path / "plans").chmod(0o775),
        lambda path: (path / "plans" / "tensorrt_fp32.json").chmod(0o666),
        lambda path: (path / "plans" / "tensorrt_fp32.json").chmod(0o664),
        lambda path: plan_of(path).chmod(0o666),
        lambda path: path.chmod(0o777),
    ],
)
def test_a_plan_that_others_can_write_is_not_opened(
    built: Path, capsys: pytest.CaptureFixture[str], spoil: Callable[[Path], None]
) -> None:
    create_backend("tensorrt", load_bundle(built)).close()
    spoil(built)
    with pytest.raises(PlanError, match=r"can be written by others \(mode \d+\), expected its owner alone: chmod go-w"):
        create_backend("tensorrt", load_bundle(built))
    assert run("--bundle", built, "--check") == 1
    assert "chmod go-w" in capsys.readouterr().out


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")
@pytest.mark.parametrize("place", ["plans", "plans/tensorrt_fp32.json", "."])
def test_a_plan_of_another_user_is_not_opened(built: Path, place: str) -> None:
    os.chown(built / place, 65533, 65533)
    with pytest.raises(PlanError, match="belongs to user 65533"):
        create_backend("tensorrt", load_bundle(built))


def test_a_build_makes_what_it_will_open_whatever_the_umask(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    play_tensorrt(monkeypatch, "tensorrt 10.3.0")
    before = os.umask(0o002)
    try:
        assert run("--bundle", path) == 0
    finally:
        os.umask(before)
    create_backend("tensorrt", load_bundle(path)).close()


def test_timings_that_others_could_have_written_are_not_read(built: Path) -> None:
    from trustseg.backends.tensorrt.build import _old_timings

    place = plan_place(load_bundle(built), "tensorrt", "fp32")
    assert _old_timings(place) == b"timings of 10.3.0"
    place.timing_cache.chmod(0o666)
    assert _old_timings(place) == b""


def sign(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["sign", *map(str, arguments)])
    return int(ended.value.code or 0)


def test_where_a_key_is_configured_a_plan_must_be_signed_with_it(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    private, manifest = tmp_path / "fleet.pem", built / "plans" / "tensorrt_fp32.json"
    assert sign("--new-key", private) == 0
    assert sign("--bundle", built, "--key", private) == 0
    monkeypatch.setenv("TRUSTSEG_PUBLIC_KEY", str(tmp_path / "fleet.pub.pem"))
    bundle = load_bundle(built)
    with pytest.raises(PlanError, match=r"is not signed, expected .*tensorrt_fp32\.json\.sig.*trustseg sign --plan"):
        create_backend("tensorrt", bundle)
    assert run("--bundle", built, "--check") == 1
    assert sign("--plan", manifest, "--key", private) == 0
    create_backend("tensorrt", bundle).close()
    assert run("--bundle", built, "--check") == 0
    change(built, lambda m: m.update(build_s=1.0))
    with pytest.raises(PlanError, match=r"the signature of .* is wrong"):
        create_backend("tensorrt", bundle)
    assert sign("--plan", manifest, "--key", private) == 0
    data = bytearray(plan_of(built).read_bytes())
    data[-1] ^= 1
    plan_of(built).write_bytes(data)
    with pytest.raises(PlanError, match="has been altered"):
        create_backend("tensorrt", bundle)
    capsys.readouterr()
    assert sign("--plan", built / "nothing.json", "--key", private) == 2
    assert sign("--plan", manifest, "--bundle", built, "--key", private) == 2
    assert capsys.readouterr().err.count("\n") == 2


# The real builder, without a GPU --------------------------------------------------------------------------------------


def test_ahead_of_time_for_named_gpus(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tensorrt_rtx_bindings", reason="TensorRT-RTX wheels are not installed")
    arguments = ("--bundle", path, "--backend", "tensorrt-rtx")
    assert run(*arguments, "--compute-capability", "8.6", "--compute-capability", "8.9", "--json") == 0
    (manifest,) = json.loads(capsys.readouterr().out)
    assert manifest["machine"]["compute_capabilities"] == ["8.6", "8.9"]
    assert (path / "plans" / manifest["plan"]).stat().st_size == manifest["plan_bytes"]
    assert run(*arguments, "--check") == 0
    capsys.readouterr()
    assert run(*arguments, "--compute-capability", "8.7") == 2
    told = capsys.readouterr().err
    assert "expected one of 7.5" in told
    assert "a Jetson Orin (8.7) builds its own plan" in told


def with_graph(path: Path, alter: Callable[[onnx.ModelProto], None]) -> Path:
    model = onnx.load(path / "model.onnx")
    alter(model)
    data = model.SerializeToString()
    (path / "model.onnx").write_bytes(data)
    card = json.loads((path / "card.json").read_text())
    card["models"]["fp32"].update(sha256=sha256_hex(data), size_bytes=len(data))
    (path / "card.json").write_text(json.dumps(card))
    return path


def external(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer[0]
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../../etc/passwd"
    tensor.data_location = onnx.TensorProto.EXTERNAL


@pytest.mark.parametrize(
    ("alter", "message"),
    [
        (lambda m: m.graph.node.append(helper.make_node("MyOwn", ["labels"], ["x"], domain="com.example")),
         "operator domains that TensorRT does not take, got com.example"),
        (external, "refers to data outside itself"),
    ],
)  # fmt: skip
def test_a_graph_that_must_not_be_built_is_refused_first(
    path: Path, capsys: pytest.CaptureFixture[str], alter: Callable[[onnx.ModelProto], None], message: str
) -> None:
    with_graph(path, alter)
    assert run("--bundle", path) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--backend", "tensorflow"], "no such builder, expected tensorrt or tensorrt-rtx"),
        (["--backend", "tensorrt-rtx"], "which GPUs to build for"),
        (["--compute-capability", "8.6"], "which GPUs to build for"),
        (["--precision", "int4"], "no model in precision 'int4'"),
    ],
)
def test_bad_input_is_one_line(
    path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert run("--bundle", path, *arguments) == 2
    told = capsys.readouterr().err.strip()
    assert message in told
    assert told.count("\n") == 0


def test_check_says_what_is_missing_here(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--bundle", path, "--check", "--json") == 1
    problems = json.loads(capsys.readouterr().out)["problems"]
    assert "run `trustseg build --bundle tiny --precision fp32` on this machine" in problems["fp32"]
