# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The name of the default bundle stands in one place; what cannot import it says the same."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from trustseg.bundle import DEFAULT_BUNDLE
from trustseg.bundle.loading import load_bundle

ROOT = Path(__file__).resolve().parents[3]
SOURCES = ROOT / "ros2_ws" / "src"
LAUNCH = sorted((SOURCES / "trustseg_ros" / "launch").glob("*.launch.py"))
PLACE = SOURCES / "trustseg" / "trustseg" / "bundle" / "__init__.py"


def texts(path: Path) -> list[str]:
    """Every string of a Python file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def test_no_other_module_holds_the_name() -> None:
    modules = [path for path in SOURCES.rglob("*.py") if "test" not in path.relative_to(SOURCES).parts]
    assert {path for path in modules if DEFAULT_BUNDLE in texts(path)} == {*LAUNCH, PLACE}


@pytest.mark.parametrize("launch", LAUNCH, ids=lambda path: path.name)
def test_a_launch_file_takes_it_too(launch: Path) -> None:
    (arguments,) = (
        node.value
        for node in ast.parse(launch.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "ARGUMENTS"
    )
    assert isinstance(arguments, ast.Dict)
    entries = dict(zip(map(ast.unparse, filter(None, arguments.keys)), arguments.values, strict=True))
    entry = entries["'bundle'"]
    assert isinstance(entry, ast.Tuple)
    assert ast.literal_eval(entry.elts[0]) == DEFAULT_BUNDLE


@pytest.mark.parametrize(
    ("suffix", "precisions"), [("", ("fp32", "fp16")), ("_plain", ("fp32", "fp16", "int8")), ("_closed", ("fp32",))]
)
def test_all_but_the_closed_one_have_a_plane_and_a_limit_for_unknown_objects(
    suffix: str, precisions: tuple[str, ...]
) -> None:
    default, bundle = load_bundle(DEFAULT_BUNDLE), load_bundle(f"{DEFAULT_BUNDLE}{suffix}")
    assert tuple(bundle.card.models) == precisions
    assert bundle.card.unknown_size == (None if suffix == "_closed" else (180, 240))
    for precision in precisions:
        assert (bundle.verdict(precision).unknown is None) == (suffix == "_closed")
    assert [each.name for each in bundle.card.classes] == [each.name for each in default.card.classes]
