# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A file that only its owner can have written is read whole and as it is; any other is refused by its name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from trustseg.files.owned_file import Untrusted, read_owned

BYTES = b"\xff\r\nplan\x00"


def test_what_is_read_are_the_bytes_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "plan").write_bytes(BYTES)
    assert read_owned(tmp_path / "plan", 100) == BYTES


@pytest.mark.parametrize(("size", "got"), [(3, 3), (4, 4), (5, 5), (6, 5), (9000, 5)])
def test_one_byte_above_the_limit_tells_that_it_is_exceeded(tmp_path: Path, size: int, got: int) -> None:
    (tmp_path / "plan").write_bytes(b"p" * size)
    assert read_owned(tmp_path / "plan", 4) == b"p" * got


@pytest.mark.timeout(20)
def test_a_pipe_in_its_place_is_named_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "plan")
    with pytest.raises(Untrusted) as refused:
        read_owned(tmp_path / "plan", 4)
    assert str(refused.value) == f"{tmp_path}/plan is no regular file"


def test_a_file_that_others_can_write_is_named(tmp_path: Path) -> None:
    (tmp_path / "plan").write_bytes(b"p")
    (tmp_path / "plan").chmod(0o620)
    with pytest.raises(Untrusted) as refused:
        read_owned(tmp_path / "plan", 4)
    assert str(refused.value) == (
        f"{tmp_path}/plan can be written by others (mode 620), expected its owner alone: chmod go-w"
    )
