# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""One clear line when a command needs packages that the runtime does without."""

from __future__ import annotations

import importlib.util

from trustseg.errors import InputError
from trustseg.install_hint import pip_install


def require(command: str, extra: str, *modules: str) -> None:
    """Raise InputError naming the extra (empty: the package itself) when one of `modules` is not installed."""
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(f"`trustseg {command}` needs {', '.join(missing)}", fix=pip_install("trustseg_lab", extra))
