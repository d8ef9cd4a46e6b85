# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The SROS 2 policy against the live processes: each does what its enclave allows, and nothing is allowed in vain."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import Any

from std_msgs.msg import Bool

from ros_probe import TIMING, Probe
from trustseg_lab.security.policy import Deployment, policy_document

Rights = dict[str, set[str]]
# Allowed, but not there with these wheels (vision_msgs is not among them), or with a network without that plane.
OPTIONAL = {"/front/trustseg/label_info", "/front/trustseg/unknown"}
NODES = ("trustseg", "trustseg_monitor", "planner", "trustseg_ground_grid", "trustseg_blackbox", "trustseg_operations")


def rights_by_node(document: str) -> dict[str, Rights]:
    """Each node's names by right: publish, subscribe, reply."""
    found: dict[str, Rights] = {}
    for profile in ElementTree.fromstring(document).iter("profile"):
        rights: Rights = {}
        for group in profile:
            ((right, qualifier),) = group.attrib.items()
            assert qualifier == "ALLOW"
            rights[right] = {str(item.text) for item in group}
        found[profile.attrib["ns"].rstrip("/") + "/" + profile.attrib["node"]] = rights
    return found


def rights_taken(probe: Probe, node: str) -> Rights:
    """What a live node says, hears and serves, by the ROS graph."""
    namespace, _, name = node.rpartition("/")
    ask = (name, namespace or "/")
    return {
        "publish": {topic for topic, _ in probe.node.get_publisher_names_and_types_by_node(*ask)},
        "subscribe": {topic for topic, _ in probe.node.get_subscriber_names_and_types_by_node(*ask)},
        "reply": {service for service, _ in probe.node.get_service_names_and_types_by_node(*ask)},
    }


def test_each_process_does_what_its_enclave_allows_and_no_more(
    segmenter: Callable[..., Any],
    monitor: Callable[..., Any],
    start_node: Callable[..., Any],
    start_process: Callable[..., Any],
    bundle: Path,
    probe: Probe,
    repository: Path,
    tmp_path: Path,
) -> None:
    front = ["-r", "__ns:=/front", "-r", "image:=/cam/image_raw", "-r", "camera_info:=/cam/camera_info"]
    segmenter(*front)
    monitor(*front)
    grid = {"bundle": str(bundle), "autostart": True, "camera_height_m": 1.5, **TIMING}
    start_node("ground_grid", grid, front)
    start_node("blackbox", {"output": str(tmp_path / "records"), "topics": "/odometry", **TIMING}, front)
    start_node("operations", {"port": 0, **TIMING}, front)
    # What the black box is to record it hears once somebody says it.
    odometry = probe.node.create_publisher(Bool, "/odometry", 1)
    start_process(
        sys.executable, repository / "examples" / "planner.py", "--ros-args", "-r", "__ns:=/front", name="planner"
    )
    allowed = rights_by_node(
        policy_document(
            Deployment(
                namespace="/front", image="/cam/image_raw", camera_info="/cam/camera_info",
                blackbox_topics=(odometry.topic_name,),
            )
        )
    )  # fmt: skip
    assert set(allowed) == {f"/front/{name}" for name in NODES}

    def there(node: str) -> bool:
        namespace, _, name = node.rpartition("/")
        return (name, namespace) in probe.node.get_node_names_and_namespaces()

    probe.until(lambda: all(there(node) for node in allowed), "the nodes")

    def complete(node: str) -> bool:
        taken = rights_taken(probe, node)
        return all(taken[right] - OPTIONAL == allowed[node][right] - OPTIONAL for right in taken)

    for node in sorted(set(allowed) - {"/front/planner"}):
        probe.until(lambda node=node: complete(node), f"exactly the rights of {node}")
    # A planner uses of what it may hear what it needs.
    probe.until(lambda: rights_taken(probe, "/front/planner")["subscribe"], "the planner")
    for right, taken in rights_taken(probe, "/front/planner").items():
        assert taken <= allowed["/front/planner"][right]
    assert allowed["/front/planner"]["publish"] == rights_taken(probe, "/front/planner")["publish"]
