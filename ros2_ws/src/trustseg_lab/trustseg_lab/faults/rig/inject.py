# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg faults inject`: one fault in a system that runs already, for a time."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import rclpy
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParametersAtomically
from rclpy.node import Node

from trustseg.errors import InputError
from trustseg_lab.faults.catalogue import FAULTS, way_of
from trustseg_lab.faults.fault import BACKEND, CAMERA, OUTPUT, PROCESS

INJECTOR, SEGMENTER = "trustseg_injector", "trustseg"
SERVICE_LIMIT_S = 15.0  # a busy machine takes some seconds until two nodes have found each other
TRIES = 4
# What a signal to a process that runs already can make: kind -> (part of its command line, signal).
SIGNALS = {
    "segmenter_killed": ("segmenter", signal.SIGKILL),
    "segmenter_segfault": ("segmenter", signal.SIGSEGV),
    "segmenter_oom": ("segmenter", signal.SIGKILL),
    "segmenter_stopped": ("segmenter", signal.SIGSTOP),
    "restart": ("segmenter", signal.SIGINT),
    "monitor_killed": ("monitor", signal.SIGKILL),
    "monitor_stopped": ("monitor", signal.SIGSTOP),
    "link_killed": ("injector", signal.SIGKILL),
}


def injectable() -> list[str]:
    """Kinds that can be injected from outside."""
    makers = (CAMERA, BACKEND, OUTPUT)
    return [way.kind for fault in FAULTS for way in fault.ways if way.maker in makers or way.kind in SIGNALS]


def parse_duration(text: str) -> float:
    """`5`, `5s` or `500ms` in seconds; InputError for anything else."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s)?", text.strip())
    if not found or not float(found[1]):
        raise InputError("--for is wrong", expected="a time such as 5s or 500ms", got=repr(text))
    return float(found[1]) / (1e3 if found[2] == "ms" else 1.0)


def inject(
    kind: str, duration_s: float, seed: int, severity: float, namespace: str, say: Callable[[str], None]
) -> None:
    """Make one fault happen for `duration_s` seconds to the system of this ROS domain, and end it.

    Raises:
        InputError: no such fault, one that cannot be made from outside, or nobody there who could make it.
    """
    way = way_of(kind)[1]
    if kind not in injectable():
        raise InputError(
            f"fault {kind} needs its own start", expected=", ".join(injectable()), fix="trustseg faults run"
        )
    if way.maker == PROCESS:
        return _signal(kind, duration_s, say)
    rclpy.init()
    node = rclpy.create_node("trustseg_inject", namespace=namespace)
    try:
        target = f"{SEGMENTER if way.maker == BACKEND else INJECTOR}"
        more = {} if way.maker == BACKEND else {"fault_seed": seed, "fault_severity": severity, "fault_for_s": 0.0}
        _ask(node, target, {"fault": kind, **more})
        say(f"{kind} for {duration_s:g} s")
        try:
            time.sleep(duration_s)
        finally:
            _ask(node, target, {"fault": ""})
        say(f"{kind} ended")
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


def _ask(node: Node, target: str, values: dict[str, str | int | float]) -> None:
    client = node.create_client(SetParametersAtomically, f"{target}/set_parameters_atomically")
    if not client.wait_for_service(SERVICE_LIMIT_S):
        fix = (
            "start it with fault_injection:=true"
            if target == SEGMENTER
            else "put it between camera and segmenter: `ros2 run trustseg_ros injector --ros-args -r "
            "image_in:=CAMERA_TOPIC -r image:=/faulty/image`, and launch with image:=/faulty/image"
        )
        raise InputError(f"there is no node {target} in this ROS domain", fix=fix)
    request = SetParametersAtomically.Request(parameters=[_parameter(*each) for each in values.items()])
    answer = None
    for _ in range(TRIES):
        # The service is there before it knows who asks: an answer that it sends meanwhile reaches nobody.
        future = client.call_async(request)
        rclpy.spin_until_future_complete(node, future, timeout_sec=SERVICE_LIMIT_S / TRIES)
        answer = future.result() if future.done() else None
        if answer is not None:
            break
        client.remove_pending_request(future)
    if answer is None:
        raise InputError(f"node {target} does not answer within {SERVICE_LIMIT_S:g} s")
    if not answer.result.successful:
        raise InputError(f"node {target} refuses", got=answer.result.reason)


def _parameter(name: str, value: str | int | float) -> Parameter:
    if isinstance(value, str):
        return Parameter(name=name, value=ParameterValue(type=ParameterType.PARAMETER_STRING, string_value=value))
    if isinstance(value, int):
        return Parameter(name=name, value=ParameterValue(type=ParameterType.PARAMETER_INTEGER, integer_value=value))
    return Parameter(name=name, value=ParameterValue(type=ParameterType.PARAMETER_DOUBLE, double_value=value))


def _signal(kind: str, duration_s: float, say: Callable[[str], None]) -> None:
    program, number = SIGNALS[kind]
    found = _processes(program)
    if len(found) != 1:
        raise InputError(
            f"fault {kind} needs one {program} of this user in ROS domain {_domain(os.environ)}", got=str(len(found))
        )
    os.kill(found[0], number)
    say(f"{number.name} to the {program}, process {found[0]}")
    if number == signal.SIGSTOP:
        try:
            time.sleep(duration_s)
        finally:
            os.kill(found[0], signal.SIGCONT)
        say(f"SIGCONT to process {found[0]}")


def _processes(program: str) -> list[int]:
    """Processes of this user that run a program of trustseg_ros in this ROS domain."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
            variables = (entry / "environ").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        names = tuple(
            start + program
            for start in (
                "trustseg_ros/",
                "bin/trustseg_",
                "trustseg_ros.",
                "trustseg_lab.faults.rig.",
            )
        )
        mine = any(word.endswith(names) for word in words[:4])
        if mine and _domain(dict(v.partition("=")[::2] for v in variables)) == _domain(os.environ):
            found.append(int(entry.name))
    return found


def _domain(variables: Mapping[str, str]) -> str:
    return variables.get("ROS_DOMAIN_ID") or "0"
