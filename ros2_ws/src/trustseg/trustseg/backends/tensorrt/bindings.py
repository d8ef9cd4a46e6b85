# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""TensorRT itself: importing it, and what machine it runs on. Only names that 8.6 to 11.4 share are relied on."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from trustseg.backend_registry import REGISTRY
from trustseg.backends.tensorrt.plan_manifest import PlanMachine
from trustseg.errors import BackendError

DRIVER_VERSION = Path("/proc/driver/nvidia/version")
JETSON_RELEASE = Path("/etc/nv_tegra_release")
OLDEST = (8, 6)


def import_tensorrt(library: str = "tensorrt") -> Any:
    """The module.

    Raises:
        BackendError: not installed (its cause is then the ImportError), does not load here, or is too old.
    """
    entry = next(each for each in REGISTRY.values() if each.libraries[0] == library)
    try:
        found = _first_of(entry.libraries)
    except ImportError as error:
        raise BackendError(f"{library} is not installed", got=str(error), fix=entry.install) from error
    except Exception as error:  # a library for another driver or processor raises anything
        raise BackendError(
            f"{library} is installed but does not load", got=" ".join(str(error).split())[:300]
        ) from error
    version = str(found.__version__)
    if library == "tensorrt" and tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
        raise BackendError("TensorRT is too old", expected="8.6 or newer", got=version, fix="JetPack 6 or newer has it")
    return found


def _first_of(names: tuple[str, ...]) -> Any:
    for name in names[:-1]:
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name:
                raise
    return importlib.import_module(names[-1])


def this_machine(trt: Any, driver: Any, library: str = "tensorrt") -> PlanMachine:
    """What a plan is bound to here. `driver`: pycuda's driver module, initialised."""
    device = driver.Device(0)
    major, minor = device.compute_capability()
    cuda = int(driver.get_driver_version())
    return PlanMachine(
        library="tensorrt_rtx" if library == "tensorrt_rtx" else "tensorrt",
        version=str(trt.__version__),
        gpu=str(device.name()),
        compute_capabilities=[f"{major}.{minor}"],
        cuda=f"{cuda // 1000}.{cuda % 1000 // 10}",
        driver=driver_version(),
        l4t=jetson_release(),
    )


def driver_version() -> str:
    """Version of the NVIDIA kernel driver, or an empty string."""
    try:
        words = DRIVER_VERSION.read_text(encoding="utf-8").split("\n", 1)[0].split()
    except OSError:
        return ""
    return next((word for word in words if word[:1].isdigit() and "." in word), "")


def jetson_release() -> str:
    """L4T release such as "36.4.0", or an empty string where this is no Jetson."""
    try:
        text = JETSON_RELEASE.read_text(encoding="utf-8")
    except OSError:
        return ""
    # "# R36 (release), REVISION: 4.0, GCID: ..."
    parts = text.replace("#", "").split(",")
    major = parts[0].split()[0].lstrip("R") if parts[0].split() else ""
    revision = next((part.split(":")[1].strip() for part in parts if part.strip().startswith("REVISION")), "")
    return f"{major}.{revision}" if revision else major


class QuietLog:
    """What TensorRT said, newest last; handed on only when something fails. Give `logger` to TensorRT."""

    def __init__(self, trt: Any) -> None:
        self.lines: list[str] = []
        lines = self.lines

        class _Logger(trt.ILogger):  # type: ignore[misc]
            def __init__(self) -> None:
                trt.ILogger.__init__(self)

            def log(self, severity: Any, msg: str) -> None:
                if int(severity) <= int(trt.Logger.WARNING):
                    lines.append(" ".join(str(msg).split()))
                    del lines[:-20]

        self.logger = _Logger()

    def last(self) -> str:
        """The newest line that says more than that something failed, at most 300 characters."""
        return (self.lines[-1] if self.lines else "TensorRT gave no reason")[:300]
