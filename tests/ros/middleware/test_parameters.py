# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Parameters of every node: one table, against which the YAML profiles are held."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import rclpy
import yaml
from rclpy.node import Node
from rclpy.parameter import Parameter

from trustseg.backend_registry import AUTO, REGISTRY
from trustseg.bounds import MS, SECOND, derive_bounds
from trustseg_ros.blackbox.config import BlackboxConfig
from trustseg_ros.common import parameters
from trustseg_ros.common.parameters import (
    CameraConfig,
    MonitorConfig,
    ParameterError,
    RecorderConfig,
    SegmenterConfig,
    Timing,
)

KINDS = {
    "trustseg": SegmenterConfig,
    "trustseg_monitor": MonitorConfig,
    "trustseg_blackbox": BlackboxConfig,
    "camera": CameraConfig,
    "recorder": RecorderConfig,
}


@pytest.fixture
def node() -> Iterator[Any]:
    """Makes nodes with parameters given at start."""
    context = rclpy.Context()
    rclpy.init(context=context)
    made: list[Node] = []

    def make(**given: Any) -> Node:
        overrides = [Parameter(name, value=value) for name, value in given.items()]
        made.append(Node("some_node", context=context, parameter_overrides=overrides))
        return made[-1]

    yield make
    for each in made:
        each.destroy_node()
    context.try_shutdown()


@pytest.mark.parametrize("kind", KINDS.values())
def test_every_parameter_is_declared_with_description_and_default(node: Any, kind: Any) -> None:
    made = node()
    config = parameters.load(made, kind)
    assert config == kind()
    for each in dataclasses.fields(kind):
        descriptor = made.describe_parameter(each.name)
        assert each.metadata["description"] in descriptor.description
        assert descriptor.read_only is not (each.metadata["live"] or each.metadata["idle"])
        assert made.get_parameter(each.name).value == each.default
        number = type(each.default) in (int, float)
        assert number is (each.metadata["minimum"] is not None), f"{each.name}: a number needs a range"
        assert bool(descriptor.floating_point_range or descriptor.integer_range) is number


def test_what_is_given_at_start_holds(node: Any) -> None:
    config = parameters.load(node(camera_rate_hz=10, threads=4, backend="openvino"), SegmenterConfig)
    assert (config.camera_rate_hz, config.threads, config.backend) == (10.0, 4, "openvino")
    assert isinstance(config.camera_rate_hz, float)
    order = "tensorrt,openvino, onnxruntime"
    assert parameters.load(node(backend=order), SegmenterConfig).backend == order


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"camera_rate": 10.0}, r"unknown parameter 'camera_rate'.*camera_rate_hz"),
        ({"threads": 0}, "threads.*1 to 64.*got 0"),
        ({"threads": 2.5}, "threads.*whole number"),
        ({"threads": "2"}, "threads.*whole number"),
        ({"camera_rate_hz": float("nan")}, "camera_rate_hz"),
        ({"camera_rate_hz": 1e9}, "camera_rate_hz.*240"),
        ({"autostart": 1}, "autostart.*true or false"),
        ({"mode": "LIVE"}, "mode.*live, replay, sim.*'LIVE'"),
        ({"bundle": 7}, "bundle.*text"),
        ({"backend": "tensorrt,abacus"}, "backend.*auto, onnxruntime.*several.*'tensorrt,abacus'"),
        ({"backend": "openvino,openvino"}, "backend.*several"),
        ({"backend": "auto,openvino"}, "backend.*several"),
    ],
)
def test_bad_values_at_start_are_refused_with_what_is_expected(node: Any, given: dict[str, Any], text: str) -> None:
    with pytest.raises(ParameterError, match=text):
        parameters.load(node(**given), SegmenterConfig)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"topics": "/a b"}, "topics.*names of topics with commas.*'/a b'"),
        ({"on_reasons": "WET"}, "on_reasons.*names of reasons.*'WET'"),
        ({"memory_megabytes": 0}, "memory_megabytes.*1 to 100000"),
    ],
)
def test_lists_of_names_and_bounds_of_the_black_box_are_checked(node: Any, given: dict[str, Any], text: str) -> None:
    with pytest.raises(ParameterError, match=text):
        parameters.load(node(**given), BlackboxConfig)
    assert parameters.load(node(on_reasons="blur,DARK", topics=""), BlackboxConfig).on_reasons == "blur,DARK"


def test_a_live_change_is_taken_over_and_a_bad_one_leaves_the_old_value(node: Any) -> None:
    made = node()
    seen: list[SegmenterConfig] = []
    parameters.watch(made, parameters.load(made, SegmenterConfig), seen.append)

    def put(name: str, value: Any) -> Any:
        return made.set_parameters([Parameter(name, value=value)])[0]

    assert put("overlay_opacity", 0.25).successful
    assert seen[-1].overlay_opacity == 0.25
    assert put("output_size", "camera").successful
    assert (seen[-1].output_size, seen[-1].overlay_opacity) == ("camera", 0.25)
    for name, value in (("overlay_opacity", 2.0), ("output_size", "x"), ("max_pixels", 3), ("overlay_opacity", "x")):
        result = put(name, value)
        assert not result.successful
        assert result.reason, name
    assert len(seen) == 2
    assert made.get_parameter("overlay_opacity").value == 0.25
    assert made.get_parameter("max_pixels").value == 33_554_432


def test_the_node_takes_every_choice_of_backends_that_the_documents_and_files_name(node: Any, repository: Path) -> None:
    texts = [*repository.glob("*.md"), *repository.glob("docs/*.md"), *repository.glob("docker/*")]
    told = {c for text in texts for c in re.findall(r"backend:=([\w,-]+)", text.read_text(encoding="utf-8"))}
    assert "openvino-bf16,openvino" in told
    for choice in {*told, *REGISTRY, AUTO}:
        assert parameters.load(node(backend=choice), SegmenterConfig).backend == choice


def test_what_is_loaded_can_change_only_while_nothing_is(node: Any) -> None:
    made = node()
    config = parameters.load(made, SegmenterConfig)
    wanted = {"bundle": "b", "backend": "openvino", "precision": "fp16", "threads": 3, "engine_budget_ms": 9.0}
    assert parameters.idle_changes(config, dataclasses.replace(config, **wanted, overlay_opacity=0.1)) == list(wanted)
    assert parameters.idle_changes(config, config) == []


@pytest.mark.parametrize(("name", "value"), [("soft_count", 4), ("soft_window", 1)])
def test_what_soft_faults_take_cannot_be_changed_while_the_monitor_runs(node: Any, name: str, value: int) -> None:
    """Else a count above the window would slip in, and no soft fault would be believed any more."""
    made = node()
    seen: list[MonitorConfig] = []
    parameters.watch(made, parameters.load(made, MonitorConfig), seen.append)
    before = made.get_parameter(name).value
    answer = made.set_parameters([Parameter(name, value=value)])[0]
    assert not answer.successful
    assert name in answer.reason
    assert made.get_parameter(name).value == before
    assert seen == []


def test_bounds_follow_from_rate_and_budget() -> None:
    timing = Timing(camera_rate_hz=10.0, latency_budget_ms=80.0)
    assert timing.bounds == derive_bounds(SECOND // 10, 80 * MS)
    assert {f.name for f in dataclasses.fields(Timing)} <= {f.name for f in dataclasses.fields(MonitorConfig)}


@pytest.mark.parametrize("slowest", [1e-300, 0.01, 0.49, 10.1])
def test_a_rate_so_slow_that_silence_is_no_failure_for_minutes_is_refused(slowest: float) -> None:
    with pytest.raises(ParameterError, match=r"camera_rate_min_hz, expected from 0\.5 to camera_rate_hz \(10\), or 0"):
        _ = Timing(camera_rate_hz=10.0, camera_rate_min_hz=slowest).bounds
    assert Timing(camera_rate_hz=10.0, camera_rate_min_hz=0.5).bounds.slowest_period_ns == 2 * SECOND


def test_profiles_name_only_parameters_that_exist(repository: Path) -> None:
    profiles = sorted((repository / "launch" / "profiles").glob("*.yaml"))
    assert profiles
    both = set.intersection(*({f.name for f in dataclasses.fields(KINDS[n])} for n in ("trustseg", "trustseg_monitor")))
    for path in profiles:
        for pattern, section in yaml.safe_load(path.read_text(encoding="utf-8")).items():
            name = pattern.rsplit("/", 1)[-1]
            known = both if name == "**" else {f.name for f in dataclasses.fields(KINDS[name])}
            unknown = set(section["ros__parameters"]) - known - set(parameters.ROS_OWN)
            assert not unknown, f"{path.name}, {pattern}"
