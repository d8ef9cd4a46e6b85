# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Paths that a parameter names, confined to the folders that the machine's owner allows. Standard library only.

Where TRUSTSEG_PATHS is set (folders with colons between, as in PATH), a bundle, a file that latches are kept in and a
folder that results are written to must lie below one of them once every link is followed.
"""

from __future__ import annotations

import os
from pathlib import Path

from trustseg.errors import InputError, TrustSegError

VARIABLE = "TRUSTSEG_PATHS"


def confined(path: str | Path, what: str, error: type[TrustSegError] = InputError) -> Path:
    """The real path, absolute and without links.

    Args:
        path: as given; a leading `~` is the user's folder.
        what: names it in the error.
        error: kind of error to raise.

    Raises:
        TrustSegError: of that kind; it lies outside of the folders that TRUSTSEG_PATHS allows.
    """
    real = Path(os.path.realpath(os.path.expanduser(path)))
    allowed = [Path(os.path.realpath(folder)) for folder in os.environ.get(VARIABLE, "").split(os.pathsep) if folder]
    if allowed and not any(real.is_relative_to(folder) for folder in allowed):
        raise error(
            f"{what} {path} leads out of the folders that {VARIABLE} allows",
            expected="a path below " + " or ".join(map(str, allowed)),
            got=str(real),
        )
    return real
