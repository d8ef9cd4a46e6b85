# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Sets of parameters at random, at start and live: each is taken as it is, or refused with one clear line."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import rclpy
from rclpy.node import Node
from rclpy.parameter import Parameter

from trustseg.errors import TrustSegError
from trustseg_ros.common.parameters import MonitorConfig, SegmenterConfig, load, watch
from trustseg_ros.monitor.node import failsafe_config

START_SETS = 10  # in turns with four times as many on a running node
KINDS: tuple[type[Any], ...] = (SegmenterConfig, MonitorConfig)
STRANGE: tuple[Any, ...] = (
    True, False, 0, 1, -1, 2**31, 2**63 - 1, -(2**63), 0.0, -0.0, 1e-300, 1e308, math.inf, -math.inf, math.nan, "",
    "auto", "live", "true", "0", "x" * 300, "../../etc/passwd", "\u202e", [1, 2], [1.5], ["a"], [True],
)  # fmt: skip


@dataclass
class ParameterFuzz:
    """What became of the sets.

    Attributes:
        sets, at_start, live: tried; of these given at start, and set while running.
        accepted, refused: what was said to them.
        wrong: a value out of its range or type that was taken, or a refusal that changed something.
        crashes: anything raised but a refusal.
    """

    sets: int = 0
    at_start: int = 0
    live: int = 0
    accepted: int = 0
    refused: int = 0
    wrong: list[str] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list)


def fuzz_parameters(count: int, seed: int = 0, on_step: Callable[[int], None] = lambda done: None) -> ParameterFuzz:
    """Try `count` sets, one in five at the start of a node and the others on a running one."""
    rng, result = np.random.default_rng(seed), ParameterFuzz()
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    context = rclpy.Context()
    rclpy.init(context=context)
    try:
        while result.sets < count:
            kind = KINDS[int(rng.integers(len(KINDS)))]
            for _ in range(min(START_SETS, count - result.sets)):
                _at_start(context, kind, _chosen(kind, rng), result)
            _while_running(context, kind, min(4 * START_SETS, count - result.sets), rng, result)
            on_step(result.sets)
    finally:
        context.try_shutdown()
    return result


def _chosen(kind: type[Any], rng: np.random.Generator, *, live: bool = False) -> dict[str, Any]:
    """A few parameters: known or not, with values of any kind, often near to what is allowed; mostly `live` ones."""
    fields = dataclasses.fields(kind)
    if live and rng.random() < 0.8:
        fields = tuple(each for each in fields if each.metadata["live"])
    chosen: dict[str, Any] = {}
    for _ in range(int(rng.integers(1, 4))):
        if rng.random() < 0.05:
            chosen["no_such_parameter"] = 1
            continue
        spec = fields[int(rng.integers(len(fields)))]
        data, draw = spec.metadata, rng.random()
        if draw < 0.4:
            chosen[spec.name] = spec.default
        elif draw < 0.75 and data["minimum"] is not None:
            kind_of_value = float if isinstance(spec.default, float) else int
            low = kind_of_value(data["minimum"])
            high = kind_of_value(data["maximum"] if data["maximum"] is not None else 2**40)
            chosen[spec.name] = (low, high, low - 1, high + 1)[int(rng.integers(4))]
        elif draw < 0.75 and data["choices"]:
            chosen[spec.name] = data["choices"][int(rng.integers(len(data["choices"])))]
        else:
            chosen[spec.name] = STRANGE[int(rng.integers(len(STRANGE)))]
    return chosen


def _at_start(context: Any, kind: type[Any], chosen: dict[str, Any], result: ParameterFuzz) -> None:
    result.sets += 1
    result.at_start += 1
    node = None
    try:
        given = [Parameter(name, value=value) for name, value in chosen.items()]
        node = Node("fuzzed", context=context, parameter_overrides=given, enable_rosout=False)
        config = load(node, kind)
        if isinstance(config, MonitorConfig):
            failsafe_config(config)
        result.accepted += 1
        _check(config, chosen, result)
    except TrustSegError as error:
        result.refused += 1
        if "\n" in str(error):
            result.wrong.append(f"more than one line: {error}")
    except Exception as error:  # the subject of the search
        result.crashes.append(f"start {chosen}: {type(error).__name__}: {error}")
    finally:
        if node is not None:
            node.destroy_node()


def _while_running(context: Any, kind: type[Any], count: int, rng: np.random.Generator, result: ParameterFuzz) -> None:
    node = Node("fuzzed", context=context, enable_rosout=False)
    try:
        config = load(node, kind)
        current = [config]
        watch(node, config, lambda wanted: current.__setitem__(0, wanted))
        for _ in range(count):
            chosen = _chosen(kind, rng, live=True)
            result.sets += 1
            result.live += 1
            before = current[0]
            try:
                answer = node.set_parameters_atomically([Parameter(name, value=v) for name, v in chosen.items()])
            except Exception as error:  # rclpy refuses an undeclared one by raising
                if "no_such_parameter" in chosen:
                    result.refused += 1
                else:
                    result.crashes.append(f"live {chosen}: {type(error).__name__}: {error}")
                continue
            if answer.successful:
                result.accepted += 1
                _check(current[0], chosen, result)
            else:
                result.refused += 1
                if current[0] != before:
                    result.wrong.append(f"refused and yet changed: {chosen}")
    finally:
        node.destroy_node()


def _check(config: Any, chosen: dict[str, Any], result: ParameterFuzz) -> None:
    """Every value is of its type and in its range, none contradicts another, what was asked for is what is there."""
    if isinstance(config, MonitorConfig) and config.soft_count > config.soft_window:
        result.wrong.append(f"soft_count {config.soft_count} is above soft_window {config.soft_window}")
    for spec in dataclasses.fields(config):
        value, data = getattr(config, spec.name), spec.metadata
        good = type(value) is type(spec.default)
        if good and data["minimum"] is not None:
            good = data["minimum"] <= value and (data["maximum"] is None or value <= data["maximum"])
        if good and data["choices"]:
            good = value in data["choices"]
        if good and data["rule"] is not None:
            data["rule"](value)
        if not good or (spec.name in chosen and chosen[spec.name] != value):
            result.wrong.append(f"{spec.name} is {value!r}, asked for {chosen.get(spec.name)!r}")
