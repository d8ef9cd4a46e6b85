# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The environment of the processes: complete, the user's own settings kept, and the same when applied twice."""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from trustseg.host import ros_env
from trustseg.host.socket_buffers import WANTED_BYTES

TRANSPORT = "{http://www.eprosima.com/XMLSchemas/fastRTPS_Profiles}"


@pytest.mark.parametrize("allocator", [True, False])
def test_applying_it_twice_changes_nothing(allocator: bool) -> None:
    once = ros_env.ros_environment({"PATH": "/bin"}, allocator=allocator)
    assert ros_env.ros_environment(once, allocator=allocator) == once
    assert once["PATH"] == "/bin"
    assert ("MALLOC_MMAP_MAX_" in once) is allocator


def test_it_names_the_workspace_first_and_the_profile() -> None:
    env = ros_env.ros_environment({"PYTHONPATH": "/mine", "LD_LIBRARY_PATH": "/libs"})
    ros = ros_env.find_ros({})
    assert ros.workspace is not None
    assert env["AMENT_PREFIX_PATH"].split(os.pathsep)[0] == str(ros.workspace)
    assert env["PYTHONPATH"].split(os.pathsep)[-1] == "/mine"
    assert env["LD_LIBRARY_PATH"].split(os.pathsep)[0] == str(ros.workspace / "lib")
    assert env["LD_LIBRARY_PATH"].split(os.pathsep)[-1] == "/libs"
    assert env["FASTRTPS_DEFAULT_PROFILES_FILE"] == str(ros_env.fastdds_profile())
    assert env["ROS_AUTOMATIC_DISCOVERY_RANGE"] == "LOCALHOST"


def test_what_the_user_set_stays() -> None:
    own = {
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET",
        "FASTRTPS_DEFAULT_PROFILES_FILE": "/my/profile.xml",
        "MALLOC_TOP_PAD_": "1",
    }
    env = ros_env.ros_environment(own)
    assert {name: env[name] for name in own} == own


def test_a_sourced_humble_is_used_with_its_own_switch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "share" / "rclpy").mkdir(parents=True)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "elsewhere"))
    base = {"AMENT_PREFIX_PATH": str(tmp_path), "ROS_DISTRO": "humble"}
    ros = ros_env.find_ros(base)
    assert (ros.source, ros.distribution) == ("system", "humble")
    assert tmp_path in ros.prefixes
    env = ros_env.ros_environment(base)
    assert env["ROS_LOCALHOST_ONLY"] == "1"
    assert "RMW_IMPLEMENTATION" not in env
    assert "_ROS_WHEELS_BOOTSTRAP_COMPLETE" not in env


def test_the_ros_that_the_environment_was_made_with_needs_no_sourcing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed, venv = tmp_path / "installed", tmp_path / "venv"
    (installed / "share" / "rclpy").mkdir(parents=True)
    venv.mkdir()
    (venv / ros_env.UNDERLAY).write_text(
        f"ROS_DISTRO=jazzy\nAMENT_PREFIX_PATH={installed}\nCMAKE_PREFIX_PATH=\nPYTHONPATH={installed}/python\n"
        f"LD_LIBRARY_PATH={installed}/lib\n"
    )
    monkeypatch.setattr(sys, "prefix", str(venv))
    ros = ros_env.find_ros({})
    assert (ros.source, ros.distribution) == ("system", "jazzy")
    env = ros_env.ros_environment({"PYTHONPATH": "/mine"})
    assert str(installed) in env["AMENT_PREFIX_PATH"].split(os.pathsep)
    assert f"{installed}/python" in env["PYTHONPATH"].split(os.pathsep)
    assert env["LD_LIBRARY_PATH"].endswith(f"{installed}/lib")
    assert "CMAKE_PREFIX_PATH" not in env
    assert ros_env.ros_environment(env) == env
    # What is sourced now wins.
    assert ros_env.find_ros({"ROS_DISTRO": "humble", "AMENT_PREFIX_PATH": str(installed)}).distribution == "humble"


def test_without_ros_only_the_allocator_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert ros_env.find_ros({}).source == "none"
    assert ros_env.ros_environment({}, allocator=False) == {}
    assert ros_env.ros_environment({}) == ros_env.ALLOCATOR


def test_entering_restarts_python_once_with_arguments_kept(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import os, sys\n"
        "print('start', os.getpid())\n"
        "from trustseg.host import ros_env\n"
        "ros_env.enter()\n"
        "import trustseg_interfaces.msg\n"
        "print('ready', os.getpid(), sys.argv[1:])\n"
    )
    base = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, str(script), "--name", "two words"]
    shown = subprocess.run(command, env=base, capture_output=True, text=True, check=True).stdout.splitlines()
    # The same process id three times: replaced, never forked; twice started, never more.
    pid = shown[0].split()[1]
    assert shown == [f"start {pid}", f"start {pid}", f"ready {pid} ['--name', 'two words']"]


def test_the_profile_holds_several_camera_frames() -> None:
    root = ET.parse(ros_env.fastdds_profile()).getroot()
    shared = next(t for t in root.iter(f"{TRANSPORT}transport_descriptor") if t.findtext(f"{TRANSPORT}type") == "SHM")
    segment, message = (int(shared.findtext(f"{TRANSPORT}{tag}") or 0) for tag in ("segment_size", "maxMessageSize"))
    full_hd = 1920 * 1080 * 3
    assert message > full_hd
    assert segment > 8 * full_hd
    participant = next(root.iter(f"{TRANSPORT}participant"))
    assert participant.get("is_default_profile") == "true"


def test_a_discovery_server_is_named_and_kept_from_a_drive_of_its_own(tmp_path: Path) -> None:
    from trustseg_lab.harness.transport import drive_environment

    given = {"ROS_DISCOVERY_SERVER": "10.0.0.1:11811", "ROS_STATIC_PEERS": "", "PATH": "/bin"}
    assert ros_env.discovery_note(given) == "ROS_DISCOVERY_SERVER=10.0.0.1:11811"
    assert ros_env.discovery_note({}) == ""
    with drive_environment(tmp_path, given) as own:
        assert not own.keys() & set(ros_env.DISCOVERY_VARIABLES)
        assert own["PATH"] == "/bin"


@pytest.mark.parametrize("transport", ros_env.TRANSPORTS)
def test_every_profile_asks_for_the_socket_buffers_that_the_limits_are_held_against(transport: str) -> None:
    root = ET.parse(ros_env.fastdds_profile(transport)).getroot()
    kinds = {t.findtext(f"{TRANSPORT}type"): t for t in root.iter(f"{TRANSPORT}transport_descriptor")}
    for tag in ("sendBufferSize", "receiveBufferSize"):
        assert int(kinds["UDPv4"].findtext(f"{TRANSPORT}{tag}") or 0) == WANTED_BYTES
    used = {each.text for each in root.iter(f"{TRANSPORT}transport_id")}
    assert ("SHM" in kinds) is (transport == "shm")
    assert len(used) == len(kinds)
    assert next(root.iter(f"{TRANSPORT}useBuiltinTransports")).text == "false"


def test_the_transport_is_chosen_by_a_variable_and_a_wrong_one_is_one_line() -> None:
    assert ros_env.transport_environment({}) == ros_env.transport_environment({"TRUSTSEG_TRANSPORT": "shm"})
    chosen = ros_env.ros_environment({"TRUSTSEG_TRANSPORT": "udp"})
    assert {chosen[name] for name in ros_env.PROFILE_VARIABLES} == {str(ros_env.fastdds_profile("udp"))}
    env = {**os.environ, "TRUSTSEG_TRANSPORT": "pigeon"}
    env = {name: value for name, value in env.items() if name not in ros_env.PROFILE_VARIABLES}
    refused = subprocess.run(
        [sys.executable, "-m", "trustseg", "env"], env=env, capture_output=True, text=True, check=False
    )
    assert refused.returncode == 2
    assert refused.stderr == "trustseg: TRUSTSEG_TRANSPORT, expected shm or udp, got 'pigeon'\n"
