# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Names, hashes and numbers of a bundle's files: what each type takes and what it refuses."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from trustseg.bundle.schema import FileName, Finite, Sha256, Share, Strict


class Entry(Strict):
    """One field of each type."""

    file: FileName = "a/b.onnx"
    sha256: Sha256 = "0" * 64
    value: Finite = 1.0
    share: Share = 0.5


@pytest.mark.parametrize("name", ["", "/a", "../a", "a/../b", "a//b", "./a", "a\\b", "c:a"])
def test_a_name_that_could_lead_out_of_the_folder_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="relative path"):
        Entry(file=name)


@pytest.mark.parametrize("digest", ["0" * 63, "0" * 65, "A" * 64, "g" * 64])
def test_a_hash_is_64_lower_case_digits(digest: str) -> None:
    with pytest.raises(ValidationError, match="64 lower-case"):
        Entry(sha256=digest)


@pytest.mark.parametrize("changes", [{"value": float("nan")}, {"share": 1.01}, {"share": float("nan")}, {"more": 1}])
def test_numbers_are_finite_shares_within_one_and_keys_known(changes: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Entry.model_validate(changes)
    Entry.model_validate({"value": -1e9, "share": 1.0})
