# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Another bundle in a node that runs: cleaned up, told by parameters, configured again; the flag stays up meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters

from bundle_factory import make_tiny_bundle
from ros_probe import HEIGHT, TIMING, WIDTH, Probe
from trustseg.bundle.loading import load_bundle
from trustseg.reasons import Outcome, Reason, State

GOOD_FRAMES = 10  # the monitor's parameter good_frames


class Operator:
    """Lifecycle and parameter services of the node, as `ros2 lifecycle` and `ros2 param` call them."""

    def __init__(self, probe: Probe) -> None:
        self._probe = probe

    def change(self, transition: int) -> bool:
        request = ChangeState.Request(transition=Transition(id=transition))
        return bool(self._probe.call(ChangeState, "trustseg/change_state", request).success)

    def put(self, name: str, value: str | int | float) -> Any:
        kinds: dict[type, tuple[int, str]] = {
            str: (ParameterType.PARAMETER_STRING, "string_value"),
            int: (ParameterType.PARAMETER_INTEGER, "integer_value"),
            float: (ParameterType.PARAMETER_DOUBLE, "double_value"),
        }
        kind, field = kinds[type(value)]
        given = ParameterValue(type=kind, **{field: value})
        request = SetParameters.Request(parameters=[Parameter(name=name, value=given)])
        return self._probe.call(SetParameters, "trustseg/set_parameters", request).results[0]


def test_another_bundle_is_loaded_by_cleanup_and_configure(
    segmenter: Callable[..., Any], monitor: Callable[..., Any], probe: Probe, tmp_path: Path
) -> None:
    engines = tmp_path / "engines"
    first = make_tiny_bundle(engines / "first", height=HEIGHT, width=WIDTH)
    second = make_tiny_bundle(engines / "second", height=HEIGHT // 2, width=WIDTH // 2)
    segmenter(bundle=str(first))
    monitor()
    operator = Operator(probe)
    probe.drive_until_ok()
    assert probe.statuses[-1].model_sha256 == load_bundle(first).model("fp32").sha256

    # Neither while frames come nor while inactive: what is loaded would not be what the parameter says.
    changes: dict[str, str | int | float] = {
        "bundle": str(second), "backend": "openvino,onnxruntime", "precision": "fp32", "threads": 1,
        "engine_budget_ms": 5000.0,
    }  # fmt: skip
    refused = operator.put("bundle", str(second))
    assert not refused.successful
    assert "cleanup" in refused.reason or "clean" in refused.reason
    assert operator.change(Transition.TRANSITION_DEACTIVATE)
    for name, value in changes.items():
        if name != "precision":  # the value that it has: no change
            assert not operator.put(name, value).successful, name
    probe.until(lambda: probe.verdicts[-1].failure, "the flag")
    assert Reason(probe.verdicts[-1].reasons) & Reason.NODE_INACTIVE
    assert operator.change(Transition.TRANSITION_CLEANUP)

    for name, value in changes.items():
        assert operator.put(name, value).successful, name
    assert not operator.put("backend", "abacus").successful
    assert not operator.put("threads", 0).successful
    assert operator.change(Transition.TRANSITION_CONFIGURE)
    assert not operator.put("bundle", str(first)).successful
    seen, answered = len(probe.verdicts), len(probe.statuses)
    assert operator.change(Transition.TRANSITION_ACTIVATE)
    probe.until(lambda: probe.verdicts[-1].state == State.OK, "OK with the other bundle", every=probe.publish)

    news = probe.statuses[answered:]
    assert {s.model_sha256 for s in news} == {load_bundle(second).model("fp32").sha256}
    assert news[-1].backend == "openvino"
    assert probe.pictures["mask"][-1].height == HEIGHT // 2
    # Trusted again only by good frames of its own.
    down = next(v for v in probe.verdicts[seen:] if not v.failure)
    good = [s.seq for s in news if s.outcome == Outcome.PROCESSED and s.frame_ok]
    assert down.source_seq >= good[GOOD_FRAMES - 1]


def test_after_a_bundle_that_cannot_be_loaded_a_good_one_can(
    start_node: Callable[..., Any], probe: Probe, bundle: Path
) -> None:
    start_node("segmenter", {"bundle": "no_such_bundle", "backend": "onnxruntime", **TIMING})
    operator = Operator(probe)
    assert not operator.change(Transition.TRANSITION_CONFIGURE)
    probe.until(lambda: probe.statuses, "the complaint")
    assert Reason(probe.statuses[-1].reasons) == Reason.MODEL_INTEGRITY
    assert operator.put("bundle", str(bundle)).successful
    assert operator.change(Transition.TRANSITION_CONFIGURE)
    assert operator.change(Transition.TRANSITION_ACTIVATE)
    probe.connect()
    assert probe.statuses[-1].outcome == Outcome.PROCESSED
