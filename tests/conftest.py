# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What every test gets: the ROS environment, an order, markers by folder, and room among those that run beside it."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from file_order import in_turns
from room import Room
from trustseg.host import ros_env

ROOT = Path(__file__).resolve().parents[1]
ORDER = ("unit", "contract", "replay", "ros", "gpu", "data")
MARKS = {folder: "process" if folder == "ros" else folder for folder in ORDER}

# How long an example takes says how busy the machine is.
settings.register_profile("trustseg", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("trustseg")


def pytest_configure(config: pytest.Config) -> None:
    """Starts pytest again with the ROS 2 paths where they are not set: the loader reads them at start only."""
    if _is_worker(config):  # it has them from the process that started it, and hangs on that one's pipe
        return
    if ros_env.ros_environment(allocator=False) == dict(os.environ):
        return
    capture = config.pluginmanager.getplugin("capturemanager")
    if capture is not None:
        capture.stop_global_capturing()  # else the new process would write into this one's capture file
    ros_env.enter()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Nothing that is made here ends before the run does: the collector looks at none of it, now or during the tests.

    Each of its whole rounds would go through thousands of tests and all that their files import.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def _folder(path: Path) -> str:
    parts = path.relative_to(ROOT / "tests").parts
    return parts[0] if parts and parts[0] in ORDER else ORDER[0]


def _is_worker(config: pytest.Config) -> bool:
    """Whether this is one of the processes of `pytest -n`."""
    return hasattr(config, "workerinput")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Orders by folder, `slow` last within each, and marks each test by the folder it lies in (`-m "not process"`).

    Of several processes that share the tests each takes the next file: what takes long goes first, so that none is left
    with it at the end when the others have nothing more to do. Files that start nodes, and wait most of their time,
    take turns with the others, which use the processors meanwhile. Files with tests that must be alone come last of
    all: while one of these waits for the room, nobody may enter it.
    """
    for item in items:
        item.add_marker(getattr(pytest.mark, MARKS[_folder(item.path)]))
    items.sort(
        key=lambda item: (ORDER.index(_folder(item.path)), item.get_closest_marker("slow") is not None),
        reverse=_is_worker(config),
    )
    if _is_worker(config):
        nodes = {item.path for item in items if _folder(item.path) == "ros"}
        order = in_turns([item.path for item in items], nodes)
        wanted = {item.path for item in items if item.get_closest_marker("alone") is not None}
        items.sort(key=lambda item: (item.path in wanted, order[item.path]))


@pytest.hookimpl(optionalhook=True)  # of a plugin that some environments do without
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Whole files to each process; None leaves it to pytest-xdist what other words of `--dist` mean."""
    from crash_safe import CrashSafeScheduling

    return CrashSafeScheduling(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.hookimpl(wrapper=True, tryfirst=True)  # before the time limit of the test begins
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Whoever must be alone is alone; one process alone always is."""
    if not _is_worker(item.config):
        return (yield)
    with Room(item.config.cache.mkdir("room")).entered(alone=item.get_closest_marker("alone") is not None):
        return (yield)


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the source tree."""
    return ROOT


@pytest.fixture(scope="session")
def data_root() -> Path:
    """Folder of the data sets (TRUSTSEG_DATA); the test is skipped where it is not set."""
    named = os.environ.get("TRUSTSEG_DATA", "")
    if not named:
        pytest.skip("TRUSTSEG_DATA is not set: it names the folder with the data sets")
    root = Path(named)
    if not root.is_dir():
        pytest.fail(f"TRUSTSEG_DATA names {named}, which is not a folder")
    return root
