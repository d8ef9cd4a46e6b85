# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Damaged archives of arrays are one line of refusal, whatever zipfile, zlib and numpy raise."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from trustseg.errors import InputError
from trustseg.files.stored_arrays import read_arrays

NUMBERS = np.arange(600, dtype=np.int32).reshape(20, 30)


def archive(**arrays: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)
    return out.getvalue()


def with_header(header: bytes) -> bytes:
    """An archive whose array `a` begins with these words in place of its type and shape."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("a.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    return out.getvalue()


def test_all_arrays_or_those_that_are_named(tmp_path: Path) -> None:
    data = archive(a=NUMBERS, b=NUMBERS[0])
    (tmp_path / "x.npz").write_bytes(data)
    assert np.array_equal(read_arrays(data, "it")["a"], NUMBERS)
    assert list(read_arrays(tmp_path / "x.npz", "it")) == ["a", "b"]
    assert list(read_arrays(tmp_path / "x.npz", "it", ["b"])) == ["b"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not a zip"),
        (archive(a=NUMBERS)[:-30], "not a zip"),
        (archive(b=NUMBERS), "a is not a file"),
        (archive(a=np.array([{}], object)), "pickle"),
        (with_header(b"{'descr': '<i4', 'shape': ((((\n"), "got .+"),  # numpy's tokenizer
        (with_header(b"{" * 3000), "got .+"),
    ],
)
def test_what_is_damaged_is_one_line(data: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        read_arrays(data, "the golden output", ["a"])
    assert str(caught.value).startswith("the golden output cannot be read, got ")
    assert "\n" not in str(caught.value)


def test_any_flipped_byte_is_refused_or_changes_nothing() -> None:
    """The checksum of each member; a method of packing that is unknown; bits of encryption."""
    whole = archive(a=NUMBERS)
    refused = 0
    for at in range(len(whole)):
        data = bytearray(whole)
        data[at] ^= 0x41
        try:
            found = read_arrays(bytes(data), "it", ["a"])["a"]
        except InputError:
            refused += 1
        else:
            assert np.array_equal(found, NUMBERS), at
    assert refused > len(whole) // 2


def test_more_than_it_may_unpack_to() -> None:
    data = archive(a=np.zeros(10_000, np.uint8))
    assert len(read_arrays(data, "it", most_bytes=11_000)["a"]) == 10_000
    with pytest.raises(InputError, match=r"it unpacks to 10128 bytes, expected at most 10000"):
        read_arrays(data, "it", most_bytes=10_000)


def test_a_name_as_long_as_the_archive_is_not_told_at_length() -> None:
    """The library names both members: the one that the directory states, and the one that lies there."""
    data = bytearray(archive(**{"a" * 5000: NUMBERS}))
    data[30:5030] = b"b" * 5000
    with pytest.raises(InputError) as refused:
        read_arrays(bytes(data), "the archive")
    assert len(str(refused.value)) < 300
