# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Three cameras, their monitors and the rig's over real processes: whose fault raises which flag."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from trustseg_interfaces.msg import FailureState

from patience import WAIT_S
from rig_probe import RigProbe
from trustseg.reasons import Reason, State
from trustseg_ros.common.integrity import is_intact
from trustseg_ros.planner.guard import FailureGuard

pytestmark = pytest.mark.usefixtures("quick_starts")

StartNode = Callable[..., "subprocess.Popen[bytes]"]
HEAVY = ("cv2", "numpy", "onnxruntime", "openvino", "torch", "pydantic", "trustseg.pipeline", "trustseg_ros.segmenter")


@pytest.fixture
def probe() -> Iterator[RigProbe]:
    made = RigProbe({"front": 1, "left": 1, "right": 1})
    yield made
    made.close()


def reasons(verdict: FailureState) -> Reason:
    return Reason(verdict.reasons)


@pytest.mark.slow
def test_a_required_camera_raises_the_rigs_flag_and_another_one_does_not(
    rig: StartNode, monitor: StartNode, rig_monitor: StartNode, probe: RigProbe
) -> None:
    rig_monitor(required_cameras="front,left")
    probe.until(lambda: len(probe.rig) >= 10, "verdicts of the rig")
    for verdict in probe.rig:
        assert (verdict.state, verdict.failure, reasons(verdict)) == (State.UNKNOWN, True, Reason.NO_INPUT)
        assert is_intact(verdict)
    process = rig()
    monitors = {name: monitor("-r", f"__ns:=/{name}", name=f"monitor_{name}") for name in probe.cameras}
    cameras = probe.cameras

    def all_are_ok() -> bool:
        return probe.rig_state() is State.OK and all(each.state() is State.OK for each in cameras.values())

    probe.drive(all_are_ok, "trust in all cameras and in the rig")

    # A camera that is needed stops: its own flag and the rig's are up, with its name; the others are as before.
    probe.pace["left"] = 0
    probe.drive(lambda: cameras["left"].state() is State.STALE, "STALE of the camera that stopped")
    probe.drive(
        lambda: (
            probe.rig_state() is State.STALE
            and probe.rig[-1].first_reason.startswith("left: ")
            and reasons(probe.rig[-1]) & Reason.INPUT_STALE
        ),
        "rig's flag",
    )
    assert probe.rig[-1].failure
    probe.drive(lambda: cameras["front"].state() is cameras["right"].state() is State.OK, "others that are OK")
    assert cameras["left"].verdicts[-1].failure
    probe.until(
        lambda: "left: " in getattr(probe.diagnostics.get("trustseg_rig_monitor: verdict"), "message", ""),
        "name of the camera in the diagnostics",
        every=probe.publish,
    )
    # A busy machine may leave the rig's monitor without a word of it for a moment.
    probe.until(
        lambda: probe.diagnostics["trustseg_rig_monitor: left"].message.startswith("STALE"), "STALE of that camera",
        every=probe.publish,
    )  # fmt: skip
    probe.pace["left"] = 1
    probe.drive(all_are_ok, "trust again")

    # One that nobody needs stops: its own flag is up, the rig is OK all the same.
    probe.pace["right"] = 0
    probe.drive(lambda: cameras["right"].state() is State.STALE, "STALE of the camera that nobody needs")
    heard = len(probe.rig)
    probe.drive(lambda: State.OK in {v.state for v in probe.rig[heard:]}, "rig that is OK without it")
    assert cameras["right"].verdicts[-1].failure
    probe.pace["right"] = 1

    # The process stands still: every camera fails, and the rig.
    probe.drive(all_are_ok, "trust before the process stops")
    os.kill(process.pid, signal.SIGSTOP)
    probe.drive(
        lambda: probe.rig[-1].failure and all(each.verdicts[-1].failure for each in cameras.values()), "every flag"
    )
    os.kill(process.pid, signal.SIGCONT)
    probe.drive(all_are_ok, "trust after it went on")

    # A monitor dies: nobody vouches for its camera any more.
    monitors["front"].kill()
    probe.drive(lambda: probe.rig[-1].first_reason == "front: STATUS_STALE", "flag after a monitor died")
    assert probe.rig[-1].failure


def test_a_planners_guard_believes_the_rigs_monitor_as_it_does_a_cameras(
    rig_monitor: StartNode, monitor: StartNode, probe: RigProbe
) -> None:
    rig_monitor(cameras="front")
    monitor("-r", "__ns:=/front")
    guard = FailureGuard()
    probe.until(lambda: len(probe.rig) >= 5, "verdicts of the rig")
    for verdict in probe.rig:
        guard.on_message(verdict)
    assert guard.failed()
    numbers = [v.seq for v in probe.rig]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    probe.until(
        lambda: reasons(probe.rig[-1]) == Reason.NO_INPUT and probe.rig[-1].source_age_ms > 1e9, "no status yet"
    )


@pytest.mark.parametrize(
    ("parameters", "line"),
    [
        (
            {"required_cameras": "front,top"},
            "a required camera is unknown, expected one of front, left, right, got 'top'",
        ),
        ({"cameras": ""}, "parameter cameras, expected 1 to 16 different names"),
    ],
)
def test_what_cannot_be_watched_is_refused_with_one_line(
    rig_monitor: StartNode, parameters: dict[str, object], line: str, tmp_path: Path
) -> None:
    assert rig_monitor(**parameters).wait(WAIT_S) == 2
    said = [each for each in (tmp_path / "rig_monitor.log").read_text().splitlines() if each.startswith("trustseg: ")]
    assert len(said) == 1
    assert line in said[0]


def test_nothing_heavy_is_in_its_process(ros_environ: dict[str, str]) -> None:
    code = f"import trustseg_ros.rig_monitor.node, sys; print([n for n in {HEAVY!r} if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=ros_environ, timeout=WAIT_S
    )
    assert done.stdout.strip() == "[]"
