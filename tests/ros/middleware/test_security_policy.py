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
OPTIONAL = {f"/{name}/trustseg/{topic}" for name in ("front", "left") for topic in ("label_info", "unknown")}
NODES = (
    "trustseg", "trustseg_monitor", "planner", "trustseg_ground_grid", "trustseg_blackbox", "trustseg_operations",
    "trustseg_point_labels", "video_decoder",
)  # fmt: skip


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
    start_node("point_labels", {"cloud_frame": "lidar", "autostart": True, **TIMING}, [*front, "-r", "points:=/lidar"])
    start_node("video_decoder", arguments=front)
    # What the black box is to record it hears once somebody says it.
    odometry = probe.node.create_publisher(Bool, "/odometry", 1)
    start_process(
        sys.executable, repository / "examples" / "planner.py", "--ros-args", "-r", "__ns:=/front", name="planner"
    )
    allowed = rights_by_node(
        policy_document(
            Deployment(
                namespace="/front", image="/cam/image_raw", camera_info="/cam/camera_info",
                points="/lidar", blackbox_topics=(odometry.topic_name,),
            )
        )
    )  # fmt: skip
    assert set(allowed) == {f"/front/{name}" for name in NODES}
    until_there(probe, set(allowed))
    are_held(probe, allowed, set(allowed) - {"/front/planner"})
    # A planner uses of what it may hear what it needs.
    probe.until(lambda: rights_taken(probe, "/front/planner")["subscribe"], "the planner")
    for right, taken in rights_taken(probe, "/front/planner").items():
        assert taken <= allowed["/front/planner"][right]
    assert allowed["/front/planner"]["publish"] == rights_taken(probe, "/front/planner")["publish"]


def test_the_processes_of_a_rig_do_what_their_enclaves_allow_and_no_more(
    start_node: Callable[..., Any], bundle: Path, probe: Probe
) -> None:
    cameras, image = ("front", "left"), "/cam/front,/cam/left"
    given = {"cameras": ",".join(cameras), **TIMING}
    to = [part for name in cameras for part in ("-r", f"/{name}/image:=/cam/{name}")]
    start_node("segmenter_rig", {"bundle": str(bundle), "backend": "onnxruntime", "autostart": True, **given}, to)
    start_node("rig_monitor", given)
    start_node("monitor", TIMING, ["-r", "__ns:=/left"])
    allowed = rights_by_node(policy_document(Deployment(cameras=cameras, image=image)))
    here = {f"/{name}/trustseg" for name in cameras}
    are_held(probe, allowed, {*here, "/trustseg_rig", "/trustseg_rig_monitor", "/left/trustseg_monitor"})


def until_there(probe: Probe, nodes: set[str]) -> None:
    """Wait for the nodes."""

    def there(node: str) -> bool:
        namespace, _, name = node.rpartition("/")
        return (name, namespace or "/") in probe.node.get_node_names_and_namespaces()

    probe.until(lambda: all(there(node) for node in nodes), "the nodes")


def are_held(probe: Probe, allowed: dict[str, Rights], nodes: set[str]) -> None:
    """Wait until each of the nodes does exactly what it may."""
    until_there(probe, nodes)

    def complete(node: str) -> bool:
        taken = rights_taken(probe, node)
        return all(taken[right] - OPTIONAL == allowed[node].get(right, set()) - OPTIONAL for right in taken)

    for node in sorted(nodes):
        probe.until(lambda node=node: complete(node), f"exactly the rights of {node}")
