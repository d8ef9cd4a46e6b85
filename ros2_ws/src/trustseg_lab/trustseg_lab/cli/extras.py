# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""One clear line when a command needs packages that the runtime does without, or has no use for an option."""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from trustseg.errors import InputError
from trustseg.install_hint import pip_install


def require(command: str, extra: str, *modules: str) -> None:
    """Raise InputError naming the extra (empty: the package itself) when one of `modules` is not installed."""
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(f"`trustseg {command}` needs {', '.join(missing)}", fix=pip_install("trustseg_lab", extra))


def refuse_unused(command: Callable[..., object], given: Mapping[str, Any], names: str, beside: str) -> None:
    """Refuse options that would be dropped in silence.

    Args:
        command: of the command line, whose defaults count. given: its parameters by name, before anything is changed.
        names: parameters without a meaning, with spaces. beside: what takes it from them, as "with --bundle".

    Raises:
        InputError: one of them is not what it is by default.
    """
    known = inspect.signature(command).parameters
    unused = [f"--{name.replace('_', '-')}" for name in names.split() if given[name] != known[name].default]
    if unused:
        raise InputError(f"{', '.join(unused)} would say nothing {beside}", fix="leave out one or the other")
