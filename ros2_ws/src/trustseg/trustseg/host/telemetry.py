# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""No library that runs in these processes reports to its maker: said here, before any of them is loaded.

`trustseg/__init__.py` calls `opt_out`, so it stands before every backend in the node, a replay, a training and the
command, and child processes inherit it. Standard library only: the failure monitor loads it too.
"""

from __future__ import annotations

import os
import sys
from typing import Any, cast

# Each library reads its variable once, when it is loaded. ONNX Runtime's wheels (1.31) write a device id under the home
# folder and look their maker's host up; its own `disable_telemetry_events()` comes too late for the id.
OPT_OUT = {
    "ORT_DISABLE_TELEMETRY": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "DO_NOT_TRACK": "1",  # what has no variable of its own, by convention
}
# `import openvino` (2026.4) loads this one, which looks up www.google-analytics.com; no variable holds it back. Without
# it OpenVINO takes its own stand-in that sends nothing.
KEPT_OUT = ("openvino_telemetry",)


def opt_out() -> None:
    """Set the variables in this process, whatever they were, and keep the reporting modules from being imported."""
    os.environ.update(OPT_OUT)
    for name in KEPT_OUT:
        # None makes an import of that name fail, as Python's reference says of sys.modules.
        cast(dict[str, Any], sys.modules)[name] = None
