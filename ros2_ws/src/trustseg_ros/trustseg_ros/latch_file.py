"""The file in which latched reasons outlive the monitor. Standard library only."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from trustseg.reasons import Reason

FILE_NAME = "latched.json"


class LatchFile:
    """Reads and writes the latched reasons; a file that cannot be read counts as latched, for nobody knows by what.

    Args:
        path: the file; its folder is made when needed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Reason:
        """Reasons latched when the last monitor ended."""
        try:
            if self.path.exists() and not self.path.is_file():
                return Reason.INTERNAL  # reading a pipe would wait for ever
            content = self.path.read_bytes()
        except FileNotFoundError:
            return Reason.NONE
        except OSError:
            return Reason.INTERNAL
        try:
            latched = json.loads(content)["latched_reasons"]
        except (ValueError, TypeError, KeyError, RecursionError):
            return Reason.INTERNAL
        # A message carries 64 bits.
        return Reason(latched) if isinstance(latched, int) and 0 <= latched < 1 << 64 else Reason.INTERNAL

    def write(self, reasons: Reason) -> None:
        """Keep `reasons`, all or nothing; NONE removes the file.

        Raises:
            OSError: the directory cannot be written.
        """
        if not reasons:
            self.path.unlink(missing_ok=True)
            return
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        content = json.dumps({"latched_reasons": int(reasons), "names": reasons.names()})
        partial = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        with partial.open("wb") as file:
            file.write(content.encode())
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self.path)


def default_path(node_name: str) -> Path:
    """A file of this user, this ROS domain and this node, gone after a reboot.

    Args:
        node_name: fully qualified.
    """
    root = os.environ.get("XDG_RUNTIME_DIR") or os.path.join(tempfile.gettempdir(), f"trustseg-{os.getuid()}")
    domain = os.environ.get("ROS_DOMAIN_ID") or "0"
    return Path(root) / "trustseg" / f"domain_{domain}" / node_name.strip("/").replace("/", ".") / FILE_NAME
