# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The SROS 2 policy: held to the structure that sros2 asks for, and who may say what in it."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from trustseg.cli.app import main
from trustseg.errors import InputError
from trustseg_lab.security.policy import Deployment, NodeRights, policy_document, resolved, rights_of

RULES = {"ALLOW", "DENY"}
GROUPS = {"topics": ("topic", {"publish", "subscribe"}), "services": ("service", {"reply", "request"})}


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["security", *arguments])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def check_policy(document: str) -> None:
    """The structure that sros2's policy.xsd asks for, element by element."""
    policy = ElementTree.fromstring(document)
    assert (policy.tag, set(policy.attrib)) == ("policy", {"version"})
    (contexts,) = policy
    assert contexts.tag == "contexts"
    assert len(contexts) >= 1
    for context in contexts:
        assert (context.tag, set(context.attrib)) == ("context", {"path"})
        for profiles in context:
            assert profiles.tag == "profiles"
            assert set(profiles.attrib) <= {"type"}
            for profile in profiles:
                assert (profile.tag, set(profile.attrib)) == ("profile", {"ns", "node"})
                for group in profile:
                    item, rights = GROUPS[group.tag]
                    assert set(group.attrib) <= rights
                    assert set(group.attrib.values()) <= RULES
                    assert len(group) >= 1
                    assert all(each.tag == item and (each.text or "").startswith("/") for each in group)


@pytest.mark.parametrize(
    "deployment",
    [Deployment(), Deployment(namespace="/front", sim_time=True), Deployment(cameras=("front", "car/left"))],
)
def test_the_policy_has_the_structure_of_sros2(deployment: Deployment) -> None:
    check_policy(policy_document(deployment))


def test_one_enclave_a_process_and_only_the_monitors_may_publish_the_flag() -> None:
    policy = ElementTree.fromstring(policy_document(Deployment()))
    nodes = {c.attrib["path"]: [p.attrib["node"] for p in c.iter("profile")] for c in policy.iter("context")}
    assert nodes == {
        "/trustseg/segmenter": ["trustseg"],
        "/trustseg/monitor": ["trustseg_monitor"],
        "/trustseg/planner": ["planner"],
        "/trustseg/ground_grid": ["trustseg_ground_grid"],
        "/trustseg/blackbox": ["trustseg_blackbox"],
        "/trustseg/operations": ["trustseg_operations"],
        "/trustseg/point_labels": ["trustseg_point_labels"],
        "/trustseg/video_decoder": ["video_decoder"],
    }
    for topic in ("/trustseg_monitor/failure_state", "/trustseg_monitor/failure"):
        may = [
            context.attrib["path"]
            for context in policy.iter("context")
            for group in context.iter("topics")
            if group.get("publish") == "ALLOW" and topic in [t.text for t in group]
        ]
        assert may == ["/trustseg/monitor"]
    assert not [text for text in policy.itertext() if "*" in text]


@pytest.mark.parametrize(
    ("image", "compressed", "heard"),
    [
        ("/cam/image_raw", False, {"/cam/image_raw"}),
        ("/cam/image_raw", True, {"/cam/image_raw", "/cam/image_raw/compressed"}),
        ("image", True, {"/front/image", "/front/image/compressed"}),
        ("/cam/compressed", True, {"/cam/compressed"}),
    ],
)
def test_the_segmenter_may_hear_where_image_transport_publishes(image: str, compressed: bool, heard: set[str]) -> None:
    document = policy_document(Deployment(namespace="/front", image=image, camera_info="/info", compressed=compressed))
    (segmenter,) = (
        c for c in ElementTree.fromstring(document).iter("context") if c.attrib["path"].endswith("segmenter")
    )
    groups = [group for group in segmenter.iter("topics") if group.get("subscribe") == "ALLOW"]
    topics = {topic.text for group in groups for topic in group} - {"/info"}
    assert {each for each in topics if "/cam/" in str(each) or "/image" in str(each)} == heard


@pytest.mark.parametrize(("compressed", "heard"), [(False, "/cam/image"), (True, "/cam/image/compressed")])
def test_the_black_box_hears_the_camera_and_what_else_it_is_to_record(compressed: bool, heard: str) -> None:
    given = Deployment(image="/cam/image", compressed=compressed, blackbox_topics=("/odom",))
    (rights,) = (each for each in rights_of(given) if each.enclave == "blackbox")
    assert [each for each in rights.subscribes if each.startswith("/")] == [heard, "/odom"]


RIG = Deployment(cameras=("front", "left"), image="/cam/1,/cam/2", points="lidar")


def test_a_rig_has_one_enclave_for_all_segmenters_and_one_for_each_process_of_a_camera() -> None:
    policy = ElementTree.fromstring(policy_document(RIG))
    nodes = {
        context.attrib["path"]: [f"{p.attrib['ns'].rstrip('/')}/{p.attrib['node']}" for p in context.iter("profile")]
        for context in policy.iter("context")
    }
    assert len(nodes) == len(list(policy.iter("context")))
    of_all = {"segmenter_rig": ["/trustseg_rig", "/front/trustseg", "/left/trustseg"],
              "rig_monitor": ["/trustseg_rig_monitor"], "planner": ["/planner"]}  # fmt: skip
    of_one = {"monitor", "ground_grid", "blackbox", "operations", "point_labels", "video_decoder"}
    assert {path: nodes.pop(f"/trustseg/{path}") for path in of_all} == of_all
    assert set(nodes) == {f"/trustseg/{camera}/{process}" for camera in RIG.cameras for process in of_one}
    assert nodes["/trustseg/left/monitor"] == ["/left/trustseg_monitor"]


def test_only_the_monitors_of_a_rig_may_publish_its_flags() -> None:
    for node in ("/front/trustseg_monitor", "/left/trustseg_monitor", "/trustseg_rig_monitor"):
        for topic in ("failure_state", "failure"):
            may = [r for r in rights_of(RIG) if f"{node}/{topic}" in _absolute(r.publishes, r)]
            assert [f"{r.namespace.rstrip('/')}/{r.node}" for r in may] == [node]


def _absolute(names: tuple[str, ...], rights: NodeRights) -> set[str]:
    return {resolved(name, rights.namespace, rights.node) for name in names}


def test_each_camera_of_a_rig_has_its_own_topics() -> None:
    of = {f"{r.namespace}/{r.node}": r for r in rights_of(RIG)}
    assert "/cam/1" in of["/front/trustseg"].subscribes
    assert "/cam/2" in of["/left/trustseg"].subscribes
    assert not {"/cam/1"} & {*of["/left/trustseg"].subscribes, *of["/left/video_decoder"].publishes}
    assert "/left/lidar" in _absolute(of["/left/trustseg_point_labels"].subscribes, of["/left/trustseg_point_labels"])
    heard = _absolute(of["//trustseg_rig_monitor"].subscribes, of["//trustseg_rig_monitor"])
    assert heard == {"/front/trustseg_monitor/failure_state", "/left/trustseg_monitor/failure_state"}
    planner = _absolute(of["//planner"].subscribes, of["//planner"])
    assert {"/trustseg_rig_monitor/failure_state", "/left/trustseg/mask", "/front/trustseg/status"} <= planner


@pytest.mark.parametrize("image", ["/cam/1", "/cam/1,/cam/2,/cam/3", "a,", ""])
def test_a_rig_wants_a_topic_a_camera(image: str) -> None:
    with pytest.raises(InputError, match="one a camera"):
        policy_document(Deployment(cameras=("front", "left"), image=image))


def test_ground_grid_and_point_labels_hear_tf_where_it_says_the_cameras_place() -> None:
    for given in (False, True):
        hear = {
            r.enclave for r in rights_of(Deployment(mount_from_tf=given)) if {"/tf", "/tf_static"} <= {*r.subscribes}
        }
        assert hear == {"blackbox", *(("ground_grid", "point_labels") if given else ())}


def test_names_are_made_absolute() -> None:
    assert resolved("~/mask", "/", "trustseg") == "/trustseg/mask"
    assert resolved("~/mask", "/front", "trustseg") == "/front/trustseg/mask"
    assert resolved("image", "/front", "trustseg") == "/front/image"
    assert resolved("/cam/image", "/front", "trustseg") == "/cam/image"


def test_the_policy_command_writes_the_file_and_says_what_comes_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, "policy", "--out", str(tmp_path / "new"), "--namespace", "front", "--planner", "driver")
    assert code == 0
    text = (tmp_path / "new" / "policy.xml").read_text()
    check_policy(text)
    assert '<profile ns="/front" node="driver">' in text
    assert f"create_permission KEYSTORE /trustseg/monitor {tmp_path / 'new' / 'policy.xml'}" in out


def test_the_policy_command_takes_a_rig(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(
        capsys, "policy", "--out", str(tmp_path), "--cameras", "front,left", "--image", "/cam/1,/cam/2",
        "--points", "/lidar,/lidar", "--video", "packets",
    )  # fmt: skip
    assert code == 0
    text = (tmp_path / "policy.xml").read_text()
    check_policy(text)
    assert "front/point_labels" in out
    assert "<topic>/left/packets</topic>" in text
    code, _, err = run(capsys, "policy", "--out", str(tmp_path), "--cameras", "front,left", "--namespace", "car")
    assert (code, len(err.strip().splitlines())) == (2, 1)


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    code, _, err = run(capsys, "policy", "--out", str(tmp_path / "file"))
    assert code == 2
    assert len(err.strip().splitlines()) == 1
