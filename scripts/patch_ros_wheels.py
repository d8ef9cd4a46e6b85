# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Points the CMake targets that the ROS wheels export to this interpreter's Python and NumPy headers.

The wheels' exported targets carry the include paths of the machine that built them (`/opt/python/cp311-cp311/...`),
which CMake refuses as missing. Run with the environment's own Python; running it twice changes nothing.
"""

from __future__ import annotations

import re
import sys
import sysconfig
from pathlib import Path

import numpy

NUMPY_HEADERS = re.compile(r"/opt/python/cp\d+-cp\d+/lib/python3\.\d+/site-packages/numpy/\w+/include")
PYTHON_HEADERS = re.compile(r"/opt/python/cp\d+-cp\d+/include/python3\.\d+")


def patch(prefix: Path) -> int:
    """Rewrites `prefix`/share/*/cmake/*.cmake; returns how many files changed."""
    changed = 0
    for path in sorted(prefix.glob("share/*/cmake/*.cmake")):
        text = path.read_text(encoding="utf-8")
        fixed = NUMPY_HEADERS.sub(lambda _: numpy.get_include(), text)
        fixed = PYTHON_HEADERS.sub(lambda _: sysconfig.get_paths()["include"], fixed)
        if fixed != text:
            path.write_text(fixed, encoding="utf-8")
            changed += 1
    return changed


if __name__ == "__main__":
    print(f"pointed {patch(Path(sys.prefix))} exported CMake targets to this Python")
