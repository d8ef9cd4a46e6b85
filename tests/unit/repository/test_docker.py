# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The container files, which cannot be built here: parseable, pinned, without root, without anything from a URL."""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from trustseg.host.ros_env import fastdds_profile
from trustseg.host.telemetry import OPT_OUT

ROOT = Path(__file__).resolve().parents[3]
DOCKERFILE = ROOT / "docker" / "Dockerfile"
TARGETS = ("jetson", "gpu", "cpu")
KNOWN = {"FROM", "RUN", "COPY", "WORKDIR", "ARG", "ENV", "USER", "STOPSIGNAL", "ENTRYPOINT", "CMD"}


@dataclass
class Stage:
    """One FROM and what follows it."""

    base: str
    name: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def all(self, instruction: str) -> list[str]:
        """Arguments of every such instruction."""
        return [text for name, text in self.steps if name == instruction]


def parse(text: str) -> list[Stage]:
    """Stages of a Dockerfile; an AssertionError names a line that is none."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    stages: list[Stage] = []
    for line in re.sub(r"\\\n\s*", " ", "\n".join(lines)).splitlines():
        instruction, _, rest = line.partition(" ")
        assert instruction in KNOWN, line
        if instruction == "FROM":
            found = re.fullmatch(r"(\S+) AS (\w+)", rest)
            assert found, line
            stages.append(Stage(found[1], found[2]))
        else:
            assert stages, line
            stages[-1].steps.append((instruction, rest.strip()))
    return stages


@pytest.fixture(scope="module")
def stages() -> dict[str, Stage]:
    return {stage.name: stage for stage in parse(DOCKERFILE.read_text())}


def test_the_parser_refuses_what_it_should() -> None:
    for wrong in ("RUN x", "FROM a AS b\nADD https://example.com/x /x", "FROM a"):
        with pytest.raises(AssertionError):
            parse(wrong)


def test_every_target_is_there_and_every_base_is_pinned(stages: dict[str, Stage]) -> None:
    assert set(TARGETS) <= set(stages)
    for stage in stages.values():
        if stage.base not in stages:
            _, _, tag = stage.base.rpartition(":")
            assert re.search(r"\d|jammy", tag), stage.base
            assert tag != "latest"
            assert ":" in stage.base
    assert "l4t-jetpack" in stages["jetson"].base


@pytest.mark.parametrize("target", TARGETS)
def test_the_command_of_the_documents_is_on_the_path(stages: dict[str, Stage], target: str) -> None:
    """`docker compose run ... trustseg build`: colcon puts the command where `ros2 run` alone looks."""
    config = configparser.ConfigParser()
    config.read(ROOT / "ros2_ws" / "src" / "trustseg" / "setup.cfg")
    base = re.search(r"--merge-install --install-base (\S+)", " ".join(stages["workspace"].all("RUN")))
    assert base is not None
    folder = config["install"]["install_scripts"].replace("$base", base[1])
    assert f"PATH={folder}:" in " ".join(stages[target].all("ENV"))


@pytest.mark.parametrize("target", TARGETS)
def test_no_root_and_a_command(stages: dict[str, Stage], target: str) -> None:
    stage = stages[target]
    names = [name for name, _ in stage.steps]
    assert stage.all("USER") == ["trustseg"]
    assert names[names.index("USER") :] == ["USER", "STOPSIGNAL", "ENTRYPOINT", "CMD"]  # nothing runs as root after it
    assert json.loads(stage.all("ENTRYPOINT")[0]) == ["trustseg-entrypoint"]
    command = json.loads(stage.all("CMD")[0])
    assert command[:4] == ["ros2", "launch", "trustseg_ros", "trustseg.launch.py"]
    given = dict(argument.split(":=") for argument in command[4:])
    assert (ROOT / "launch" / "profiles" / f"{given['profile']}.yaml").is_file()
    from trustseg.backends import backend_order

    assert backend_order(given.get("backend", "auto"))
    if target != "cpu":
        assert given["backend"].startswith("tensorrt,")


def test_everything_is_copied_from_the_checkout_or_an_image(stages: dict[str, Stage]) -> None:
    for stage in stages.values():
        for text in stage.all("COPY"):
            *sources, _ = [word for word in shlex.split(text) if not word.startswith("--")]
            origin = re.match(r"--from=(\w+)", text)
            if origin:
                assert origin[1] in stages
                continue
            assert all((ROOT / source).exists() for source in sources), text


def test_nothing_is_fetched_from_a_url_and_packages_are_pinned(stages: dict[str, Stage]) -> None:
    for stage in stages.values():
        for text in stage.all("RUN"):
            assert not re.search(r"https?://|\bcurl\b|\bwget\b|\bgit clone\b|--privileged|\bsudo\b", text), text
            for part in re.findall(r"pip\" install ([^&]*)", text):
                words = [word for word in shlex.split(part) if not word.startswith("-")]
                assert "--require-hashes" in part or all(re.fullmatch(r"[\w-]+==[\d.]+", word) for word in words), part
            if "apt-get install" in text:
                assert "--no-install-recommends" in text
                assert "rm -rf /var/lib/apt/lists/*" in text


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())
    return document


@pytest.mark.parametrize("target", TARGETS)
def test_services_are_confined(compose: dict[str, Any], target: str) -> None:
    service = compose["services"][target]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert int(service["user"].split(":")[0]) > 0
    assert "privileged" not in service
    assert service["build"]["target"] == target
    assert (ROOT / "docker" / service["build"]["context"]).resolve() == ROOT
    # A read-only root still needs these to be written: plans and caches, logs.
    assert any(volume.endswith(":/var/lib/trustseg") for volume in service["volumes"])
    assert any(mount.startswith("/tmp") for mount in service["tmpfs"])


def test_what_is_written_lies_where_it_may_be(stages: dict[str, Stage]) -> None:
    for target in TARGETS:
        told = " ".join(stages[target].all("ENV"))
        for name in ("TRUSTSEG_PLANS", "XDG_CACHE_HOME", "ROS_LOG_DIR"):
            value = re.search(rf"{name}=(\S+)", told)
            assert value is not None
            assert value[1].startswith(("/var/lib/trustseg/", "/tmp/"))


@pytest.mark.parametrize("target", TARGETS)
def test_it_is_ended_by_the_signal_on_which_launch_ends_its_nodes(
    stages: dict[str, Stage], compose: dict[str, Any], target: str
) -> None:
    assert stages[target].all("STOPSIGNAL") == ["SIGINT"]
    service = compose["services"][target]
    assert (service["init"], service["stop_signal"]) == (True, "SIGINT")
    unit = configparser.ConfigParser(strict=True, interpolation=None)
    unit.read(ROOT / "docker" / "trustseg.service")
    assert unit["Service"]["KillSignal"] == "SIGINT"
    # The unit waits longer than compose, which waits longer than launch needs for its own SIGKILL.
    assert int(unit["Service"]["TimeoutStopSec"]) > int(service["stop_grace_period"].rstrip("s"))


@pytest.mark.parametrize("target", TARGETS)
def test_other_users_of_the_host_are_met_over_udp(
    stages: dict[str, Stage], compose: dict[str, Any], target: str
) -> None:
    told = dict(word.split("=", 1) for text in stages[target].all("ENV") for word in text.split())
    assert fastdds_profile(told["TRUSTSEG_TRANSPORT"]) == fastdds_profile("udp")
    service = compose["services"][target]
    assert service["network_mode"] == "host"
    assert service["environment"]["ROS_AUTOMATIC_DISCOVERY_RANGE"].endswith(":-SUBNET}")
    assert "ipc" not in service  # its shared memory would be the host's, which it does not use


@pytest.mark.parametrize("target", TARGETS)
def test_no_library_reports_to_its_maker(stages: dict[str, Stage], target: str) -> None:
    told = " ".join(stages[target].all("ENV")).split()
    assert {f"{name}={value}" for name, value in OPT_OUT.items()} <= set(told)


@pytest.mark.parametrize("target", TARGETS)
def test_the_public_key_is_handed_on(compose: dict[str, Any], target: str) -> None:
    """By name alone: with a value the variable would be there, and empty, where the host has none."""
    service = compose["services"][target]
    assert "TRUSTSEG_PUBLIC_KEY" in service["environment"]
    assert service["environment"]["TRUSTSEG_PUBLIC_KEY"] is None
    assert "/etc/trustseg:/etc/trustseg:ro" in service["volumes"]


@pytest.mark.parametrize("target", TARGETS)
def test_a_latch_outlives_the_container(stages: dict[str, Stage], compose: dict[str, Any], target: str) -> None:
    """The monitor's file lies on the volume, and not on one of the file systems that end with the container."""
    told = dict(word.split("=", 1) for text in stages[target].all("ENV") for word in text.split())
    service = compose["services"][target]
    code = "from trustseg_ros.monitor.latch_file import default_path; print(default_path('/trustseg_monitor'))"
    environment = {
        "PATH": "/usr/bin",
        "PYTHONPATH": os.pathsep.join(sys.path),
        **{k: v for k, v in service["environment"].items() if v is not None},
    }
    environment |= {name: value for name, value in told.items() if name == "TRUSTSEG_STATE"} | {"ROS_DOMAIN_ID": "0"}
    place = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    volumes = [volume.split(":")[1] for volume in service["volumes"]]
    assert any(place.stdout.startswith(f"{volume}/") for volume in volumes), place.stdout
    assert not any(place.stdout.startswith(mount.split(":")[0] + "/") for mount in service["tmpfs"])


def test_links_of_the_packages_are_copied_with_what_they_point_to(stages: dict[str, Stage]) -> None:
    copied = {text.split()[0] for text in stages["workspace"].all("COPY")}
    for link in (ROOT / "ros2_ws" / "src").glob("*/*"):
        if link.is_symlink():
            assert link.resolve().relative_to(ROOT).parts[0] in copied, link


def test_the_unit_starts_and_stops_it(compose: dict[str, Any]) -> None:
    unit = configparser.ConfigParser(strict=True, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(ROOT / "docker" / "trustseg.service")
    service = unit["Service"]
    for key, verb in (("ExecStart", "up"), ("ExecStop", "down")):
        words = shlex.split(service[key])
        assert words[0] == "/usr/bin/docker"
        assert verb in words
        assert (ROOT / words[words.index("-f") + 1]).is_file()
        assert words[words.index("--profile") + 1] == "${TRUSTSEG_TARGET}"
    assert service["Restart"] == "on-failure"
    assert unit["Unit"]["Requires"] == "docker.service"
    assert unit["Install"]["WantedBy"] == "multi-user.target"
    assert {each for one in compose["services"].values() for each in one["profiles"]} == set(TARGETS)


def test_the_entrypoint_is_sound_and_hands_signals_on() -> None:
    path = ROOT / "docker" / "entrypoint.sh"
    assert path.stat().st_mode & 0o111
    assert path.read_text().rstrip().endswith('exec "$@"')
    assert subprocess.run(["bash", "-n", str(path)], check=False).returncode == 0
