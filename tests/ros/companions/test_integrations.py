# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The example files for other systems, held to what the nodes really publish: names, types, QoS, diagnostics."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.qos import QoSDurabilityPolicy, QoSReliabilityPolicy

from fake_segmenter import FakeSegmenter
from ros_probe import Probe
from trustseg.bounds import SECOND, derive_bounds
from trustseg.host.hardware import hardware_name
from trustseg.reasons import Reason
from trustseg_ros.common.parameters import SegmenterConfig

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR


class Diagnostics:
    """The newest status of each name on /diagnostics, as a subscriber of this process hears them."""

    def __init__(self, probe: Probe) -> None:
        self.newest: dict[str, DiagnosticStatus] = {}
        probe.node.create_subscription(DiagnosticArray, "/diagnostics", self._on_message, 50)

    def _on_message(self, message: DiagnosticArray) -> None:
        self.newest.update({status.name: status for status in message.status})

    def level(self, name: str) -> bytes | None:
        return self.newest[name].level if name in self.newest else None


@pytest.fixture
def nodes(segmenter: Callable[..., Any], monitor: Callable[..., Any]) -> Callable[..., None]:
    """`nodes("-r", "from:=to")`: a segmenter and a monitor, both with these arguments."""

    def start(*arguments: str) -> None:
        segmenter(*arguments)
        monitor(*arguments)

    return start


def topics_of(probe: Probe) -> dict[str, list[str]]:
    return dict(probe.node.get_topic_names_and_types())


def units_of(name: str) -> list[dict[str, Any]]:
    units: list[dict[str, Any]] = yaml.safe_load((EXAMPLES / "autoware" / name).read_text())["units"]
    return units


def nested(unit: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield unit
    for child in [*unit.get("list", []), *([unit["item"]] if "item" in unit else [])]:
        yield from nested(child)


def test_diagnostics_and_what_others_make_of_them(nodes: Callable[..., None], probe: Probe) -> None:
    diagnostics = Diagnostics(probe)
    nodes()
    probe.drive_until_ok()
    ours = {"trustseg: input", "trustseg: engine", "trustseg: evidence", "trustseg_monitor: verdict"}
    probe.until(
        lambda: {diagnostics.level(name) for name in ours} == {OK}, "all four OK", every=probe.publish
    )  # fmt: skip
    assert {n for n in diagnostics.newest if "trustseg" in n} == ours
    for name in ours:
        assert diagnostics.newest[name].hardware_id == hardware_name()
        assert all(pair.key for pair in diagnostics.newest[name].values)
    values = {pair.key: pair.value for pair in diagnostics.newest["trustseg_monitor: verdict"].values}
    assert (values["failure"], values["state"]) == ("False", "OK")

    # Autoware's graph: every diag unit is ours or the topic_state_monitor's beside it, every link leads somewhere.
    topic_monitor = yaml.safe_load((EXAMPLES / "autoware" / "topic_state_monitor.yaml").read_text())
    ((monitor_node, content),) = topic_monitor.items()
    watched = content["ros__parameters"]
    units = [each for unit in units_of("diagnostic_graph.yaml") for each in nested(unit)]
    heard = {f"{u['node']}: {u['name']}" for u in units if u["type"] == "diag"}
    assert heard == (ours - {"trustseg: evidence"}) | {f"{monitor_node}: {watched['diag_name']}"}
    assert {u["link"] for u in units if u["type"] == "link"} <= {u["path"] for u in units if "path" in u}
    assert {u["type"] for u in units} == {"and", "link", "diag", "warn-to-error"}
    assert all(u["timeout"] > 1.0 for u in units if u["type"] == "diag" and u["node"].startswith("trustseg"))

    # Its topic_state_monitor: our topic, our type, and bounds that the verdict keeps.
    assert topics_of(probe)[watched["topic"]] == [watched["topic_type"]]
    (offered,) = probe.node.get_publishers_info_by_topic(watched["topic"])
    assert offered.qos_profile.reliability == QoSReliabilityPolicy.RELIABLE
    assert offered.qos_profile.durability == QoSDurabilityPolicy.VOLATILE
    rated = derive_bounds(SECOND // 30, 50_000_000)
    assert watched["timeout"] == rated.verdict_valid_ns / SECOND
    assert watched["error_rate"] < watched["warn_rate"] < SECOND / rated.tick_ns

    # The aggregator's analyzers match all of ours, each once.
    groups = yaml.safe_load((EXAMPLES / "diagnostic_aggregator.yaml").read_text())
    analyzers = groups["analyzers"]["ros__parameters"]["segmentation"]["analyzers"].values()
    assert sorted(name for a in analyzers for name in a["expected"]) == sorted(ours)
    for name in ours:
        assert sum(name.startswith(start) for a in analyzers for start in a["startswith"]) == 1

    # And what the levels say when something is wrong.
    probe.until(lambda: diagnostics.level("trustseg: input") == ERROR, "word that no frame arrives")
    verdict = "trustseg_monitor: verdict"
    probe.until(lambda: diagnostics.newest[verdict].message.startswith("STALE: "), "the verdict's error")
    assert diagnostics.level(verdict) == ERROR


def test_degraded_is_a_warning_and_namespaces_tell_cameras_apart(monitor: Callable[..., Any], probe: Probe) -> None:
    diagnostics = Diagnostics(probe)
    monitor("-r", "__ns:=/front", "-r", "trustseg/status:=/trustseg/status")
    fake = FakeSegmenter(probe)
    name = "front/trustseg_monitor: verdict"
    probe.until(lambda: diagnostics.level(name) == OK, "OK", every=fake.send)
    told = "DEGRADED: LOW_QUALITY"  # and no word of lateness, as a busy machine has it for a moment
    probe.until(lambda: diagnostics.newest[name].message == told, told, every=lambda: fake.send(Reason.LOW_QUALITY))
    status = diagnostics.newest[name]
    assert (status.hardware_id, status.level) == (hardware_name(), WARN)


@pytest.mark.parametrize("system", ["autoware", "nav2"])
def test_the_names_of_other_systems_carry_our_topics(
    nodes: Callable[..., None], probe: Probe, system: str, repository: Path
) -> None:
    launch = ElementTree.parse(EXAMPLES / system / "segmentation.launch.xml").getroot()
    known = {element.get("name"): element.get("default") or element.get("value") for element in launch.iter()}

    def resolved(text: str) -> str:
        for _ in range(2):
            for name, value in known.items():
                text = text.replace(f"$(var {name})", str(value))
        return text

    rules = {element.get("from"): resolved(str(element.get("to"))) for element in launch.iter("set_remap")}
    nodes(*(part for rule in rules.items() for part in ("-r", ":=".join(map(str, rule)))))
    types = {
        "mask": "sensor_msgs/msg/Image", "confidence": "sensor_msgs/msg/Image", "failure": "std_msgs/msg/Bool",
        "status": "trustseg_interfaces/msg/SegmentationStatus",
        "failure_state": "trustseg_interfaces/msg/FailureState",
    }  # fmt: skip
    # label_info needs vision_msgs, which the wheels have not: tests/unit/trustseg_ros/segmenter/test_label_info.py.
    wanted = {to: types[to.rpartition("/")[2]] for to in rules.values() if not to.endswith("label_info")}

    def there() -> bool:
        topics = topics_of(probe)
        return all(topics.get(topic) == [kind] for topic, kind in wanted.items())

    probe.until(there, f"topics {sorted(wanted)}")
    for topic in wanted:
        assert probe.node.count_publishers(topic) == 1
    if "trustseg/status" in rules:
        probe.until(lambda: probe.node.count_subscribers(rules["trustseg/status"]) == 1, "the monitor's ear")

    include = next(launch.iter("include"))
    assert include.get("file") == "$(find-pkg-share trustseg_ros)/launch/trustseg.launch.py"
    arguments = {element.get("name") for element in include.iter("arg")}
    assert all(
        f'"{argument}": (' in (repository / "launch" / "trustseg.launch.py").read_text() for argument in arguments
    )


def test_the_costmap_layer_names_topics_classes_and_parameters_that_exist(repository: Path) -> None:
    from trustseg.bundle.loading import load_bundle

    text = yaml.safe_load((EXAMPLES / "nav2" / "semantic_segmentation_layer.yaml").read_text())
    costmap = text["local_costmap"]["local_costmap"]["ros__parameters"]
    layer = costmap["semantic_segmentation_layer"]
    camera = layer[layer["observation_sources"]]
    remapped = {
        element.get("from"): element.get("to")
        for element in ElementTree.parse(EXAMPLES / "nav2" / "segmentation.launch.xml").getroot().iter("set_remap")
    }
    topics = [camera[key] for key in ("segmentation_topic", "confidence_topic", "labels_topic")]
    assert topics == [remapped["~/mask"], remapped["~/confidence"], remapped["~/label_info"]]
    used = [name for kind in camera["class_types"] for name in camera[kind]["classes"]]
    classes = [each.name for each in load_bundle(repository / "engines" / "segnet_lite").card.classes]
    assert len(set(used)) == len(used)
    assert set(classes) - set(used) == {"sky"}
    assert set(used) <= set(classes)
    parameters = yaml.safe_load((EXAMPLES / "nav2" / "parameters.yaml").read_text())
    assert SegmenterConfig(**parameters["/**/trustseg"]["ros__parameters"]).output_size == "camera"
