# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""YAML files of the laboratory: read safely, and what is wrong with one said in a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from trustseg.errors import InputError
from trustseg_lab.data.documents import parse_yaml

MOST_BYTES = 16 << 20


def read_yaml(path: Path) -> dict[str, Any]:
    """Mapping in the YAML file at `path`; InputError when it is missing, broken or no mapping."""
    try:
        with path.open("rb") as file:
            text = file.read(MOST_BYTES + 1)
        if len(text) > MOST_BYTES:
            raise InputError(f"{path} is too long", expected=f"at most {MOST_BYTES} bytes")
        loaded = parse_yaml(text)
    except FileNotFoundError:
        raise InputError(f"no such file: {path}", fix="give the path of a YAML file") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read", got=error.strerror or type(error).__name__) from None
    except ValueError as error:
        raise InputError(f"{path} is not valid YAML", got=str(error)) from None
    if not isinstance(loaded, dict):
        raise InputError(f"{path} holds no mapping", expected="key: value lines", got=type(loaded).__name__)
    return loaded


def first_problem(error: ValidationError, path: Path) -> InputError:
    """The first thing wrong in a YAML file, as one line that names the key."""
    problem = error.errors()[0]
    key = ".".join(str(part) for part in problem["loc"])
    where = f"{path}: {key}" if key else f"{path}"  # what is wrong with the whole file has no key
    return InputError(f"{where}: {problem['msg']}", got=repr(problem.get("input"))[:80])
