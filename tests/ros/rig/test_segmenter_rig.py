# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Several cameras in one process: nobody starves, each has its own node and evidence, and a hang ends them all."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.msg import Parameter, ParameterValue
from rcl_interfaces.srv import SetParameters

from bundle_factory import make_tiny_bundle
from patience import WAIT_S
from rig_probe import RigProbe
from ros_probe import HEIGHT, WIDTH
from trustseg.bundle.loading import load_bundle
from trustseg.reasons import Outcome, Reason
from trustseg_ros.rig.node import CAMERA_NODE
from trustseg_ros.segmenter.supervisor import EXIT_HUNG

pytestmark = pytest.mark.usefixtures("quick_starts")

StartNode = Callable[..., "subprocess.Popen[bytes]"]
CAMERAS = "front,left,right"


@pytest.fixture
def probe() -> Iterator[RigProbe]:
    made = RigProbe({"front": 4, "left": 1, "right": 1})
    yield made
    made.close()


def test_no_camera_starves_beside_one_that_sends_four_times_as_much(
    rig: StartNode, probe: RigProbe, tmp_path: Path
) -> None:
    rig()
    cameras = probe.cameras
    probe.drive(lambda: all(each.processed() >= 20 for each in cameras.values()), "20 processed frames of each camera")
    probe.settle()
    for name, camera in cameras.items():
        frames = [s for s in camera.statuses if s.outcome != Outcome.NO_FRAME]
        last = frames[-1]
        # One status a frame, whatever the others send, and no number of another camera in between.
        assert last.received == last.processed + last.skipped + last.rejected, name
        # What it said before DDS had connected this reader is not owed.
        assert last.received - frames[0].received == len(frames) - 1, name
        assert [s.seq for s in frames] == list(range(frames[0].seq, frames[0].seq + len(frames))), name
        assert last.rejected == 0, name
    assert len({camera.statuses[-1].instance_id for camera in cameras.values()}) == 3
    # What overtakes a frame is a newer one of the same camera. Of four at once a busy machine may get one alone.
    probe.drive(
        lambda: cameras["left"].statuses[-1].received < cameras["front"].statuses[-1].received, "more of the busy one"
    )
    probe.settle()
    probe.until(
        lambda: (
            {f"{name}/{CAMERA_NODE}: {task}" for name in cameras for task in ("input", "engine", "evidence")}
            <= set(probe.diagnostics)
        ),
        "diagnostics of each camera",
    )

    # Each has its own lifecycle: one is deactivated, the others go on.
    request = ChangeState.Request(transition=Transition(id=Transition.TRANSITION_DEACTIVATE))
    assert probe.call(ChangeState, "left/trustseg/change_state", request).success
    assert not probe.call(ChangeState, "left/trustseg/change_state", request).success  # which ends none of them
    before = {name: each.processed() for name, each in cameras.items()}
    probe.drive(
        lambda: all(cameras[n].processed() >= before[n] + 10 for n in ("front", "right")), "frames of the others"
    )
    assert cameras["left"].processed() == before["left"]
    probe.until(lambda: cameras["left"].statuses[-1].reasons == int(Reason.NODE_INACTIVE), "word of the one that rests")
    request = ChangeState.Request(transition=Transition(id=Transition.TRANSITION_ACTIVATE))
    assert probe.call(ChangeState, "left/trustseg/change_state", request).success
    probe.drive(lambda: cameras["left"].processed() > before["left"], "frame of the camera that came back")
    assert (tmp_path / "rig.log").read_text().count("configured: bundle") == 3


def test_a_hang_of_one_cameras_engine_ends_the_process(rig: StartNode, probe: RigProbe, tmp_path: Path) -> None:
    process = rig(fault_injection=True)
    probe.drive(lambda: all(each.processed() for each in probe.cameras.values()), "frame of each camera")
    assert all(each.statuses[-1].fault_injection for each in probe.cameras.values())
    hang = Parameter(name="fault", value=ParameterValue(type=4, string_value="backend_hangs"))
    result = probe.call(SetParameters, "left/trustseg/set_parameters", SetParameters.Request(parameters=[hang]))
    assert result.results[0].successful, result
    probe.drive(lambda: process.poll() is not None, "end of the process")
    assert process.returncode == EXIT_HUNG
    assert "has not answered" in (tmp_path / "rig.log").read_text()


def test_a_camera_without_time_for_the_heavy_network_takes_the_light_one(
    rig: StartNode, probe: RigProbe, tmp_path: Path
) -> None:
    size = {"height": HEIGHT, "width": WIDTH}
    light = make_tiny_bundle(tmp_path / "engines" / "light", pair=True, **size)
    rig(light_bundle=str(light), fault_injection=True)
    probe.drive(lambda: all(each.processed() for each in probe.cameras.values()), "frame of each camera")
    slow = Parameter(name="fault", value=ParameterValue(type=4, string_value="slow_engine"))
    result = probe.call(SetParameters, "left/trustseg/set_parameters", SetParameters.Request(parameters=[slow]))
    assert result.results[0].successful, result
    sha256 = load_bundle(light).model("fp32").sha256
    left = probe.cameras["left"]
    probe.drive(lambda: left.statuses[-1].reasons & Reason.LIGHT_NETWORK, "the light network")
    assert left.statuses[-1].model_sha256 == sha256
    before = {name: each.processed() for name, each in probe.cameras.items()}
    probe.drive(lambda: all(e.processed() > before[n] for n, e in probe.cameras.items()), "frames of all cameras")


@pytest.mark.parametrize(
    ("arguments", "parameters", "line"),
    [
        ((), {"cameras": ""}, "parameter cameras"),
        ((), {"cameras": "front,front"}, "parameter cameras"),
        ((), {"camera": "front"}, "unknown parameter 'camera'"),
        (("-r", "__ns:=/car"), {}, "expected /front/trustseg"),
        (("-r", "image:=/top"), {}, "the images of camera left, expected a topic of its own, got /top, as of front"),
        (
            ("-r", "/left/image:=/front/image/compressed"),
            {"image_transport": "compressed"},
            "the images of camera left, expected a topic of its own, got /front/image/compressed, as of front",
        ),
    ],
)
def test_what_cannot_be_a_rig_is_refused_with_one_line(
    rig: StartNode, arguments: Sequence[str], parameters: dict[str, object], line: str, tmp_path: Path
) -> None:
    process = rig(*arguments, **parameters)
    assert process.wait(WAIT_S) == 2
    said = [each for each in (tmp_path / "rig.log").read_text().splitlines() if each.startswith("trustseg: ")]
    assert len(said) == 1
    assert line in said[0]
