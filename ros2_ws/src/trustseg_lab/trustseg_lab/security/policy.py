# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""An SROS 2 policy: one enclave for each process, and in each what its node says and hears, nothing else.

The document is what `ros2 security create_permission` takes (schema: sros2, policy/schemas/policy.xsd, version 0.2.0).
What is not allowed is denied, so that only the monitor's enclave may publish the flag that a planner obeys. The names
are those of the live nodes; `tests/ros/middleware/test_security_policy.py` holds the two together.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field

from trustseg_ros.common.image_transport import compressed_topic

VERSION = "0.2.0"
SEGMENTER, MONITOR, PLANNER = "segmenter", "monitor", "planner"
GROUND_GRID, BLACKBOX, OPERATIONS = "ground_grid", "blackbox", "operations"
# What every node of rclpy has.
EVERY_PUBLISHER = ("/rosout", "/parameter_events")
LIFECYCLE = (
    "~/change_state", "~/get_state", "~/get_available_states", "~/get_available_transitions", "~/get_transition_graph"
)  # fmt: skip
EVERY_SERVICE = (
    "~/describe_parameters", "~/get_parameter_types", "~/get_parameters", "~/get_type_description", "~/list_parameters",
    "~/set_parameters", "~/set_parameters_atomically",
)  # fmt: skip


@dataclass(frozen=True)
class Deployment:
    """How the nodes are named on the vehicle.

    Attributes:
        namespace: of all the nodes; begins with a slash.
        image, camera_info: the camera's topics as remapped; without a leading slash they are the namespace's.
        compressed: the segmenter takes CompressedImage, from `image` and from `image`/compressed; the black box too.
        planner: name of the planner's node. planner_topics: what it publishes itself.
        blackbox_topics: its parameter `topics`, further ones that it records. enclaves: folder of the enclaves.
        sim_time: the nodes hear /clock.
    """

    namespace: str = "/"
    image: str = "image"
    camera_info: str = "camera_info"
    planner: str = "planner"
    planner_topics: tuple[str, ...] = ("speed",)
    blackbox_topics: tuple[str, ...] = ("/tf", "/tf_static")
    enclaves: str = "/trustseg"
    sim_time: bool = False
    compressed: bool = False


@dataclass(frozen=True)
class NodeRights:
    """What one node may do; names as the node itself uses them (`~/` is its own)."""

    enclave: str
    node: str
    publishes: tuple[str, ...] = ()
    subscribes: tuple[str, ...] = ()
    serves: tuple[str, ...] = field(default=EVERY_SERVICE)


def rights_of(deployment: Deployment) -> tuple[NodeRights, ...]:
    """Rights of segmenter, monitor and planner, and of those that a vehicle may have beside them."""
    clock = ("/clock",) if deployment.sim_time else ()
    images = dict.fromkeys(
        [deployment.image, compressed_topic(deployment.image)] if deployment.compressed else [deployment.image]
    )
    segmenter = NodeRights(
        SEGMENTER,
        "trustseg",
        (
            "~/mask", "~/confidence", "~/unknown", "~/segments", "~/status", "~/color_mask", "~/overlay",
            "~/confidence_heat", "~/camera_info", "~/label_info", "~/debug/processing_time_ms",
            "~/debug/cyclic_time_ms",
            "~/debug/pipeline_latency_ms", "~/transition_event", "/diagnostics", *EVERY_PUBLISHER,
        ),
        (*images, deployment.camera_info, *clock),
        ("~/self_test", *LIFECYCLE, *EVERY_SERVICE),
    )  # fmt: skip
    monitor = NodeRights(
        MONITOR,
        "trustseg_monitor",
        ("~/failure_state", "~/failure", "/diagnostics", *EVERY_PUBLISHER),
        ("trustseg/status", *clock),
        ("~/reset", *EVERY_SERVICE),
    )
    planner = NodeRights(
        PLANNER,
        deployment.planner,
        (*deployment.planner_topics, *EVERY_PUBLISHER),
        (
            "trustseg_monitor/failure_state", "trustseg_monitor/failure", "trustseg/mask", "trustseg/confidence",
            "trustseg/unknown", "trustseg/segments", "trustseg/status", *clock,
        ),
    )  # fmt: skip
    return segmenter, monitor, planner, *_companions(deployment, clock)


def _companions(deployment: Deployment, clock: tuple[str, ...]) -> tuple[NodeRights, ...]:
    """Rights of the ground grid, the black box and the bridge to operations, none of which may say anything of ours."""
    verdict, outputs = "trustseg_monitor/failure_state", ("trustseg/mask", "trustseg/confidence", "trustseg/status")
    image = compressed_topic(deployment.image) if deployment.compressed else deployment.image
    ground_grid = NodeRights(
        GROUND_GRID,
        "trustseg_ground_grid",
        ("~/grid", "~/class_grid", "~/free_distance", "~/transition_event", *EVERY_PUBLISHER),
        (*outputs, deployment.camera_info, verdict, *clock),
        (*LIFECYCLE, *EVERY_SERVICE),
    )
    blackbox = NodeRights(
        BLACKBOX,
        "trustseg_blackbox",
        ("/diagnostics", *EVERY_PUBLISHER),
        (image, deployment.camera_info, *outputs, verdict, *deployment.blackbox_topics, *clock),
        ("~/record", *EVERY_SERVICE),
    )
    operations = NodeRights(
        OPERATIONS,
        "trustseg_operations",
        ("/diagnostics", "~/stage_times", *EVERY_PUBLISHER),
        ("trustseg/status", verdict, *clock),
    )
    return ground_grid, blackbox, operations


def resolved(name: str, namespace: str, node: str) -> str:
    """The absolute name: sros2's own templates do not agree on what `~` stands for."""
    if name.startswith("/"):
        return name
    base = namespace.rstrip("/")
    return f"{base}/{node}/{name[2:]}" if name.startswith("~/") else f"{base}/{name}"


def policy_document(deployment: Deployment) -> str:
    """The policy as XML text."""
    policy = ElementTree.Element("policy", version=VERSION)
    contexts = ElementTree.SubElement(policy, "contexts")
    for rights in rights_of(deployment):
        context = ElementTree.SubElement(contexts, "context", path=f"{deployment.enclaves}/{rights.enclave}")
        profile = ElementTree.SubElement(
            ElementTree.SubElement(context, "profiles"), "profile", ns=deployment.namespace, node=rights.node
        )
        for group, item, right, names in (
            ("topics", "topic", "publish", rights.publishes),
            ("topics", "topic", "subscribe", rights.subscribes),
            ("services", "service", "reply", rights.serves),
        ):
            listed = ElementTree.SubElement(profile, group, {right: "ALLOW"})
            for name in names:
                ElementTree.SubElement(listed, item).text = resolved(name, deployment.namespace, rights.node)
    ElementTree.indent(policy)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(policy, encoding="unicode") + "\n"
