# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Nothing in the packages can run code that a file brought along: no pickle, no unsafe YAML, no shell, no eval."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SOURCES = sorted(p for p in (ROOT / "ros2_ws" / "src").rglob("*.py") if "__pycache__" not in p.parts)
SOURCES += sorted((ROOT / "launch").rglob("*.py")) + sorted((ROOT / "examples").rglob("*.py"))
# Modules whose loading runs code of the data.
FORBIDDEN_MODULES = {"pickle", "_pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "jsonpickle"}
FORBIDDEN_CALLS = {
    "eval", "exec", "os.system", "os.popen", "yaml.load", "yaml.load_all", "yaml.unsafe_load", "yaml.full_load",
    "yaml.unsafe_load_all", "yaml.full_load_all", "pandas.read_pickle", "pd.read_pickle", "torch.jit.load",
    "torch.package.PackageImporter", "onnx.load_model_from_string",
}  # fmt: skip
# Call -> the argument that makes it safe, and the value that it must have in so many words.
SAFE_ONLY_WITH = {
    "torch.load": ("weights_only", True),
    "np.load": ("allow_pickle", False),
    "numpy.load": ("allow_pickle", False),
}


def name_of(node: ast.expr) -> str:
    """`a.b.c` of an attribute or name, empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        base = name_of(node.value)
        return f"{base}.{node.attr}" if base else ""
    return ""


def dangers(source: str) -> Iterator[str]:
    """What a source file does that it must not, with its line."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            yield from (f"line {node.lineno}: imports {m}" for m in modules if m.split(".")[0] in FORBIDDEN_MODULES)
        if not isinstance(node, ast.Call):
            continue
        called = name_of(node.func)
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        if called in FORBIDDEN_CALLS:
            yield f"line {node.lineno}: calls {called}"
        if called in SAFE_ONLY_WITH:
            argument, value = SAFE_ONLY_WITH[called]
            found = given.get(argument)
            if not (isinstance(found, ast.Constant) and found.value is value):
                yield f"line {node.lineno}: calls {called} without {argument}={value}"
        shell = given.get("shell")
        if shell is not None and not (isinstance(shell, ast.Constant) and shell.value is False):
            yield f"line {node.lineno}: starts a shell"


@pytest.mark.parametrize(
    "source",
    [
        "import pickle", "from pickle import loads", "import joblib.externals", "import torch\ntorch.load(p)",
        "torch.load(p, weights_only=False)", "torch.load(p, weights_only=flag)", "np.load(p)",
        "np.load(p, allow_pickle=True)", "import yaml\nyaml.load(t, Loader=yaml.Loader)", "eval(text)", "exec(text)",
        "subprocess.run(c, shell=True)", "subprocess.run(c, shell=x)", "os.system(c)",
    ],
)  # fmt: skip
def test_the_scan_finds_what_it_looks_for(source: str) -> None:
    assert list(dangers(source))


@pytest.mark.parametrize(
    "source",
    ["torch.load(p, weights_only=True)", "np.load(p, allow_pickle=False)", "yaml.safe_load(t)", "network.eval()"],
)
def test_the_scan_lets_pass_what_is_safe(source: str) -> None:
    assert not list(dangers(source))


def test_no_source_file_loads_code_from_data() -> None:
    assert len(SOURCES) > 100
    found = {str(p.relative_to(ROOT)): list(dangers(p.read_text(encoding="utf-8"))) for p in SOURCES}
    assert {name: lines for name, lines in found.items() if lines} == {}
