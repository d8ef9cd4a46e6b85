# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Records of passes on disk, so that a run that ends early, or one with other methods, does not repeat them.

One file a view and kind of passes, named by a digest of all that it depends on; written whole or not at all.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trustseg.errors import InputError
from trustseg.files.stored_arrays import read_arrays
from trustseg.files.whole_file import write_whole

# Raised when what is in a record changes: older files are then not found.
VERSION = 2
# Level 1 halves the size in a tenth of the time of the default.
COMPRESSION = 1


@dataclass(frozen=True)
class PassCache:
    """Arrays by key in `folder`; None keeps nothing on disk."""

    folder: Path | None

    def load(self, key: str) -> dict[str, npt.NDArray[Any]] | None:
        """The arrays of `key`; None where there are none, or the file is damaged: it is made again."""
        if self.folder is None or not (path := self.folder / f"{key}.npz").is_file():
            return None
        try:
            return read_arrays(path, f"pass {path}")
        except InputError:
            return None

    def save(self, key: str, arrays: dict[str, npt.NDArray[Any]]) -> None:
        """Keep `arrays`; InputError where the disk does not take them."""
        if self.folder is None:
            return
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESSION) as archive:
            for name, values in arrays.items():
                with archive.open(f"{name}.npy", "w") as member:
                    np.lib.format.write_array(member, np.asarray(values, order="C"), allow_pickle=False)
        write_whole(self.folder / f"{key}.npz", buffer.getvalue())


def cache_key(*parts: Any) -> str:
    """Digest of `parts`, plain JSON values."""
    return hashlib.sha256(json.dumps([VERSION, *parts], sort_keys=True).encode()).hexdigest()[:24]
