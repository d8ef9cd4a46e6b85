# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The short forms of `trustseg faults soak` and `trustseg faults fuzz`, and that they notice what they look for."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from trustseg.bundle.loading import load_bundle
from trustseg.errors import FrameRejected, InputError
from trustseg.frames import FrameIntake, decode_compressed, decode_pixels
from trustseg.reasons import Reason
from trustseg_lab.faults import fuzz_decoder
from trustseg_lab.faults.fuzz_images import DEFINED, compressed_fault, fuzz_images, raw_fault
from trustseg_lab.faults.rig.soak import MOST_GROWTH, Sample, Soak, SoakResult
from trustseg_ros.segmenter.status_publisher import StatusPublisher


def test_a_short_soak_is_exact_and_safe() -> None:
    soak = Soak(load_bundle("segnet_lite"), seed=3, episode=15, life=300)
    result = soak.run(700)
    assert result.received == 700
    assert result.accounting_exact
    assert result.processed + result.skipped + result.rejected == 700
    assert min(result.processed, result.skipped, result.rejected) > 0
    assert result.instances == 3
    assert result.unsafe == 0
    assert {"OK", "FAILED"} <= set(result.states)
    assert sum(result.states.values()) == result.statuses
    assert {"BAD_SIZE", "FROZEN", "BACKEND"} & set(result.reasons)
    assert "threads" not in result.grew
    assert "files" not in result.grew


def test_a_soak_notices_a_frame_without_a_status(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StatusPublisher, "rejected", lambda self, frame, reasons: None)
    assert not Soak(load_bundle("segnet_lite"), seed=3, episode=10).run(250).accounting_exact


def test_a_slope_is_of_the_second_half_and_has_its_interval() -> None:
    frames = np.arange(1, 101) * 10_000
    rng = np.random.default_rng(0)
    leak = SoakResult(samples=[Sample(int(n), int(1e8 + 8.0 * n + rng.normal(0, 1e5)), 1, 5) for n in frames])
    _, low, high = leak.memory_slope()
    assert low < 8e6 < high
    assert low > MOST_GROWTH
    assert leak.grew == ["memory"]
    flat = SoakResult(samples=[Sample(int(n), int(1e8 + 1e7 * (n < 400_000)), 1, 5 + (n > 600_000)) for n in frames])
    assert flat.memory_slope() == pytest.approx((0.0, 0.0, 0.0), abs=1.0)
    assert flat.grew == ["files"]


def test_malformed_images_crash_nothing_and_none_is_accepted() -> None:
    result = fuzz_images(6000, seed=7)
    assert result.messages == 6000
    assert result.crashes == []
    assert result.inconsistent == []
    assert result.accepted > 1000
    assert {"BAD_SIZE", "BAD_STEP", "BAD_ENCODING", "BAD_DIMENSIONS", "BAD_IMAGE", "STAMP_INVALID"} <= set(
        result.rejected
    )
    assert result.accepted + sum(result.rejected.values()) == result.messages


def test_the_fuzz_notices_a_validator_that_lets_things_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(self: FrameIntake, message: object, now_ns: int, steady_ns: int) -> float:
        return 0.0

    monkeypatch.setattr(FrameIntake, "check", careless)
    assert fuzz_images(1000, seed=1).inconsistent  # stamps at least; pixels are checked again by the decoder

    def crashing(self: FrameIntake, message: object) -> None:
        raise IndexError("out of range")

    monkeypatch.setattr(FrameIntake, "decode", crashing)
    assert "IndexError" in fuzz_images(20, seed=1).crashes[0]

    def refusing(self: FrameIntake, message: object) -> None:
        raise FrameRejected(Reason.BAD_IMAGE, "no")

    monkeypatch.setattr(FrameIntake, "decode", refusing)
    assert fuzz_images(20, seed=1).rejected == {"BAD_IMAGE": 20}


def test_without_atheris_the_file_to_install_it_from_is_named(
    monkeypatch: pytest.MonkeyPatch, repository: Path
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError) as caught:
        fuzz_decoder.fuzz_decoder(1)
    text = str(caught.value)
    assert text == "atheris is not installed; pip install -r requirements/fuzz.txt"
    assert "atheris==" in (repository / text.split()[-1]).read_text()


def test_breeding_begins_with_good_frames_of_every_kind() -> None:
    found = fuzz_decoder.seeds()
    for data in found[:2]:
        assert decode_compressed(data[1:])[0].shape == (8, 8, 3)
    for number, (encoding, data) in enumerate(zip(DEFINED, found[2:], strict=True)):
        step, width, height, chosen = data[-7], data[-5], data[-3], data[-1]
        assert (height, width, chosen) == (8, 8, number)
        assert decode_pixels(data[1:-7], height, width, step, encoding)[0].shape == (8, 8, 3)


def test_what_a_consistent_message_is() -> None:
    def raw(**changes: object) -> SimpleNamespace:
        fields = {"height": 4, "width": 6, "step": 20, "encoding": "rgb8", "data": bytes(80)}
        return SimpleNamespace(**(fields | changes))

    image = np.zeros((4, 6, 3), np.uint8)
    assert raw_fault(raw(), image) == ""
    assert raw_fault(raw(data=bytes(79)), image)
    assert raw_fault(raw(step=17, data=bytes(68)), image)
    assert raw_fault(raw(encoding="rgb16"), image)
    assert raw_fault(raw(width=0), image)
    assert raw_fault(raw(encoding="yuyv", width=5), image)
    assert raw_fault(raw(), image[:3])
    assert raw_fault(raw(encoding="nv12", step=6, data=bytes(36)), image) == ""
    assert compressed_fault(SimpleNamespace(data=b"\xff\xd8\xff"), image)
    assert compressed_fault(SimpleNamespace(data=b"GIF"), image)
    assert compressed_fault(SimpleNamespace(data=b"\xff\xd8\xff\xd9\x00"), image) == ""
