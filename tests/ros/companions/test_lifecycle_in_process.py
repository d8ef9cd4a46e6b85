# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Ground grid and point labels in the test's own process: transitions, the lens, the grid's last word."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rclpy
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from nav_msgs.msg import OccupancyGrid
from rclpy.lifecycle import TransitionCallbackReturn
from sensor_msgs.msg import CameraInfo, Image

from ros_probe import Probe
from trustseg_ros.ground_grid import node as ground_grid
from trustseg_ros.ground_grid.node import NOT_ACTIVE, GroundGridNode
from trustseg_ros.point_labels.node import PointLabelsNode

SUCCESS, FAILURE, ERROR = (
    TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE, TransitionCallbackReturn.ERROR
)  # fmt: skip
Start = Callable[..., Any]
KINDS = [GroundGridNode, PointLabelsNode]


@pytest.fixture
def start(bundle: Path) -> Iterator[Start]:
    """Makes a node of the kind, with further parameters, neither configured nor spun."""
    given = {
        GroundGridNode: {"bundle": str(bundle), "camera_height_m": 1.5},
        PointLabelsNode: {"cloud_frame": "lidar"},
    }
    made: list[Any] = []

    def make(kind: Any, **more: str) -> Any:
        plain = {"start_type_description_service": "false", **given[kind], **more}
        rclpy.init(args=["--ros-args", *(part for k, v in plain.items() for part in ("-p", f"{k}:={v}"))])
        made.append(kind())
        return made[-1]

    yield make
    for each in made:
        each.destroy_node()
    rclpy.try_shutdown()


def denied(*_: Any, **__: Any) -> None:
    raise PermissionError("the topic is not allowed")


WHY = "failed: PermissionError: the topic is not allowed"


@pytest.fixture(params=KINDS)
def stuck(request: pytest.FixtureRequest, start: Start, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A configured node of each kind whose publishers cannot be destroyed until `monkeypatch.undo`."""
    node = start(request.param)
    assert node.trigger_configure() == SUCCESS
    monkeypatch.setattr(node, "destroy_lifecycle_publisher", denied)
    return node


@pytest.mark.parametrize("kind", KINDS)
def test_a_configure_that_raises_says_why_and_can_be_tried_again(
    kind: Any, start: Start, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """As where a policy of SROS 2 denies a topic. rclpy itself drops the exception without a word."""
    node = start(kind)
    monkeypatch.setattr(node, "create_lifecycle_publisher", denied)
    assert node.trigger_configure() == FAILURE
    assert f"configure {WHY}" in capfd.readouterr().err
    monkeypatch.undo()
    assert node.trigger_configure() == SUCCESS


def test_a_bundle_that_raises_what_nobody_expects_is_said_too(
    start: Start, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    node = start(GroundGridNode)
    monkeypatch.setattr(ground_grid, "load_bundle", denied)
    assert node.trigger_configure() == FAILURE
    assert f"configure {WHY}" in capfd.readouterr().err


@pytest.mark.parametrize("kind", KINDS)
def test_an_activate_that_raises_says_why_and_leaves_nothing_behind(
    kind: Any, start: Start, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    node = start(kind)
    assert node.trigger_configure() == SUCCESS
    before, create = len(list(node.subscriptions)), node.create_subscription

    def third_denied(*given: Any) -> Any:
        return denied() if len(list(node.subscriptions)) == before + 2 else create(*given)

    monkeypatch.setattr(node, "create_subscription", third_denied)
    assert node.trigger_activate() == ERROR
    assert f"activate {WHY}" in capfd.readouterr().err
    assert len(list(node.subscriptions)) == before
    monkeypatch.undo()
    assert node.trigger_configure() == SUCCESS
    assert node.trigger_activate() == SUCCESS


def test_a_cleanup_that_raises_is_one_line_and_leaves_a_node_that_can_be_configured(
    stuck: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert stuck.trigger_cleanup() == ERROR
    assert capfd.readouterr().err.count(WHY) == 1
    monkeypatch.undo()
    assert stuck.trigger_configure() == SUCCESS


def test_a_shutdown_that_raises_is_one_line(stuck: Any, capfd: pytest.CaptureFixture[str]) -> None:
    stuck.trigger_shutdown()
    told = capfd.readouterr().err
    assert told.count(WHY) == 1
    assert "shutdown failed" in told


def test_an_error_whose_cleaning_up_raises_too_is_told_and_no_more(
    stuck: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(stuck, "create_subscription", denied)
    assert stuck.trigger_activate() == ERROR
    told = capfd.readouterr().err
    for what in ("activate", "cleanup"):
        assert told.count(f"{what} {WHY}") == 1
    monkeypatch.undo()
    assert stuck.trigger_configure() == SUCCESS


@pytest.mark.parametrize("kind", KINDS)
def test_a_transition_by_its_id_that_does_not_fit_is_refused(
    kind: Any, start: Start, capfd: pytest.CaptureFixture[str]
) -> None:
    node = start(kind)
    ask = node._service_change_state.callback

    def succeeds(transition: int) -> bool:
        return bool(ask(ChangeState.Request(transition=Transition(id=transition)), ChangeState.Response()).success)

    assert not succeeds(Transition.TRANSITION_ACTIVATE)
    assert "transition 3 is refused in state unconfigured, which has configure (1), shutdown (5)" in (
        capfd.readouterr().err
    )
    assert succeeds(Transition.TRANSITION_CONFIGURE)
    assert not succeeds(Transition.TRANSITION_CONFIGURE)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("rectified", "focal_px"), [("false", 50.0), ("true", 40.0)])
def test_the_lens_is_of_the_image_that_the_parameter_says(
    kind: Any, rectified: str, focal_px: float, start: Start
) -> None:
    camera = start(kind, rectified=rectified)._camera
    matrices = {"k": np.diag([50.0, 50.0, 1.0]).ravel(), "p": np.diag([40.0, 40.0, 1.0, 0.0])[:3].ravel()}
    camera.note(CameraInfo(height=60, width=80, distortion_model="plumb_bob", d=[0.1] * 5, **matrices))
    lens = camera.of(Image(height=60, width=80))
    assert (lens.k[0, 0], lens.d.any()) == (focal_px, rectified == "false")


def test_a_process_that_ends_while_it_can_still_speak_leaves_nobody_with_free_cells(
    start: Start, probe: Probe, capfd: pytest.CaptureFixture[str]
) -> None:
    """A callback that raised ends it, say."""
    node = start(GroundGridNode)
    node.trigger_configure()
    node.trigger_activate()
    heard: list[OccupancyGrid] = []
    probe.node.create_subscription(OccupancyGrid, f"{ground_grid.NODE_NAME}/grid", heard.append, 100)

    def free() -> None:
        stamp = node.get_clock().now().to_msg()
        node._grid_out.publish(node._message(stamp, np.zeros(node._shape.size, np.int8)))

    probe.until(lambda: heard and set(heard[-1].data) == {0}, "a grid of free cells", every=free)
    node.close()
    probe.until(lambda: set(heard[-1].data) == {-1}, "word that nothing is known any more")
    capfd.readouterr()
    rclpy.shutdown()  # as a signal does
    node.close()
    assert NOT_ACTIVE not in "".join(capfd.readouterr())
