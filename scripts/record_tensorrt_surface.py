#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Records which names TensorRT's Python bindings have: `record_tensorrt_surface.py WHEEL OUT.json`, no GPU needed.

WHEEL is a `tensorrt_bindings` or `tensorrt_cu12_bindings` wheel for this Python. Its extension module is loaded against
empty stand-ins for the libraries that it is linked to (made with gcc), and the classes that the product uses are read
off it. Nothing of TensorRT is run.
"""

from __future__ import annotations

import ast
import ctypes
import importlib.util
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

# What the backend and the builder touch, and the enumerations that their arguments come from.
CLASSES = (
    "Builder", "BuilderFlag", "DataType", "HardwareCompatibilityLevel", "IBuilderConfig", "ICudaEngine",
    "IExecutionContext", "IHostMemory", "ILogger", "INetworkDefinition", "IProgressMonitor", "ITensor", "ITimingCache",
    "Logger", "MemoryPoolType", "NetworkDefinitionCreationFlag", "OnnxParser", "ParserError", "Runtime", "TensorIOMode",
    "TensorLocation",
)  # fmt: skip
STAND_IN = """
static void *nothing(void) { return 0; }
static void *table[512];
static void **object = table;
__attribute__((constructor)) static void fill(void) { for (int i = 0; i < 512; i++) table[i] = (void *)nothing; }
"""


def stand_ins(module: Path, folder: Path) -> list[Path]:
    """Shared libraries that define what `module` wants from NVIDIA's, every function returning an inert object."""
    needed = re.findall(r"\(NEEDED\).*\[(libnv[^\]]*)\]", run("readelf", "-d", module))
    wanted = [line.split()[-1].split("@")[0] for line in run("nm", "-D", "--undefined-only", module).splitlines()]
    ours = [
        name
        for name in wanted
        if re.search(r"INTERNAL$|PluginRegistry$|ParserVersion$|InferPlugins$|^_ZN?K?2?nv|uff|caffe", name)
    ]
    source = STAND_IN + "".join(f"void *{name}() {{ return &object; }}\n" for name in sorted(set(ours)))
    code = folder / "stand_in.c"
    code.write_text(source)
    made = []
    for name in needed:
        out = folder / name
        run("gcc", "-shared", "-fPIC", "-w", f"-Wl,-soname,{name}", code, "-o", out)
        made.append(out)
    return made


def run(*command: Any) -> str:
    """Run a command and return what it prints."""
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout


def parameters(member: Any) -> list[str] | None:
    """Names of a method's parameters without self, from the signature that pybind11 writes into its docstring."""
    first = (member.__doc__ or "").strip().splitlines()[:1]
    found = re.match(r"\w+\((.*)\)(?: -> .*)?$", first[0]) if first else None
    if not found or "*args" in found[1]:
        return None
    return re.findall(r"(?:^|, )(\w+): ", found[1])[1:]


def surface(library: Any) -> dict[str, Any]:
    """Class -> member -> list of parameter names (a method), null (unknown signature), or "property"."""
    found: dict[str, Any] = {}
    for name in CLASSES:
        kind = getattr(library, name, None)
        if kind is None:
            continue
        if hasattr(kind, "__members__"):
            found[name] = {"enumeration": sorted(kind.__members__)}
            continue
        members = {}
        for each in sorted(dir(kind)):
            if each.startswith("_") and each not in ("__getitem__", "__len__", "__init__"):
                continue
            member = getattr(kind, each)
            members[each] = "property" if isinstance(member, property) or not callable(member) else parameters(member)
        found[name] = members
    return found


def main() -> int:
    """Write the surface of the wheel that is named."""
    wheel, out = Path(sys.argv[1]), Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
        module = next(folder.glob("tensorrt*/tensorrt.so"))
        for library in stand_ins(module, folder):
            ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
        spec = importlib.util.spec_from_file_location("tensorrt", module)
        if spec is None or spec.loader is None:
            print(f"{module} is no extension module of this Python")
            return 2
        library = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(library)
        package = ast.parse(module.with_name("__init__.py").read_text())
        document = {
            "package": sorted(node.name for node in package.body if isinstance(node, ast.FunctionDef)),
            "source": wheel.name, "version": wheel.name.split("-")[1],
            "module": sorted(n for n in dir(library) if not n.startswith("_")), "classes": surface(library),
        }  # fmt: skip
    out.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
