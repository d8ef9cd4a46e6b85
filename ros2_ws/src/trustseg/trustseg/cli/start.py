# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Entry point of the console script: sets the process up for ROS 2, then hands over to the application."""

from __future__ import annotations

import sys

from trustseg.errors import InputError
from trustseg.host import installed, ros_env

# Commands whose own process passes camera frames at a rate; a training run must give its memory back.
FRAME_COMMANDS = frozenset({"run", "bench"})
EXIT_USAGE = 2


def main() -> None:
    """Re-execute once with the ROS 2 paths, then run `trustseg.cli.app.main`."""
    try:
        ros_env.enter(allocator=bool(FRAME_COMMANDS.intersection(sys.argv[1:2])))
    except InputError as error:
        sys.stderr.write(f"trustseg: {error}\n")
        sys.exit(EXIT_USAGE)
    installed.refuse_old(installed.OF_COMMAND)
    # Imported only now: typer and rich would otherwise be loaded twice.
    from trustseg.cli import app

    app.main()


if __name__ == "__main__":
    main()
