# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Two networks in one node, over real DDS: the light one serves while the heavy one is slow; the flag stays down."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from sensor_msgs.msg import Image
from trustseg_interfaces.msg import SegmentationStatus

from bundle_factory import RED_AND_BLUE, make_tiny_bundle
from ros_probe import HEIGHT, WIDTH, Diagnoses, Probe, stamp_ns
from trustseg.bundle.loading import load_bundle
from trustseg.reasons import Outcome, Reason
from trustseg_ros.common.qos import output_qos

pytestmark = pytest.mark.usefixtures("quick_starts")

# A frame that is late by a tenth of the budget, and a trial that is, leave a fifth of a second until the stream is
# stale (docs/safety.md#bounds).
RATE_HZ = 4.0
SLOW = {"camera_rate_hz": RATE_HZ, "latency_budget_ms": 250.0}
LIGHT = int(Reason.LIGHT_NETWORK)
# The node of the product, but for how long it waits at the least until it tries the heavy network again: two windows in
# place of the ten that the monitor looks back for lost frames. A late one it looks back for three frames only.
IMPATIENT_NODE = """
import sys
from trustseg_ros.segmenter import node
from trustseg_ros.segmenter.backend import network_choice
network_choice.LONG_WINDOWS = 2
sys.exit(node.main())
"""
OF_TIME = Reason.LATENCY | Reason.BACKLOG


@pytest.fixture
def camera() -> Iterator[Probe]:
    made = Probe(rate_hz=RATE_HZ)
    yield made
    made.close()


@pytest.fixture
def heavy(tmp_path: Path) -> Path:
    return make_tiny_bundle(tmp_path / "engines" / "heavy", height=HEIGHT, width=WIDTH, pair=True)


@pytest.fixture
def light(tmp_path: Path) -> Path:
    return make_tiny_bundle(tmp_path / "engines" / "light", height=HEIGHT, width=WIDTH, unknown=True)


def fault(probe: Probe, kind: str) -> None:
    value = ParameterValue(type=ParameterType.PARAMETER_STRING, string_value=kind)
    request = SetParameters.Request(parameters=[Parameter(name="fault", value=value)])
    assert probe.call(SetParameters, "trustseg/set_parameters", request).results[0].successful


def processed(statuses: list[SegmentationStatus]) -> list[SegmentationStatus]:
    return [each for each in statuses if each.outcome == Outcome.PROCESSED]


@pytest.mark.alone
def test_the_light_network_serves_while_the_heavy_one_is_slow_and_the_flag_stays_down(
    start_process: Callable[..., Any], monitor: Callable[..., Any], camera: Probe, heavy: Path, light: Path,
    tmp_path: Path,
) -> None:  # fmt: skip
    own, other = (load_bundle(each) for each in (heavy, light))
    of_heavy = (own.model("fp32").sha256, own.calibration_sha256("fp32"))
    of_light = (other.model("fp32").sha256, other.calibration_sha256("fp32"))

    def identity(status: SegmentationStatus) -> tuple[str, str]:
        return status.model_sha256, status.calibration_sha256

    (program := tmp_path / "impatient_node.py").write_text(IMPATIENT_NODE)
    given = {"bundle": heavy, "light_bundle": light, "backend": "onnxruntime", **SLOW}
    switches = ("-p", "autostart:=true", "-p", "fault_injection:=true")
    parameters = [part for name, value in given.items() for part in ("-p", f"{name}:={value}")]
    start_process(sys.executable, program, "--ros-args", *switches, *parameters, name="segmenter")
    monitor(**SLOW)
    unknown: list[Image] = []
    camera.node.create_subscription(Image, "trustseg/unknown", unknown.append, output_qos())
    told = Diagnoses(camera)
    camera.drive_until_ok()
    assert {identity(each) for each in processed(camera.statuses)} == {of_heavy}
    assert not any(each.reasons & LIGHT for each in camera.statuses)
    assert unknown == []  # the heavy network has no plane

    fault(camera, "slow_engine")
    begun, seen = len(camera.statuses), len(camera.verdicts)
    camera.until(
        lambda: processed(camera.statuses[begun:])[-1:] and camera.verdicts[-1].reasons & LIGHT and unknown,
        "masks of the light network, and its plane", every=camera.publish,
    )  # fmt: skip
    slow = processed(camera.statuses[begun:])
    late = [each for each in slow if identity(each) == of_heavy and Reason(each.reasons) & Reason.LATENCY]
    assert len(late) == 1  # the next frame is the light network's
    after = slow[slow.index(late[0]) + 1 :]
    assert after
    assert {identity(each) for each in after} == {of_light}
    assert all(each.reasons & LIGHT for each in after)
    assert {each.backend for each in after} == {"onnxruntime"}

    fault(camera, "")
    camera.until(
        lambda: identity(camera.statuses[-1]) == of_heavy and not camera.verdicts[-1].reasons & LIGHT,
        "the heavy network again", every=camera.publish,
    )  # fmt: skip
    answered = processed(camera.statuses[begun:])
    # One change each way, and a mask for each frame of either.
    names = [identity(each) == of_light for each in answered]
    assert sum(earlier != later for earlier, later in pairwise(names)) == 2
    by_light = {stamp_ns(each) for each in answered if each.reasons & LIGHT}
    assert by_light == {stamp_ns(each) for each in answered if identity(each) == of_light}
    camera.until(lambda: by_light <= {stamp_ns(each) for each in camera.pictures["mask"]}, "their masks")
    assert {stamp_ns(each) for each in unknown} <= by_light
    others = [each for each in camera.statuses[begun:] if each is not late[0]]
    if not any(Reason(each.reasons) & ~Reason.LIGHT_NETWORK for each in others):  # the machine itself was in time
        assert not any(each.failure for each in camera.verdicts[seen:])
    name = next(each for each in told.newest if each.endswith("engine"))
    camera.until(lambda: told.values(name).get("network switches") == "2", "/diagnostics", every=camera.publish)
    assert told.values(name)["network"] == "heavy"


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("same", "expected another network than bundle heavy"),
        ("classes", "expected class 10 bicyclist, as bundle heavy, got class 10 rider"),
        ("size", f"expected images of {HEIGHT}x{WIDTH} rgb, 1 a call, as bundle heavy"),
        ("altered", "light"),
    ],
)
def test_a_light_bundle_that_would_change_what_a_label_means_is_refused(
    start_node: Callable[..., Any], probe: Probe, heavy: Path, tmp_path: Path, what: str, said: str
) -> None:
    classes = [each.name for each in load_bundle(heavy).card.classes]
    size = {"height": HEIGHT, "width": WIDTH}
    path = tmp_path / "engines" / "light"
    if what == "same":
        path = heavy
    elif what == "classes":
        make_tiny_bundle(path, [*classes[:-1], "rider"], **size)
    elif what == "size":
        make_tiny_bundle(path, height=HEIGHT // 2, width=WIDTH // 2)
    else:
        make_tiny_bundle(path, channels=RED_AND_BLUE, **size)
        (path / "model.onnx").write_bytes(b"x" + (path / "model.onnx").read_bytes()[1:])
    start_node("segmenter", {"bundle": str(heavy), "light_bundle": str(path), "backend": "onnxruntime"})
    request = ChangeState.Request(transition=Transition(id=Transition.TRANSITION_CONFIGURE))
    assert not probe.call(ChangeState, "trustseg/change_state", request).success
    probe.until(lambda: probe.statuses, "the complaint")
    assert Reason(probe.statuses[-1].reasons) == Reason.MODEL_INTEGRITY
    assert said in (tmp_path / "segmenter.log").read_text()
