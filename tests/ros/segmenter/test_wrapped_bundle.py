# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A network of another maker, wrapped and calibrated by the commands, in the real node over real DDS."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from trustseg_interfaces.msg import Segments

from foreign_networks import COLOURS, MEAN, NAMES, STD, Form, labelled_scenes, network, write
from replay_runs import main_code
from ros_probe import HEIGHT, WIDTH, Probe, stamp_ns
from trustseg.bundle.loading import load_bundle
from trustseg.reasons import Outcome
from trustseg_lab.calibrate.fits import verdict_fit
from trustseg_lab.calibrate.fits.dense_fit import DenseSettings

pytestmark = pytest.mark.usefixtures("quick_starts")

SIZE = (48, 64)


def classes_file(path: Path) -> Path:
    """Five classes, of which `building` is an object: `~/segments` gives it its name."""
    lines = ["void: 255", "classes:"]
    for number, (name, colour) in enumerate(zip(NAMES, COLOURS, strict=True)):
        told = str(name == "building").lower()
        lines.append(f"  - {{id: {number}, name: {name}, color: {list(colour)}, is_foreground: {told}}}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def wrapped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle, as `trustseg wrap` and `trustseg calibrate` make it; nobody may change it."""
    folder = tmp_path_factory.mktemp("wrapped")
    model, out = write(folder / "net.onnx", network(Form(end="softmax"))), folder / "engines" / "foreign"
    classes, (mean, std) = classes_file(folder / "classes.yaml"), (",".join(map(str, each)) for each in (MEAN, STD))
    wrap = ["wrap", model, "--classes", classes, "--out", out, "--mean", mean, "--std", std]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verdict_fit, "CANDIDATES", (("pooled", DenseSettings(0, 1e-3, 40)),))
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        assert main_code([*map(str, wrap)]) == 0
        data = labelled_scenes(folder / "data", 101)
        assert main_code(["calibrate", "--bundle", str(out), "--data", data]) == 0
    return out


@pytest.mark.slow
def test_a_wrapped_network_drives(wrapped: Path, segmenter: Callable[..., Any], probe: Probe) -> None:
    """Statuses, mask and class names are that network's; its colours are among those of the probe's scene."""
    heard: list[Segments] = []
    probe.node.create_subscription(Segments, "trustseg/segments", heard.append, 10)
    segmenter(bundle=str(wrapped), output_size="camera")
    probe.connect_pictures()
    image = probe.image()
    status = probe.publish_and_wait(image)
    assert status.outcome == Outcome.PROCESSED
    assert status.calibrated
    bundle = load_bundle(wrapped)
    assert status.model_sha256 == bundle.model("fp32").sha256
    assert status.calibration_sha256 == bundle.calibration_sha256("fp32")
    assert 0.0 < status.mean_confidence < 1.0
    assert 0.0 <= status.failure_score <= 1.0

    def of_it() -> list[Any]:
        return [each for each in probe.pictures["mask"] if stamp_ns(each) == stamp_ns(status)]

    probe.until(of_it, "its mask")
    mask = np.frombuffer(of_it()[-1].data, np.uint8).reshape(HEIGHT, WIDTH)
    assert status.mask_crc32 == zlib.crc32(mask.tobytes())
    scene = np.frombuffer(image.data, np.uint8).reshape(HEIGHT, WIDTH, 3).astype(int)
    nearest = ((scene[:, :, None] - np.array(COLOURS)) ** 2).sum(-1).argmin(-1)
    assert (mask == nearest).mean() > 0.9
    assert mask.max() < len(NAMES)
    probe.until(lambda: any(each.segments for each in heard), "objects", every=probe.publish)
    named = {each.class_name for message in heard for each in message.segments}
    assert named == {"building"}


@pytest.mark.slow
def test_a_wrapped_network_is_timed_through_the_node(wrapped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`trustseg bench --ros`: every frame that was published has its status."""
    capsys.readouterr()
    asked = ("--size", "96x128", "--rounds", "1", "--calls", "20", "--threads", "1", "--ros", "--rate", "4")
    assert main_code(["bench", "--bundle", str(wrapped), *asked, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["bundle"], found["ros"]["sent"], found["ros"]["lost"]) == ("foreign", 20, 0)
    assert found["ros"]["processed"] + found["ros"]["skipped"] == 20
    assert found["ros"]["processed"] >= 10
