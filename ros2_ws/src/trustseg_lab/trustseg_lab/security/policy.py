# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""An SROS 2 policy: one enclave for each process, and in each what its node says and hears, nothing else.

The document is what `ros2 security create_permission` takes (schema: sros2, policy/schemas/policy.xsd, version 0.2.0).
What is not allowed is denied, so that only the monitor's enclave may publish the flag that a planner obeys. The names
are those of the live nodes; `tests/ros/middleware/test_security_policy.py` holds the two together.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field, replace

from trustseg.errors import InputError
from trustseg_ros.common.image_transport import compressed_topic

VERSION = "0.2.0"
SEGMENTER, MONITOR, PLANNER = "segmenter", "monitor", "planner"
GROUND_GRID, BLACKBOX, OPERATIONS = "ground_grid", "blackbox", "operations"
POINT_LABELS, VIDEO_DECODER = "point_labels", "video_decoder"
SEGMENTER_RIG, RIG_MONITOR = "segmenter_rig", "rig_monitor"
OUTPUTS = ("trustseg/mask", "trustseg/confidence", "trustseg/status")
VERDICT = "trustseg_monitor/failure_state"
TF = ("/tf", "/tf_static")
TO_PLANNER = (
    "trustseg_monitor/failure_state", "trustseg_monitor/failure", "trustseg/mask", "trustseg/confidence",
    "trustseg/unknown", "trustseg/segments", "trustseg/status",
)  # fmt: skip
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
        cameras: names of a rig's cameras, each the namespace of its nodes; empty: one camera, in `namespace`.
        image, camera_info: the camera's topics as remapped; without a leading slash they are the namespace's. Of a rig
            one for each camera with commas, or one without a leading slash for all.
        compressed: the segmenter takes CompressedImage, from `image` and from `image`/compressed; the black box too.
        video, points: what the video decoder and the point labels hear, as remapped.
        planner: name of the planner's node. planner_topics: what it publishes itself.
        blackbox_topics: its parameter `topics`, further ones that it records. enclaves: folder of the enclaves.
        sim_time: the nodes hear /clock. mount_from_tf: ground grid and point labels hear tf.
    """

    namespace: str = "/"
    cameras: tuple[str, ...] = ()
    image: str = "image"
    camera_info: str = "camera_info"
    video: str = "video"
    points: str = "points"
    planner: str = "planner"
    planner_topics: tuple[str, ...] = ("speed",)
    blackbox_topics: tuple[str, ...] = TF
    enclaves: str = "/trustseg"
    sim_time: bool = False
    mount_from_tf: bool = False
    compressed: bool = False

    def of_camera(self, name: str) -> Deployment:
        """The nodes of one camera of a rig.

        Raises:
            InputError: as many topics as cameras are wanted, and others are given.
        """
        at = self.cameras.index(name)
        image, camera_info, video, points = (
            self._one(topics, at) for topics in (self.image, self.camera_info, self.video, self.points)
        )
        return replace(
            self, namespace=f"{self.namespace.rstrip('/')}/{name}", cameras=(), image=image, camera_info=camera_info,
            video=video, points=points,
        )  # fmt: skip

    def _one(self, topics: str, at: int) -> str:
        named = [part.strip() for part in topics.split(",")]
        if len(named) == 1 and named[0] and not named[0].startswith("/"):
            return named[0]
        if len(named) != len(self.cameras) or not all(named):
            expected = f"{len(self.cameras)} topics with commas, one a camera, or one without a leading slash"
            raise InputError("topics of a rig's cameras", expected=expected, got=repr(topics))
        return named[at]


@dataclass(frozen=True)
class NodeRights:
    """What one node may do; names as the node itself uses them (`~/` is its own). An enclave is one process."""

    enclave: str
    node: str
    publishes: tuple[str, ...] = ()
    subscribes: tuple[str, ...] = ()
    serves: tuple[str, ...] = field(default=EVERY_SERVICE)
    namespace: str = "/"


def rights_of(deployment: Deployment) -> tuple[NodeRights, ...]:
    """Rights of segmenter, monitor and planner, of those that a vehicle may have beside them, and of a rig's nodes.

    Raises:
        InputError: topics of a rig that do not fit its cameras.
    """
    if deployment.cameras:
        return _of_rig(deployment)
    found = (*_of_camera(deployment), _planner(deployment, TO_PLANNER))
    return tuple(replace(each, namespace=deployment.namespace) for each in found)


def _clock(deployment: Deployment) -> tuple[str, ...]:
    return ("/clock",) if deployment.sim_time else ()


def _planner(deployment: Deployment, hears: tuple[str, ...]) -> NodeRights:
    return NodeRights(
        PLANNER, deployment.planner, (*deployment.planner_topics, *EVERY_PUBLISHER), (*hears, *_clock(deployment))
    )


def _of_rig(deployment: Deployment) -> tuple[NodeRights, ...]:
    """One process of all segmenters, the rig's monitor, the planner, and each camera's own processes."""
    clock, home = _clock(deployment), deployment.namespace
    segmenters, others = [], []
    for name in deployment.cameras:
        for each in rights_of(deployment.of_camera(name)):
            if each.enclave == SEGMENTER:
                segmenters.append(replace(each, enclave=SEGMENTER_RIG))
            elif each.enclave != PLANNER:
                others.append(replace(each, enclave=f"{name}/{each.enclave}"))
    rig = NodeRights(SEGMENTER_RIG, "trustseg_rig", EVERY_PUBLISHER, clock, namespace=home)
    rig_monitor = NodeRights(
        RIG_MONITOR, "trustseg_rig_monitor", ("~/failure_state", "~/failure", "/diagnostics", *EVERY_PUBLISHER),
        (*(f"{name}/{VERDICT}" for name in deployment.cameras), *clock), namespace=home,
    )  # fmt: skip
    hears = [f"{name}/{topic}" for name in deployment.cameras for topic in TO_PLANNER]
    verdicts = ("trustseg_rig_monitor/failure_state", "trustseg_rig_monitor/failure")
    planner = replace(_planner(deployment, (*verdicts, *hears)), namespace=home)
    return rig, *segmenters, rig_monitor, planner, *others


def _of_camera(deployment: Deployment) -> tuple[NodeRights, ...]:
    """Rights of one camera's nodes but the planner's; their namespace is not yet set."""
    clock = _clock(deployment)
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
    return segmenter, monitor, *_companions(deployment, clock)


def _companions(deployment: Deployment, clock: tuple[str, ...]) -> tuple[NodeRights, ...]:
    """Rights of those beside segmenter and monitor, none of which may say anything of theirs."""
    image = compressed_topic(deployment.image) if deployment.compressed else deployment.image
    tf = TF if deployment.mount_from_tf else ()
    ground_grid = NodeRights(
        GROUND_GRID,
        "trustseg_ground_grid",
        ("~/grid", "~/class_grid", "~/free_distance", "~/transition_event", "/diagnostics", *EVERY_PUBLISHER),
        (*OUTPUTS, deployment.camera_info, VERDICT, *tf, *clock),
        (*LIFECYCLE, *EVERY_SERVICE),
    )
    blackbox = NodeRights(
        BLACKBOX,
        "trustseg_blackbox",
        ("/diagnostics", *EVERY_PUBLISHER),
        (image, deployment.camera_info, *OUTPUTS, VERDICT, *deployment.blackbox_topics, *clock),
        ("~/record", *EVERY_SERVICE),
    )
    operations = NodeRights(
        OPERATIONS,
        "trustseg_operations",
        ("/diagnostics", "~/stage_times", *EVERY_PUBLISHER),
        ("trustseg/status", VERDICT, *clock),
    )
    point_labels = NodeRights(
        POINT_LABELS,
        "trustseg_point_labels",
        ("~/points", "~/transition_event", "/diagnostics", *EVERY_PUBLISHER),
        (*OUTPUTS, deployment.camera_info, VERDICT, deployment.points, *tf, *clock),
        (*LIFECYCLE, *EVERY_SERVICE),
    )
    # What it publishes are the camera's images: it is the camera's own word, and the segmenter hears nobody else's.
    video_decoder = NodeRights(
        VIDEO_DECODER, "video_decoder", (deployment.image, *EVERY_PUBLISHER), (deployment.video, *clock)
    )
    return ground_grid, blackbox, operations, point_labels, video_decoder


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
    profiles: dict[str, ElementTree.Element] = {}
    for rights in rights_of(deployment):
        if rights.enclave not in profiles:
            context = ElementTree.SubElement(contexts, "context", path=f"{deployment.enclaves}/{rights.enclave}")
            profiles[rights.enclave] = ElementTree.SubElement(context, "profiles")
        profile = ElementTree.SubElement(profiles[rights.enclave], "profile", ns=rights.namespace, node=rights.node)
        for group, item, right, names in (
            ("topics", "topic", "publish", rights.publishes),
            ("topics", "topic", "subscribe", rights.subscribes),
            ("services", "service", "reply", rights.serves),
        ):
            # The schema wants a group to hold something.
            if names:
                listed = ElementTree.SubElement(profile, group, {right: "ALLOW"})
                for name in names:
                    ElementTree.SubElement(listed, item).text = resolved(name, rights.namespace, rights.node)
    ElementTree.indent(policy)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(policy, encoding="unicode") + "\n"
