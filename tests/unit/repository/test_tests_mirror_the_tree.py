# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""For each module the test that a newcomer opens first: of the same name in its place, or named here with a reason.

    trustseg/failsafe/checksum.py   ->  tests/unit/trustseg/failsafe/test_checksum.py

A file `test_<module>_<idea>.py` counts too, and so does one in that folder that imports the module by name. What is
tested at another place stands in ELSEWHERE; the tests that are named there must reach the module, by imports or by
starting it.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SOURCES, TESTS = ROOT / "ros2_ws" / "src", ROOT / "tests"
PACKAGES = ("trustseg", "trustseg_ros", "trustseg_lab")
HELPERS = (".", "made", "rigs")
MOST_LINES = 400
MOST_FILES = 17
# The command finds those of other packages by entry points.
COMMAND = "trustseg.cli.app"
DOTTED = re.compile(r"\btrustseg(?:_ros|_lab)?(?:\.\w+)*")

# Modules (patterns) -> tests below tests/, and why they are there.
ELSEWHERE: dict[str, tuple[tuple[str, ...], str]] = {
    "trustseg.backend*": (
        (
            "contract/backends/test_backends.py",
            "contract/backends/test_backend_selection.py",
            "contract/backends/test_build_command.py",
            "contract/backends/test_tensorrt_graphs.py",
            "contract/backends/test_golden.py",
        ),
        "one suite over every backend",
    ),
    "trustseg.bundle.signature": (("contract/test_verify_command.py",), "signing and checking are commands"),
    "trustseg.cli.*": (
        ("contract/test_command_line.py", "contract/backends/test_build_command.py", "contract/test_verify_command.py"),
        "commands are run as a user runs them",
    ),
    "trustseg.host.telemetry": (("contract/test_no_reports.py",), "held by watching what processes look up"),
    "trustseg.imaging.*": (
        (
            "unit/trustseg/imaging/test_orientation.py",
            "contract/replay/test_replay_command.py",
            "ros/segmenter/test_segmenter.py",
        ),
        "parts of reading and of drawing an image",
    ),
    "trustseg.input_health.*": (
        (
            "unit/trustseg/input_health/test_input_health.py",
            "unit/trustseg/input_health/test_frozen_input.py",
            "unit/trustseg/input_health/test_input_checks.py",
        ),
        "checks are tested by what images they accuse, together",
    ),
    "trustseg.judgement": (("contract/test_pipeline.py",), "the second half of the pipeline"),
    "trustseg.pipeline": (("contract/test_pipeline.py",), "one contract with every backend"),
    "trustseg_lab.mining.exports.*": (
        ("unit/trustseg_lab/mining/exports/test_forms.py",),
        "forms are tested by what the reader of labels makes of them, together",
    ),
    "trustseg_lab.wrap.*": (
        ("unit/trustseg_lab/wrap/graph/test_assemble.py", "unit/trustseg_lab/wrap/test_network.py"),
        "the graph is held to the one of PyTorch as a whole",
    ),
    "trustseg_ros.blackbox.*": (("ros/companions/test_blackbox.py",), "a node is tested as a process"),
    "trustseg_ros.common.*": (
        (
            "ros/middleware/test_group_executor.py",
            "ros/middleware/test_messages.py",
            "ros/middleware/test_parameters.py",
            "ros/middleware/test_qos_overrides.py",
            "ros/middleware/test_early_signal.py",
        ),
        "needs a middleware",
    ),
    "trustseg_ros.fault_hooks.*": (
        ("ros/test_faults.py", "ros/segmenter/test_segmenter_faults.py"),
        "acts in a running node",
    ),
    "trustseg_ros.ground_grid.node": (("ros/companions/test_ground_grid.py",), "a node is tested as a process"),
    "trustseg_ros.point_labels.node": (("ros/companions/test_point_labels.py",), "a node is tested as a process"),
    "trustseg_ros.common.transforms": (("ros/companions/test_mount_from_tf.py",), "hears tf as a process"),
    "trustseg_ros.operations.node": (("ros/companions/test_operations.py",), "a node is tested as a process"),
    "trustseg_ros.monitor.node": (("ros/companions/test_monitor.py",), "a node is tested as a process"),
    "trustseg_ros.rig.*": (("ros/rig/test_segmenter_rig.py",), "a node is tested as a process"),
    "trustseg_ros.rig_monitor.*": (("ros/rig/test_rig_monitor.py",), "a node is tested as a process"),
    "trustseg_ros.segmenter.company": (("ros/rig/test_segmenter_rig.py",), "what several nodes of a process share"),
    "trustseg_ros.segmenter.messages": (
        ("contract/test_published_mask.py", "unit/trustseg_ros/segmenter/input/test_camera_info.py"),
        "images as they are evaluated, and a camera_info as the camera's",
    ),
    "trustseg_ros.start": (("unit/repository/test_ros_packaging.py",), "entry points of the package"),
    "trustseg_lab.bench.*": (
        ("ros/test_bench.py", "contract/laboratory/test_bench_command.py"),
        "times real processes",
    ),
    "trustseg_lab.benchmark.*": (
        (
            "unit/trustseg_lab/benchmark/test_methods.py",
            "unit/trustseg_lab/benchmark/test_studies.py",
            "unit/trustseg_lab/benchmark/test_readings_and_metrics.py",
            "contract/laboratory/test_benchmark_command.py",
        ),
        "methods and studies are tested by what they say of the same views",
    ),
    "trustseg_lab.calibrate.calibrate": (
        ("contract/laboratory/test_calibrate_command.py",),
        "the job behind the command",
    ),
    "trustseg_lab.calibrate.verdict_report": (
        ("unit/trustseg_lab/calibrate/fits/test_verdict_fit.py",),
        "what the fit is worth",
    ),
    "trustseg_lab.cli.*": (
        ("contract/test_command_line.py", "contract/replay/test_replay_command.py"),
        "commands are run as a user runs them",
    ),
    "trustseg_lab.data.*": (
        ("unit/trustseg_lab/data/test_pairs.py", "contract/laboratory/test_evaluate_command.py"),
        "a reader",
    ),
    "trustseg_lab.demo.*": (("ros/test_trustseg_run.py",), "a drive over real processes"),
    "trustseg_lab.evaluation.*": (
        (
            "unit/trustseg_lab/evaluation/test_baselines.py",
            "contract/laboratory/test_evaluate_command.py",
            "contract/laboratory/test_evaluate_options.py",
        ),
        "tested by what `trustseg evaluate` writes",
    ),
    "trustseg_lab.faults.*": (
        ("ros/test_faults.py", "ros/test_fuzz_parameters.py", "unit/trustseg_lab/faults/test_catalogue.py"),
        "acts on real processes",
    ),
    "trustseg_lab.harness.*": (("ros/test_trustseg_run.py", "unit/trustseg_lab/harness/test_footage.py"), "a drive"),
    "trustseg_lab.metrics.*": (
        ("unit/trustseg_lab/evaluation/test_baselines.py", "unit/trustseg_lab/calibrate/fits/test_verdict_fit.py"),
        "tested with the fits and baselines that read them",
    ),
    "trustseg_lab.precision.*": (
        ("contract/backends/test_export_precision.py", "contract/backends/test_camera_form.py"),
        "tested by the graphs that come out",
    ),
    "trustseg_lab.recordings.*": (("unit/trustseg_lab/recordings/test_bag.py",), "one reader over every format"),
    "trustseg_lab.replay.*": (
        (
            "contract/replay/test_replay_command.py",
            "contract/replay/test_replay_fleet.py",
            "contract/replay/test_replay_ray.py",
        ),
        "tested by what `trustseg replay` writes",
    ),
    "trustseg_lab.scenes.*": (
        ("unit/trustseg_lab/scenes/test_drive.py", "unit/trustseg_lab/cli/test_scenes.py"),
        "parts of one scene, tested by the pictures",
    ),
    "trustseg_lab.security.*": (("unit/trustseg_lab/security/test_security.py",), "parts of `trustseg security`"),
    "trustseg_lab.tools.*": (
        (
            "ros/companions/test_camera_recorder.py",
            "ros/companions/test_play_record.py",
            "ros/companions/test_latched_topics.py",
            "ros/companions/test_video_decoder.py",
        ),
        "nodes",
    ),
    "trustseg_lab.watch.*": (("ros/companions/test_watch.py",), "shows running nodes, in a real browser"),
    "trustseg_lab.training.*": (
        ("unit/trustseg_lab/training/test_train.py", "unit/trustseg_lab/training/export/test_checkpoint_to_graph.py"),
        "tested by one short training",
    ),
}

# Name -> what all of them are.
SAME_KIND = {
    "build": "a command, and the job behind it",
    "calibrate": "a command, and the job behind it",
    "camera": "cameras: rendered, and published; `scenes` keeps its names",
    "catalogue": "the table of what there is of something",
    "config": "the settings of a node, a check or a training",
    "data": "images and labels of a training",
    "diagnostics": "what a node tells /diagnostics",
    "fit_confidence": "a command, and the job behind it",
    "flag": "the failure flag over a drive",
    "guard": "one guard, at its place and at an earlier one",
    "label_studio": "Label Studio's format, read and written",
    "messages": "the fields of a message",
    "mine": "a command, and the job behind it",
    "node": "a ROS 2 node",
    "pair": "two networks as one",
    "planes": "one arithmetic, in PyTorch and in ONNX",
    "replay": "a command, and the job behind it",
    "report": "what is written for people to read",
    "several_passes": "scores of several passes",
    "start": "entry points",
    "summary": "what a drive comes to",
    "train": "a command, and the job behind it",
    "truth": "a drive against its labels",
    "unknown_objects": "objects that no class describes",
    "write_bundle": "writers of a bundle",
}


@cache
def modules() -> dict[str, Path]:
    """Dotted name -> file of every module and package of the sources."""
    found = {}
    for package in PACKAGES:
        for file in (SOURCES / package / package).rglob("*.py"):
            parts = file.relative_to(SOURCES / package).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


def own_modules() -> Iterator[str]:
    """Those that a test is wanted for: neither a package's door nor the way to start it."""
    for name, file in modules().items():
        if file.name not in ("__init__.py", "__main__.py"):
            yield name


@cache
def named_in(file: Path) -> frozenset[str]:
    """Modules of the sources, and helpers of the tests, that a file imports, or names in a text that is no docstring.

    What is named there is started as a program (`-m`), stands in one, or is loaded by its name.
    """
    found: set[str] = set()
    nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    prose = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{each.name}" for each in node.names)}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            for name in DOTTED.findall(node.value):
                found |= {name, f"{name}.__main__"}
    if file == modules()[COMMAND]:
        found |= {name for name in modules() if ".cli." in name}
    return frozenset(found)


@cache
def file_of(name: str) -> Path | None:
    """That of a module, or of a helper of the tests; None for any other name."""
    helpers = (TESTS / folder / f"{name}.py" for folder in HELPERS)
    return modules().get(name) or next(filter(Path.is_file, helpers), None)


@cache
def reached(file: Path) -> frozenset[str]:
    """Modules that a test comes to, at first or at second hand."""
    found: set[str] = set()
    waiting = [file]
    while waiting:
        for name in named_in(waiting.pop()) - found:
            next_file = file_of(name)
            if next_file is not None:
                found.add(name)
                waiting.append(next_file)
    return frozenset(found)


def first_tests(name: str) -> list[Path]:
    """Test files of the module's own place: by its name, or that import it."""
    file = modules()[name]
    package = name.split(".")[0]
    folder = TESTS / "unit" / file.parent.relative_to(SOURCES / package)
    return [
        each
        for each in sorted(folder.glob("test_*.py"))
        if each.stem == f"test_{file.stem}" or each.stem.startswith(f"test_{file.stem}_") or name in named_in(each)
    ]


def test_every_module_has_a_test_where_one_looks_for_it() -> None:
    lost = []
    for name in own_modules():
        if first_tests(name):
            continue
        tests = [TESTS / test for pattern, (tests, _) in ELSEWHERE.items() if fnmatch(name, pattern) for test in tests]
        if not any(test.is_file() and name in reached(test) for test in tests):
            lost.append(name)
    assert lost == [], "write tests/unit/<path>/test_<module>.py, or name the test that reaches it in ELSEWHERE"


def test_every_exception_is_needed_and_its_tests_are_there() -> None:
    for pattern, (tests, why) in ELSEWHERE.items():
        assert why
        assert [test for test in tests if not (TESTS / test).is_file()] == [], pattern
        assert any(fnmatch(name, pattern) and not first_tests(name) for name in own_modules()), pattern


def test_every_test_of_the_mirror_is_of_a_folder_that_is_there() -> None:
    strange = [
        folder.relative_to(TESTS)
        for package in PACKAGES
        for folder in {each.parent for each in (TESTS / "unit" / package).rglob("test_*.py")}
        if not (SOURCES / package / folder.relative_to(TESTS / "unit")).is_dir()
    ]
    assert strange == []


@pytest.mark.parametrize("folder", ["unit", "contract", "replay", "ros", "gpu", "data", "made", "rigs", "."])
def test_a_test_file_holds_one_idea(folder: str) -> None:
    files = (TESTS / folder).glob("*.py") if folder == "." else (TESTS / folder).rglob("*.py")
    lengths = {file.name: len(file.read_text(encoding="utf-8").splitlines()) for file in files}
    assert {name: length for name, length in lengths.items() if length > MOST_LINES} == {}


def test_a_module_holds_one_idea() -> None:
    lengths = {name: len(file.read_text(encoding="utf-8").splitlines()) for name, file in modules().items()}
    assert {name: length for name, length in lengths.items() if length > MOST_LINES} == {}


def test_a_folder_is_not_crowded() -> None:
    """About 15 files and no more, `scenes` apart: one scene in parts."""
    folders = {file.parent for file in modules().values()} | {file.parent for file in TESTS.rglob("*.py")}
    crowded = {str(folder.relative_to(ROOT)): len(list(folder.glob("*.py"))) for folder in folders}
    del crowded["ros2_ws/src/trustseg_lab/trustseg_lab/scenes"]
    assert {folder: files for folder, files in crowded.items() if files > MOST_FILES} == {}


def places() -> dict[str, list[str]]:
    """Name of a file -> the modules of that name, where there are several."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in own_modules():
        found[name.rpartition(".")[2]].append(name)
    return {name: sorted(named) for name, named in found.items() if len(named) > 1}


def test_one_name_is_one_kind_of_thing() -> None:
    assert {name: named for name, named in places().items() if name not in SAME_KIND} == {}


def test_every_shared_name_is_shared() -> None:
    assert set(SAME_KIND) - set(places()) == set()
