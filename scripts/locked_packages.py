# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Packages of one script alone, locked by hash and installed beside .venv."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path


def installed(lock: Path, folder: Path) -> Path:
    """`folder` with a mark of the lock behind its name, holding its packages; made again when the lock changes.

    Raises:
        subprocess.CalledProcessError: pip could not install them.
    """
    mark = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()[:16]
    marked = folder.with_name(f"{folder.name}-{mark}")
    if not marked.is_dir():
        partial = marked.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        pip = [sys.executable, "-m", "pip", "install", "-q", "--no-input", "--no-deps", "--require-hashes"]
        subprocess.run([*pip, "--target", str(partial), "-r", str(lock)], check=True)
        partial.rename(marked)
    return marked
