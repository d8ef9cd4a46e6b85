# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""No library reports to its maker: names looked up, connections, and files left under the home folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from bag_factory import shots, write_bag
from bundle_factory import make_tiny_bundle, paint_scene
from name_lookups import Watch, make_watch
from trustseg.host import telemetry


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    return make_watch(tmp_path)


def run(watch: Watch, *command: str | Path) -> str:
    """Run Python with the watching library in front: what it says."""
    line = [sys.executable, *map(str, command)]
    ended = subprocess.run(
        line, env=watch.environment(dict(os.environ)), capture_output=True, text=True, check=False, cwd=watch.home
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def assert_nothing_was_told(watch: Watch) -> None:
    assert watch.asked() == []
    assert watch.left_behind() == []


def test_the_watch_sees_a_name_a_connection_and_a_file(watch: Watch) -> None:
    program = (
        "import socket, pathlib\n"
        "try:\n    socket.getaddrinfo('reports.invalid', 443)\nexcept OSError: pass\n"
        "s = socket.socket(); s.settimeout(0.01)\n"
        "try:\n    s.connect(('192.0.2.1', 443))\nexcept OSError: pass\n"
        "pathlib.Path.home().joinpath('deviceid').write_text('x')\n"
    )
    run(watch, "-c", program)
    assert watch.asked() == ["name reports.invalid", "connect 192.0.2.1"]
    assert watch.left_behind() == ["deviceid"]


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_a_replay_tells_nobody(watch: Watch, tmp_path: Path, backend: str) -> None:
    bundle = make_tiny_bundle(tmp_path / "engines" / "tiny")
    bag = write_bag(tmp_path / "bag", shots(4))
    run(watch, "-m", "trustseg", "replay", bag, "--bundle", bundle, "--backend", backend, "--out", tmp_path / "out")
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["bundle"]["backend"].startswith(backend)
    assert_nothing_was_told(watch)


def test_a_training_and_its_export_tell_nobody(watch: Watch, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the training extra (torch) is not installed")
    from tiny_training import write_set

    sets = {name: write_set(tmp_path / name, 4, seed) for name, seed in (("train", 1), ("val", 2))}
    config = {
        "data": {"height": 40, "width": 48},
        "model": {"widths": [4, 6, 8], "encoder_convs": [1, 1, 2], "decoder_convs": [1, 1, 2], "dropout": 0},
        "optim": {"epochs": 1, "batch": 2},
        "threads": 1,
    }
    (tmp_path / "own.yaml").write_text(json.dumps(config))
    classes = {
        "void": 9,
        "classes": [{"id": i, "name": n, "color": [i, 0, 0]} for i, n in enumerate(("left", "right", "spot"))],
    }
    (tmp_path / "classes.yaml").write_text(json.dumps(classes))
    folders = [
        part
        for name, prefix in (("train", "--"), ("val", "--val-"))
        for part in (f"{prefix}images", sets[name].images, f"{prefix}labels", sets[name].labels)
    ]
    files = ("--config", tmp_path / "own.yaml", "--classes", tmp_path / "classes.yaml", "--out", tmp_path / "run")
    # The command as `python -m trustseg` starts it, and in the same process, which has PyTorch, what an export loads.
    program = (
        "import runpy\n"
        "try:\n    runpy.run_module('trustseg', run_name='__main__', alter_sys=True)\n"
        "except SystemExit as ended:\n    assert not ended.code\n"
        "import trustseg_lab.training.export.checkpoint_to_graph, trustseg_lab.training.export.write_bundle\n"
        "import trustseg_lab.precision.parity\n"
        "print('loaded')\n"
    )
    assert run(watch, "-c", program, "train", *files, *folders).endswith("loaded\n")
    assert list((tmp_path / "run").glob("*.safetensors"))
    assert_nothing_was_told(watch)


def test_an_evaluation_tells_nobody(watch: Watch, tmp_path: Path) -> None:
    bundle = make_tiny_bundle(tmp_path / "engines" / "tiny")
    for name in ("images", "labels"):
        (tmp_path / name).mkdir()
    cv2.imwrite(str(tmp_path / "images" / "a.png"), paint_scene(96, 128))
    cv2.imwrite(str(tmp_path / "labels" / "a.png"), paint_scene(96, 128)[:, :, 0] * 0)
    given = ("--images", tmp_path / "images", "--labels", tmp_path / "labels", "--void", "255", "--out", tmp_path / "o")
    run(watch, "-m", "trustseg", "evaluate", "--bundle", bundle, *given)
    assert_nothing_was_told(watch)


def test_every_process_that_loads_the_library_has_opted_out() -> None:
    program = "import os, sys, trustseg.errors; print(dict(os.environ), 'openvino_telemetry' in sys.modules)"
    bare = {name: value for name, value in os.environ.items() if name not in telemetry.OPT_OUT}
    bare["ORT_DISABLE_TELEMETRY"] = "0"  # a wish to be reported on does not hold on a vehicle
    told = subprocess.run([sys.executable, "-c", program], env=bare, capture_output=True, text=True, check=True).stdout
    for name, value in telemetry.OPT_OUT.items():
        assert f"'{name}': '{value}'" in told
    assert told.strip().endswith("True")


def test_openvino_runs_without_its_reporting_module() -> None:
    import openvino

    assert sys.modules["openvino_telemetry"] is None
    assert openvino.convert_model is not None
