# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Executes a ROS 2 launch file where `ros2 launch` is not installed (the ROS wheels have none). For tests only.

    python launch_runner.py FILE [name:=value ...]      start it; SIGINT or SIGTERM ends every process
    python launch_runner.py FILE --show-args            print its arguments

Gives the file stand-ins for the parts of `launch` and `launch_ros` that it uses; an unknown keyword is an error, so
that a file which passes here cannot rely on something that is not looked at.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

SIGTERM_AFTER_S, SIGKILL_AFTER_S = 5.0, 10.0  # as `ros2 launch` does


@dataclass(frozen=True)
class LaunchConfiguration:
    variable_name: str

    def perform(self, context: Context) -> str:
        return context.text(self)


@dataclass(frozen=True)
class EnvironmentVariable:
    name: str
    default_value: Any = None


@dataclass(frozen=True)
class DeclareLaunchArgument:
    name: str
    default_value: Any = None
    description: str = ""
    choices: Sequence[str] | None = None


@dataclass(frozen=True)
class OpaqueFunction:
    """Its function gets the context, with the values of all arguments declared before, and returns more entities."""

    function: Callable[[Context], Sequence[Any]]


@dataclass(frozen=True)
class SetEnvironmentVariable:
    name: str
    value: Any


@dataclass(frozen=True, kw_only=True)
class Node:
    package: str
    executable: str
    name: Any = None
    namespace: Any = ""
    parameters: Sequence[Any] = ()
    remappings: Sequence[tuple[Any, Any]] = ()
    arguments: Sequence[Any] = ()
    output: str = "log"
    emulate_tty: bool = False
    respawn: bool = False
    respawn_delay: float = 0.0


@dataclass(frozen=True, kw_only=True)
class LifecycleNode(Node):
    """`launch_ros` demands both of its lifecycle nodes, so this one does too."""

    name: Any
    namespace: Any


@dataclass(frozen=True)
class LaunchDescription:
    entities: Sequence[Any]


@dataclass
class Context:
    """Values of the arguments and the environment while the description is walked through."""

    given: dict[str, str]
    prefixes: Sequence[Path]
    scratch: Path
    values: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))

    def text(self, value: Any) -> str:
        """Performs a substitution, or a list of them that are joined."""
        if isinstance(value, LaunchConfiguration):
            return self.values[value.variable_name]
        if isinstance(value, EnvironmentVariable):
            return self.environment.get(value.name) or self.text(value.default_value)
        return "".join(map(self.text, value)) if isinstance(value, list | tuple) else str(value)

    def command(self, node: Node) -> list[str]:
        """The command line that `ros2 launch` would run for this node."""
        program = next(
            (p / "lib" / node.package / node.executable for p in self.prefixes if (p / "lib" / node.package).is_dir()),
            None,
        )
        if program is None or not program.is_file():
            raise SystemExit(f"executable '{node.executable}' not found in package '{node.package}'")
        command = [str(program), *map(self.text, node.arguments), "--ros-args"]
        if node.name:
            command += ["-r", f"__node:={self.text(node.name)}"]
        if self.text(node.namespace):
            command += ["-r", f"__ns:=/{self.text(node.namespace).strip('/')}"]
        for each in node.parameters:
            command += ["--params-file", self.parameter_file(node, each)]
        for old, new in node.remappings:
            command += ["-r", f"{self.text(old)}:={self.text(new)}"]
        return command

    def parameter_file(self, node: Node, parameters: Any) -> str:
        """The file that was named, or one made of a dictionary, under the node's full name as `launch_ros` does it."""
        if not isinstance(parameters, dict):
            path = self.text(parameters)
            if not os.path.isfile(path):
                raise SystemExit(f"parameter file {path} does not exist")
            return path
        values = {k: v if isinstance(v, bool | int | float) else self.yaml(v) for k, v in parameters.items()}
        path = str(self.scratch / f"parameters_{len(list(self.scratch.iterdir()))}.yaml")
        full_name = "/".join(["", *filter(None, [self.text(node.namespace).strip("/"), self.text(node.name)])])
        full_name = full_name if node.name else "/**"
        Path(path).write_text(yaml.safe_dump({full_name: {"ros__parameters": values}}), encoding="utf-8")
        return path

    def yaml(self, value: Any) -> Any:
        """As `launch_ros` does: a substitution's text is read as YAML, a plain string stays one."""
        return value if isinstance(value, str) else yaml.safe_load(self.text(value))


STAND_INS: dict[str, list[type[Any]]] = {
    "launch": [Context, LaunchDescription],
    "launch.actions": [DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable],
    "launch.substitutions": [LaunchConfiguration, EnvironmentVariable],
    "launch_ros": [],
    "launch_ros.actions": [Node, LifecycleNode],
}


def install_stand_ins() -> None:
    """Puts the stand-ins where the launch file imports them from."""
    for name, classes in STAND_INS.items():
        module = ModuleType(name)
        module.__dict__.update({"LaunchContext" if c is Context else c.__name__: c for c in classes})
        sys.modules[name] = module


def load(path: Path) -> LaunchDescription:
    """Runs the file's `generate_launch_description`."""
    spec = importlib.util.spec_from_file_location("launch_file", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise SystemExit(f"launch file {path} does not exist")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    description: LaunchDescription = module.generate_launch_description()
    return description


def prepare(description: LaunchDescription, context: Context) -> list[tuple[Node, list[str], dict[str, str]]]:
    """Walks through the description in its order; returns what to start."""
    known = {e.name for e in description.entities if isinstance(e, DeclareLaunchArgument)}
    if set(context.given) - known:
        raise SystemExit(f"unknown launch arguments: {', '.join(sorted(set(context.given) - known))}")
    started = []
    waiting = list(description.entities)
    while waiting:
        entity = waiting.pop(0)
        if isinstance(entity, DeclareLaunchArgument):
            value = context.given.get(entity.name)
            context.values[entity.name] = context.text(entity.default_value) if value is None else value
            if entity.choices and context.values[entity.name] not in entity.choices:
                raise SystemExit(f"argument {entity.name}: expected one of {entity.choices}, got {value!r}")
        elif isinstance(entity, OpaqueFunction):
            waiting = [*entity.function(context), *waiting]
        elif isinstance(entity, SetEnvironmentVariable):
            context.environment[entity.name] = context.text(entity.value)
        elif isinstance(entity, Node):
            started.append((entity, context.command(entity), dict(context.environment)))
        else:
            raise SystemExit(f"{type(entity).__name__} is not known to this runner")
    return started


def run(nodes: list[tuple[Node, list[str], dict[str, str]]]) -> int:
    """Starts every node, respawns those that ask for it, and ends all of them on SIGINT or SIGTERM."""
    stop: list[float] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.append(time.monotonic()))
    running: dict[int, subprocess.Popen[bytes]] = {}
    due = dict.fromkeys(range(len(nodes)), 0.0)
    while not stop and (due or running):
        for index in [i for i, at in due.items() if time.monotonic() >= at]:
            node, command, environment = nodes[index]
            running[index] = subprocess.Popen(command, env=environment)
            print(f"[{node.executable}] started with pid {running[index].pid}", flush=True)
            del due[index]
        for index, process in list(running.items()):
            if process.poll() is not None:
                node = nodes[index][0]
                print(f"[{node.executable}] ended with exit code {process.returncode}", flush=True)
                del running[index]
                if node.respawn:
                    due[index] = time.monotonic() + node.respawn_delay
        time.sleep(0.02)
    begun = time.monotonic()
    for number, after_s in ((signal.SIGINT, 0.0), (signal.SIGTERM, SIGTERM_AFTER_S), (signal.SIGKILL, SIGKILL_AFTER_S)):
        while time.monotonic() < begun + after_s and any(p.poll() is None for p in running.values()):
            time.sleep(0.02)
        for process in running.values():
            if process.poll() is None:
                process.send_signal(number)
    for process in running.values():
        process.wait()
    return 0


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("arguments", nargs="*", help="name:=value")
    parser.add_argument("--show-args", action="store_true")
    options = parser.parse_args()
    install_stand_ins()
    description = load(options.file.resolve())
    if options.show_args:
        for entity in description.entities:
            if isinstance(entity, DeclareLaunchArgument):
                print(f"{entity.name}: {entity.description}")
        return 0
    given = dict(argument.split(":=", 1) for argument in options.arguments)
    prefixes = [Path(p) for p in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if p]
    with tempfile.TemporaryDirectory() as scratch:
        return run(prepare(description, Context(given, prefixes, Path(scratch))))


if __name__ == "__main__":
    sys.exit(main())
