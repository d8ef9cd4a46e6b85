# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The file in which latched reasons outlive the monitor. Standard library only.

Who can write it, or a folder above it, can make a latch be forgotten: no link is followed, and what others could have
altered counts as latched (`trustseg.files.owned_file`).
"""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from trustseg.files.owned_file import owned_folder, read_owned
from trustseg.reasons import Reason

FILE_NAME = "latched.json"
STATE_VARIABLE = "TRUSTSEG_STATE"
LARGEST_BYTES = 65536  # ours has some hundred
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class LatchFile:
    """Reads and writes the latched reasons; a file that cannot be read counts as latched, for nobody knows by what.

    Args:
        path: the file; its folders are made when needed, for this user alone.

    Attributes:
        trouble: why the last `read` could not say what was latched; empty when it could.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.trouble = ""

    def read(self) -> Reason:
        """Reasons latched when the last monitor ended."""
        self.trouble = ""
        try:
            latched = json.loads(self._content())["latched_reasons"]
            # A message carries 64 bits.
            if not isinstance(latched, int) or not 0 <= latched < 1 << 64:
                raise ValueError("latched_reasons is no number of 64 bits")
        except FileNotFoundError:
            return Reason.NONE
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            self.trouble = f"{self.path} cannot be relied on: {str(error) or type(error).__name__}"
            return Reason.INTERNAL
        return Reason(latched)

    def write(self, reasons: Reason) -> None:
        """Keep `reasons`, all or nothing; NONE removes the file.

        Raises:
            OSError: the directory cannot be written, or is not this user's alone.
        """
        if not reasons:
            with suppress(FileNotFoundError), owned_folder(self.path.parent) as folder:
                os.unlink(self.path.name, dir_fd=folder)
                os.fsync(folder)
            return
        self._make_folders()
        content = json.dumps({"latched_reasons": int(reasons), "names": reasons.names()})
        partial = f"{self.path.name}.partial"
        with owned_folder(self.path.parent) as folder:
            # What a killed monitor left, or somebody planted: removed, never written through.
            with suppress(FileNotFoundError):
                os.unlink(partial, dir_fd=folder)
            try:
                with open(os.open(partial, _WRITE, 0o600, dir_fd=folder), "wb") as file:
                    file.write(content.encode())
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(partial, self.path.name, src_dir_fd=folder, dst_dir_fd=folder)
            except OSError:
                with suppress(OSError):
                    os.unlink(partial, dir_fd=folder)
                raise
            os.fsync(folder)

    def _content(self) -> bytes:
        content = read_owned(self.path, LARGEST_BYTES)
        if len(content) > LARGEST_BYTES:
            raise ValueError(f"it is longer than {LARGEST_BYTES} bytes")
        return content

    def _make_folders(self) -> None:
        """Every folder that is missing, for this user alone."""
        missing = []
        folder = Path(os.path.realpath(self.path.parent))
        while not folder.exists():
            missing.append(folder)
            folder = folder.parent
        for each in reversed(missing):
            each.mkdir(mode=0o700, exist_ok=True)


def default_path(node_name: str) -> Path:
    """A file of this user, this ROS domain and this node.

    It lies below $TRUSTSEG_STATE where that names a folder that outlives a container or a reboot, else in the run-time
    directory, which a reboot clears.

    Args:
        node_name: fully qualified.
    """
    own = os.path.join(tempfile.gettempdir(), f"trustseg-{os.getuid()}")
    root = os.environ.get(STATE_VARIABLE) or os.environ.get("XDG_RUNTIME_DIR") or own
    domain = os.environ.get("ROS_DOMAIN_ID") or "0"
    return Path(root) / "trustseg" / f"domain_{domain}" / node_name.strip("/").replace("/", ".") / FILE_NAME
