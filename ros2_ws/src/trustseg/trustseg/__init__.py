# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Semantic segmentation for driving that says when it must not be trusted.

    pipeline = trustseg.load("segnet_lite")
    result = pipeline.process(trustseg.Frame(image, stamp_ns=1, color_order="bgr"))

`__all__` is the public interface; everything else may change without notice. Names are imported when they are first
asked for: the failure monitor imports this package too, and nothing heavy with it.
"""

import importlib
from typing import Any

from trustseg.host.telemetry import opt_out

# Before anything else of the library, and so before any backend: nothing here reports to its maker.
opt_out()

__version__ = "0.1.0"

# Name -> module that defines it; __init__.pyi says the same to type checkers.
_DEFINED_IN = {
    "Backend": "trustseg.backends",
    "Bundle": "trustseg.bundle.loading",
    "CameraModel": "trustseg.camera.model",
    "Frame": "trustseg.types",
    "FrameVerdict": "trustseg.types",
    "InputGeometry": "trustseg.camera.input_geometry",
    "PerceptionResult": "trustseg.types",
    "Pipeline": "trustseg.pipeline",
    "Reason": "trustseg.reasons",
    "Segment": "trustseg.segments",
    "Severity": "trustseg.reasons",
    "State": "trustseg.reasons",
    "StateMachine": "trustseg.failsafe.state_machine",
    "TrustSegError": "trustseg.errors",
    "load": "trustseg.pipeline",
    "load_bundle": "trustseg.bundle.loading",
    "select_backend": "trustseg.backends",
}
__all__ = ["__version__", *_DEFINED_IN]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name not in _DEFINED_IN:
        raise AttributeError(f"module 'trustseg' has no attribute {name!r}")
    return getattr(importlib.import_module(_DEFINED_IN[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
