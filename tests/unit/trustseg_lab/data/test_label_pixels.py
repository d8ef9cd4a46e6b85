# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Class ids out of label pictures of every depth: what is stored, not what a viewer shows."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import label_files
from label_files import GREY, PALETTE
from trustseg.errors import InputError
from trustseg_lab.data import decode_labels, known_ids, read_labels
from trustseg_lab.data.class_list import ClassList
from trustseg_lab.data.find_labels import LabelWish
from trustseg_lab.data.formats.catalogue import FormatOption
from trustseg_lab.data.labelled_images import find_pairs, read_pair
from trustseg_lab.recordings.recorded_image import CompressedPicture, Header, RecordedImage, Stamp
from trustseg_lab.replay.labels import FolderLabels

HEIGHT, WIDTH = 12, 22  # a width that fills no whole byte with 1, 2 or 4 bits a sample


def ids(bits: int) -> np.ndarray:
    """Every id that so many bits hold, up to ten, in a pattern without symmetry."""
    return (np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) * 3 // 2 % min(1 << bits, 11)).astype(np.uint8)


@pytest.mark.parametrize("colour", [GREY, PALETTE])
@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_png_gives_samples_and_palette_indices(bits: int, colour: int) -> None:
    assert np.array_equal(decode_labels(label_files.png(ids(bits), bits, colour), "labels"), ids(bits))


def test_png_of_sixteen_bits() -> None:
    found = decode_labels(label_files.png(ids(8), 16), "labels")
    assert found.dtype == np.uint8
    assert np.array_equal(found, ids(8))


@pytest.mark.parametrize("bits", [1, 4, 8])
def test_bitmap_gives_palette_indices(bits: int) -> None:
    assert np.array_equal(decode_labels(label_files.bitmap(ids(bits), bits), "labels"), ids(bits))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("bits", "photometric"), [(1, 0), (1, 1), (8, 0), (8, 1), (8, 3), (16, 1)])
def test_tiff_gives_samples_and_palette_indices(bits: int, photometric: int, order: str) -> None:
    found = decode_labels(label_files.tiff(ids(min(bits, 8)), bits, photometric, order), "labels")
    assert np.array_equal(found, ids(min(bits, 8)))


@pytest.mark.parametrize("turn", [1, 6])
@pytest.mark.parametrize("packing", ["none", "deflate", "packbits"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bits", [2, 4])
@pytest.mark.parametrize("photometric", [0, 1, 3])
def test_tiff_of_few_bits(bits: int, photometric: int, order: str, packing: str, turn: int) -> None:
    data = label_files.tiff(ids(bits), bits, photometric, order, turn, packing)
    found = decode_labels(data, "labels")
    assert np.array_equal(found, ids(bits) if turn == 1 else ids(bits).T[:, ::-1])
    with pytest.raises(InputError, match="cannot decode labels"):
        decode_labels(data[:-20], "labels")


@settings(max_examples=150)
@given(data=st.data())
def test_what_was_written_is_what_is_read(data: st.DataObject) -> None:
    """Any size, any ids, every form that a tool may choose."""
    bits = data.draw(st.sampled_from((1, 2, 4, 8)))
    height, width, seed = (data.draw(st.integers(1, top)) for top in (20, 40, 1 << 16))
    samples = np.random.default_rng(seed).integers(0, 1 << bits, (height, width), dtype=np.uint8)
    form = data.draw(st.sampled_from(("png", "bitmap", "tiff")))
    if form == "png":
        written = label_files.png(samples, bits, data.draw(st.sampled_from((GREY, PALETTE))))
    elif form == "bitmap":
        bits = 4 if bits == 2 else bits  # no bitmap has two
        written = label_files.bitmap(samples, bits)
    else:
        meaning = data.draw(st.sampled_from((0, 1) if bits == 1 else (0, 1, 3)))
        packing = data.draw(st.sampled_from(sorted(label_files.PACKINGS)))
        written = label_files.tiff(samples, bits, meaning, data.draw(st.sampled_from(("<", ">"))), 1, packing)
    assert np.array_equal(decode_labels(written, "labels"), samples)


def encoded(suffix: str, image: np.ndarray, *options: int) -> bytes:
    return bytes(cv2.imencode(suffix, image, list(options))[1])


COLOURS = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
ALPHA = np.zeros((HEIGHT, WIDTH, 4), np.uint8)


# Height and width changed over, which hold as many pixels, under the old checksum.
SQUARE = label_files.png(np.zeros((16, 32), np.uint8), 8)
SAYS_ANOTHER_SIZE = SQUARE[:16] + SQUARE[16:20] + b"\0\0\0\x0f" + SQUARE[24:]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (encoded(".jpg", ids(8)), "no class ids, expected an image without loss, got JPEG"),
        (encoded(".webp", COLOURS, cv2.IMWRITE_WEBP_QUALITY, 80), "without loss, got JPEG or lossy WebP"),
        (encoded(".png", COLOURS), r"no class ids, expected one channel of integers .*convert colours"),
        (encoded(".png", ALPHA), r"no class ids, expected one channel of integers"),
        (encoded(".png", np.full((HEIGHT, WIDTH), 300, np.uint16)), r"hold ids outside 0\.\.255, got 300\.\.300"),
        (encoded(".tiff", np.zeros((HEIGHT, WIDTH), np.float32)), r"no class ids, expected one channel of integers"),
        (label_files.png(ids(4), 4, PALETTE)[:-20], "cannot decode labels"),
        (label_files.png(ids(8), 8)[:40], "cannot decode labels"),
        (SAYS_ANOTHER_SIZE, "cannot decode labels"),
        (b"\x89PNG\r\n\x1a\n", "cannot decode labels"),
        (b"BM", "cannot decode labels"),
        (b"II*\0", "cannot decode labels"),
        (b"", "cannot decode labels"),
        (b"no picture", "cannot decode labels"),
    ],
)  # fmt: skip
def test_what_holds_no_ids_is_refused_in_words(data: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words):
        decode_labels(data, "labels")


def test_ids_that_are_no_class_and_not_void() -> None:
    labels = np.array([[0, 2, 9]], np.uint8)
    assert known_ids(labels, "labels", 3, 9) is labels
    with pytest.raises(InputError, match=r"labels hold ids outside the classes, expected 0\.\.1 or void 9, got 2;"):
        known_ids(labels, "labels", 2, 9)
    with pytest.raises(InputError, match=r"expected 0\.\.2, got 9;"):
        known_ids(labels, "labels", 3, None)
    with pytest.raises(InputError, match=r"got 0, 1, 2, 3, 4, 5, 6, 7 and 3 more"):
        known_ids(ids(8), "labels", 0, None)


@pytest.mark.parametrize(("bits", "colour"), [(1, GREY), (2, GREY), (4, PALETTE), (8, PALETTE), (16, GREY)])
def test_every_command_reads_the_same_ids(tmp_path: Path, bits: int, colour: int) -> None:
    """Class 1 of a 1-bit file was void to evaluation and to training: both went on without a word."""
    data = pytest.importorskip("trustseg_lab.training.data")
    image, label = tmp_path / "images" / "a.png", tmp_path / "labels" / "a.png"
    for path in (image, label):
        path.parent.mkdir()
    truth = ids(min(bits, 8))
    image.write_bytes(encoded(".png", COLOURS))
    label.write_bytes(label_files.png(truth, bits, colour))
    evaluated = read_pair(find_pairs(image.parent, label.parent)[0], 11, 255).labels
    names = ClassList(void=255, classes=[{"id": i, "name": f"c{i}", "color": (i, i, i)} for i in range(11)])
    trained = data.read_pair(image, label, names)[1]
    recorded = RecordedImage(0, 0, CompressedPicture(Header(Stamp(1, 0), ""), "png", b""), True, "a.png")
    replayed = FolderLabels(label.parent, 255, LabelWish(FormatOption(), names), ["a.png"]).of(recorded)
    for found in (evaluated, trained, replayed, read_labels(label, 11, 255)):
        assert np.array_equal(found, truth)
