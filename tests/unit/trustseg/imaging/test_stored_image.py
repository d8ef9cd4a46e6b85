# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Small image files that stand for a lot of memory: size and kind are read from the header, and refused there."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from memory_peak import MOST_MB, outcome

READ_IMAGE = """
import sys, cv2
from pathlib import Path
from trustseg.imaging.stored_image import read_image
try:
    print(read_image(Path(sys.argv[1]), cv2.IMREAD_UNCHANGED) is None)
except Exception as error:
    print(type(error).__name__, error)
"""


def png(width: int, height: int, *, depth: int = 8, interlaced: int = 0) -> bytes:
    """Nothing but zeros, whole: what the header says is there."""
    channels = 3
    row = bytes(1 + width * channels * depth // 8)
    packer = zlib.compressobj(1)
    body = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, interlaced)
    chunks = [(b"IHDR", header), (b"IDAT", body), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def tiff(order: str, *, large: bool = False, **tags: int) -> bytes:
    numbers = {
        "width": 256,
        "height": 257,
        "bits": 258,
        "samples": 277,
        "rows": 278,
        "tile_width": 322,
        "tile_height": 323,
    }
    entries = sorted((numbers[name], value) for name, value in tags.items())
    head = {"<": b"II", ">": b"MM"}[order]
    if large:
        body = b"".join(struct.pack(f"{order}HHQQ", tag, 16, 1, value) for tag, value in entries)
        return head + struct.pack(f"{order}HHHQQ", 43, 8, 0, 16, len(entries)) + body + bytes(8)
    body = b"".join(struct.pack(f"{order}HHII", tag, 4, 1, value) for tag, value in entries)
    return head + struct.pack(f"{order}HIH", 42, 8, len(entries)) + body + bytes(4)


BMP = cv2.imencode(".bmp", np.zeros((4, 4, 3), np.uint8))[1].tobytes()
WEBP = cv2.imencode(".webp", np.zeros((4, 4, 3), np.uint8), [cv2.IMWRITE_WEBP_QUALITY, 80])[1].tobytes()
LOSSLESS = cv2.imencode(".webp", np.zeros((4, 4, 3), np.uint8), [cv2.IMWRITE_WEBP_QUALITY, 101])[1].tobytes()
JPEG = cv2.imencode(".jpg", np.zeros((16, 16, 3), np.uint8))[1].tobytes()
AT = JPEG.index(b"\xff\xc0")


@pytest.mark.parametrize(
    "data",
    [
        # Half a second each: made by the test, not by every process that collects it.
        lambda: png(9000, 9000),
        lambda: png(6000, 6000, depth=16),
        lambda: png(6000, 6000, depth=16, interlaced=1),
        tiff("<", width=20000, height=20000, bits=8, samples=3),
        tiff(">", width=20000, height=20000),
        tiff("<", large=True, width=20000, height=20000),
        tiff("<", width=6000, height=6000, bits=16, samples=4),
        tiff("<", width=16, height=16, tile_width=30000, tile_height=30000),
        tiff(">", width=30000, height=16, rows=2**32 - 1, tile_height=30000),
        BMP[:18] + struct.pack("<ii", 20000, -20000) + BMP[26:],
        WEBP[:26] + struct.pack("<HH", 16383, 16383) + WEBP[30:],
        LOSSLESS[:21] + struct.pack("<I", 0x0FFFFFFF) + LOSSLESS[25:],
        b"RIFF\0\0\0\0WEBPVP8X" + bytes(8) + b"\xff\xff\x3f" * 2,
        JPEG[: AT + 5] + struct.pack(">HH", 20000, 20000) + JPEG[AT + 9 :],
    ],
)
def test_a_picture_that_is_too_large_is_refused_by_its_header(
    tmp_path: Path, data: bytes | Callable[[], bytes]
) -> None:
    path = tmp_path / "picture"
    data = data if isinstance(data, bytes) else data()
    path.write_bytes(data)
    assert len(data) < 2_000_000
    said, peak_mb = outcome(READ_IMAGE, path)
    assert said.startswith("InputError image"), said
    assert "is too large, expected at most 40000000 pixels" in said
    assert peak_mb < 200


READ_FOLDER = """
import sys
from pathlib import Path
from trustseg_lab.recordings.image_folder import FolderSource
source = FolderSource(Path(sys.argv[1]).parent, 10.0)
print(len(list(source.images())), source.losses)
"""


@pytest.mark.parametrize("program", [READ_IMAGE, READ_FOLDER])
@pytest.mark.parametrize("name", ["sparse.tif", "sparse.png"])
@pytest.mark.slow
def test_a_file_that_is_too_long_is_not_read_to_its_end(tmp_path: Path, program: str, name: str) -> None:
    path = tmp_path / name
    with path.open("wb") as file:
        file.truncate(1 << 33)
    said, peak_mb = outcome(program, path)
    assert "is too long, expected at most" in said
    assert peak_mb < MOST_MB


@pytest.mark.parametrize("extension", [".png", ".jpg", ".bmp", ".webp", ".tif"])
def test_pictures_of_every_kind_are_read_as_opencv_reads_them(tmp_path: Path, extension: str) -> None:
    from trustseg.imaging.stored_image import read_image

    image = np.random.default_rng(3).integers(0, 256, (37, 53, 3), np.uint8)
    for flags, pixels in ((cv2.IMREAD_COLOR, image), (cv2.IMREAD_UNCHANGED, image[..., 0])):
        path = tmp_path / f"picture{extension}"
        cv2.imwrite(str(path), pixels)
        read = read_image(path, flags)
        assert read is not None
        assert np.array_equal(read, cv2.imread(str(path), flags))


@pytest.mark.parametrize(
    "data",
    [b"", b"BM", b"RIFF\0\0\0\0WEBPVP8X", b"RIFF\0\0\0\0WEBPXXXX" + bytes(30), b"II*\0", b"II*\0\xff\xff\xff\xff",
     b"P6 9 9 255 " + bytes(300), tiff("<", width=0, height=5), tiff("<", width=9), JPEG[:30], png(8, 8)[:20],
     b"II*\0\x08\0\0\0\xff\xff" + bytes(99)],
)  # fmt: skip
def test_what_is_no_picture_is_none(data: bytes) -> None:
    from trustseg.imaging.stored_image import decode_image

    assert decode_image(data, cv2.IMREAD_COLOR, "it") is None


def test_every_truncation_of_every_kind_is_survived() -> None:
    from trustseg.imaging.stored_image import decode_image

    for whole in (
        BMP,
        WEBP,
        LOSSLESS,
        JPEG,
        png(8, 8),
        tiff("<", width=4, height=4),
        tiff(">", large=True, width=4, height=4),
    ):
        for length in range(min(len(whole), 200)):
            decode_image(whole[:length], cv2.IMREAD_COLOR, "it")


def test_a_video_with_too_many_pixels_is_not_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bag_factory import write_video
    from trustseg.imaging import stored_image
    from trustseg_lab.recordings.video.film import VideoSource

    path = write_video(tmp_path / "a.mp4", 3)
    assert len(list(VideoSource(path).images())) == 3
    monkeypatch.setattr(stored_image, "MOST_PIXELS", 1000)
    source = VideoSource(path)
    assert list(source.images()) == []
    assert source.losses


# Pictures that this program itself has just encoded, or written into its own folder.
OWN_PICTURES = {"paint.py", "stream_faults.py", "degradations.py", "sensor_faults.py", "imagenet_c.py"}


def test_pictures_from_outside_are_decoded_in_two_places_only(repository: Path) -> None:
    """Anywhere else nothing would look at the header first."""
    sources = (repository / "ros2_ws" / "src").glob("trustseg*/trustseg*/**/*.py")
    decoding = {each.name for each in sources if re.search(r"cv2\.im(read|decode)\w*\(", each.read_text())}
    assert decoding <= {"stored_image.py", "compressed.py", *OWN_PICTURES}
