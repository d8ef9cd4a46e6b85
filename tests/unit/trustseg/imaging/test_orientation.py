# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Upright or as the sensor saw it: files and films are turned, messages are not, the same in every reader."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

import label_files
from trustseg.bounds import derive_bounds
from trustseg.errors import FrameRejected
from trustseg.frames import FrameIntake, IntakeConfig, decode_compressed, decode_pixels
from trustseg.imaging.orientation import orientation_of, turned
from trustseg.imaging.stored_image import decode_image
from trustseg.reasons import Mode, Reason
from trustseg_lab.data import decode_labels
from trustseg_lab.data.labelled_images import read_image
from trustseg_lab.faults.health_streams import video_frames
from trustseg_lab.recordings.image_folder import FolderSource
from trustseg_lab.recordings.recorded_image import CompressedPicture, Header, RecordedImage, Stamp
from trustseg_lab.recordings.video.film import VideoSource

# What is at the four corners (top left, top right, bottom left, bottom right) of the upright picture, by where it is
# in the stored one; read off the figures of EXIF 2.32, section 4.6.5.
CORNERS = {1: "abcd", 2: "badc", 3: "dcba", 4: "cdab", 5: "acbd", 6: "cadb", 7: "dbca", 8: "bdac"}
STORED = np.zeros((32, 48), np.uint8)
for value, (row, column) in {60: (0, 0), 120: (0, 24), 180: (16, 0), 240: (16, 24)}.items():
    STORED[row : row + 16, column : column + 24] = value
NAMES = {60: "a", 120: "b", 180: "c", 240: "d"}


def corners(image: np.ndarray) -> str:
    grey = image if image.ndim == 2 else image[..., 0]
    values = (grey[3, 3], grey[3, -4], grey[-4, 3], grey[-4, -4])
    return "".join(NAMES[min(NAMES, key=lambda known: abs(known - int(each)))] for each in values)


def exif(orientation: int, order: str = "<") -> bytes:
    start = b"II*\0" if order == "<" else b"MM\0*"
    return start + struct.pack(f"{order}IHHHIHHI", 8, 1, 274, 3, 1, orientation, 0, 0)


def jpeg(orientation: int, order: str = "<") -> bytes:
    plain = bytes(cv2.imencode(".jpg", STORED)[1])
    block = b"Exif\0\0" + exif(orientation, order)
    return plain[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + plain[2:]


def png(orientation: int, order: str = "<") -> bytes:
    plain = bytes(cv2.imencode(".png", STORED)[1])
    return plain[:33] + label_files.chunk(b"eXIf", exif(orientation, order)) + plain[33:]


def webp(orientation: int, order: str = "<") -> bytes:
    plain = bytes(cv2.imencode(".webp", cv2.merge([STORED] * 3), [cv2.IMWRITE_WEBP_QUALITY, 101])[1])
    extended = b"VP8X" + struct.pack("<IB3x", 10, 8) + (47).to_bytes(3, "little") + (31).to_bytes(3, "little")
    block = exif(orientation, order)
    parts = b"WEBP" + extended + plain[12:] + b"EXIF" + struct.pack("<I", len(block)) + block
    return b"RIFF" + struct.pack("<I", len(parts)) + parts


WRITERS = {"jpeg": jpeg, "png": png, "webp": webp}


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_files_are_turned_as_the_standard_draws_it(kind: str, orientation: int) -> None:
    for order in "<>":
        data = WRITERS[kind](orientation, order)
        assert orientation_of(data) == orientation
        image = decode_image(data, cv2.IMREAD_COLOR, "it")
        assert image is not None
        assert image.shape == ((32, 48, 3) if orientation < 5 else (48, 32, 3))
        assert corners(image) == CORNERS[orientation]
        lying = decode_image(data, cv2.IMREAD_COLOR, "it", upright=False)
        assert lying is not None
        assert (lying.shape, corners(lying)) == ((32, 48, 3), "abcd")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_tiff_is_turned_for_pictures_and_labels(orientation: int) -> None:
    data = label_files.tiff(STORED, 8, 1, orientation=orientation)
    image = decode_image(data, cv2.IMREAD_COLOR, "it")
    assert image is not None
    assert corners(image) == CORNERS[orientation]
    assert corners(decode_labels(data, "labels")) == CORNERS[orientation]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_labels_are_turned_as_their_file_says_and_not_in_a_message(orientation: int) -> None:
    assert corners(decode_labels(png(orientation), "labels")) == CORNERS[orientation]
    assert corners(decode_labels(png(orientation), "labels", upright=False)) == "abcd"


@pytest.mark.parametrize(
    "data",
    [
        jpeg(0), jpeg(9), jpeg(6)[:30], b"\xff\xd8", b"", b"BM", png(6)[:40], webp(6)[:40],
        jpeg(6).replace(b"II*\0", b"XX*\0"), jpeg(6).replace(b"II*\0\x08", b"II*\0\xff"),
        jpeg(6).replace(struct.pack("<HH", 274, 3), struct.pack("<HH", 274, 2)),
    ],
)  # fmt: skip
def test_what_makes_no_sense_turns_nothing(data: bytes) -> None:
    assert orientation_of(data) == 1


def test_turning_keeps_every_pixel() -> None:
    pixels = np.arange(6, dtype=np.uint8).reshape(2, 3)
    assert turned(pixels, 1) is pixels
    assert turned(pixels, 6).tolist() == [[3, 0], [4, 1], [5, 2]]
    assert turned(pixels, 6).flags.c_contiguous


@pytest.mark.parametrize("kind", WRITERS)
def test_folder_of_pictures_is_replayed_as_it_is_evaluated(tmp_path: Path, kind: str) -> None:
    """One wrong suffix and one tag: evaluation turned and decoded these, replay left them lying or refused them."""
    path = tmp_path / "a.jpg"
    path.write_bytes(WRITERS[kind](6))
    recorded = next(FolderSource(tmp_path, 10.0).images())
    message = recorded.message
    image, _ = decode_pixels(message.data, message.height, message.width, message.step, message.encoding)
    assert np.array_equal(image, read_image(path))
    assert corners(image) == CORNERS[6]


def test_a_message_is_what_the_sensor_saw(tmp_path: Path) -> None:
    image, _ = decode_compressed(jpeg(6))
    assert (image.shape, corners(image)) == ((32, 48, 3), "abcd")


def test_pictures_of_both_kinds_are_one_stream(tmp_path: Path) -> None:
    """Turned pictures come as raw images, the others as they are: a size that changes between them is a fault."""
    (tmp_path / "a.jpg").write_bytes(jpeg(1))
    (tmp_path / "b.jpg").write_bytes(jpeg(6))
    bounds = derive_bounds(100_000_000, 50_000_000)
    raw = FrameIntake(IntakeConfig(Mode.REPLAY, False, 1 << 20, False), bounds)
    intakes = {False: raw, True: FrameIntake(IntakeConfig(Mode.REPLAY, True, 1 << 20, False), bounds, raw)}
    first, second = FolderSource(tmp_path, 10.0).images()
    assert (first.compressed, second.compressed) == (True, False)
    intakes[True].check(first.message, 0, 0)
    with pytest.raises(FrameRejected, match="stamp was seen before"):
        intakes[False].check(replace(second.message, header=first.message.header), 0, 0)
    with pytest.raises(FrameRejected, match="resolution changed") as caught:
        intakes[False].check(second.message, 0, 0)
    assert caught.value.reason == Reason.RES_CHANGED


@dataclass
class Sent:
    """A bag of one message."""

    message: CompressedPicture

    def images(self) -> Iterator[RecordedImage]:
        yield RecordedImage(0, 0, self.message, True)

    def close(self) -> None:
        pass


def test_run_shows_files_upright_and_messages_of_a_bag_as_they_were_sent(tmp_path: Path) -> None:
    """What `run` publishes anew went through a JPEG file, whose tag turned it: messages too."""
    pytest.importorskip("rclpy")
    from trustseg_lab.harness.footage import Footage, open_footage

    for orientation, folder, expected in ((6, tmp_path / "turned", CORNERS[6]), (1, tmp_path / "plain", "abcd")):
        folder.mkdir()
        (folder / "a.jpg").write_bytes(jpeg(orientation))
        shown = next(open_footage(folder, None).frames()).image
        assert isinstance(shown, bytes) is (orientation == 1)
        found = decode_image(shown, cv2.IMREAD_COLOR, "it") if isinstance(shown, bytes) else shown
        assert found is not None
        assert corners(found) == expected
        message = CompressedPicture(Header(Stamp(1, 0), ""), "jpeg", jpeg(orientation))
        sent = next(Footage(Sent(message), 10.0).frames()).image  # type: ignore[arg-type]
        found = decode_image(sent, cv2.IMREAD_COLOR, "it") if isinstance(sent, bytes) else sent
        assert found is not None
        assert corners(found) == "abcd"


# (a, b, c, d) of the display matrix as film containers have it, for each orientation.
MATRICES = {
    1: (1, 0, 0, 1), 2: (-1, 0, 0, 1), 3: (-1, 0, 0, -1), 4: (1, 0, 0, -1),
    5: (0, 1, 1, 0), 6: (0, 1, -1, 0), 7: (0, -1, -1, 0), 8: (0, -1, 1, 0),
}  # fmt: skip


def film(path: Path, orientation: int) -> Path:
    """An MP4 whose track header has that matrix (ISO/IEC 14496-12, 8.3.2)."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        for _ in range(2):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(cv2.merge([STORED] * 3), format="bgr24")))
        container.mux(stream.encode(None))
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 44
    a, b, c, d = (each << 16 for each in MATRICES[orientation])
    struct.pack_into(">5i", data, at, a, b, 0, c, d)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("orientation", range(1, 9))
def test_films_are_turned_by_every_reader(tmp_path: Path, orientation: int) -> None:
    pytest.importorskip("rclpy")
    from trustseg_lab.harness.footage import open_footage

    path = film(tmp_path / "a.mp4", orientation)
    message = next(VideoSource(path).images()).message
    replayed, _ = decode_pixels(message.data, message.height, message.width, message.step, message.encoding)
    shown = next(open_footage(path, None).frames()).image
    assert isinstance(shown, np.ndarray)
    for image in (replayed, shown, video_frames(path, 1)[0]):
        assert corners(image) == CORNERS[orientation]
