# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Several threads make the batches: the same ones each time, every image equally often, and no thread left."""

from __future__ import annotations

import threading

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the training extra (torch) is not installed")

from trustseg_lab.training.augment import Paste  # noqa: E402
from trustseg_lab.training.batches import Batch, Batches, Pasting  # noqa: E402
from trustseg_lab.training.config import AugmentSection  # noqa: E402
from trustseg_lab.training.data import LabelledSet  # noqa: E402

STILL = AugmentSection(
    scale=(1, 1), flip=0, brightness=0, contrast=0, saturation=0, hue=0, gamma=0, blur=0, noise=0
)  # fmt: skip


def numbered(count: int, start: int = 0) -> LabelledSet:
    """Images whose labels say which they are."""
    labels = np.arange(start, start + count, dtype=np.uint8)[:, None, None].repeat(8, 1).repeat(8, 2)
    return LabelledSet(labels[..., None].repeat(3, 3), labels, tuple(map(str, range(count))))


def drawn(count: int, threads: int, config: AugmentSection = STILL, paste: Paste | None = None) -> list[Batch]:
    batches = Batches(
        numbered(12), [(numbered(6, 100), 0.25)], 3, config, 7, None if paste is None else Pasting(paste, 0.5), threads
    )  # fmt: skip
    stream = iter(batches)
    try:
        return [next(stream) for _ in range(count)]
    finally:
        batches.close()


def test_three_threads_give_the_same_batches_each_time() -> None:
    first, second = drawn(20, 3, AugmentSection(noise=0)), drawn(20, 3, AugmentSection(noise=0))
    for a, b in zip(first, second, strict=True):
        assert torch.equal(a[0], b[0])
        assert torch.equal(a[1], b[1])


@pytest.mark.parametrize("threads", [1, 3, 50])
def test_every_image_comes_equally_often(threads: int) -> None:
    seen = torch.cat([labels[:, 0, 0] for _, labels, _ in drawn(80, threads)])
    times = np.bincount(seen.numpy(), minlength=106)
    assert (times[12:100] == 0).all()
    assert times[:12].min() >= 8
    assert times[100:].min() >= 4
    if threads == 1:
        assert np.ptp(times[:12]) <= 1


def test_shares_that_miss_1_by_a_bit_are_all_there_is() -> None:
    shares = (0.05, 0.55, 0.3, 0.1)
    assert sum(shares) > 1
    batches = Batches(numbered(3), [(numbered(2, 100), each) for each in shares], 8, STILL, 7)
    try:
        assert (next(iter(batches))[1] >= 100).all()
    finally:
        batches.close()


def test_an_error_of_any_thread_reaches_the_run_and_none_stays() -> None:
    before = set(threading.enumerate())

    def broken(image: np.ndarray, label: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        raise ValueError("no such object")

    with pytest.raises(ValueError, match="no such object"):
        drawn(20, 3, paste=broken)
    assert set(threading.enumerate()) <= before


def test_each_thread_has_noise_of_its_own_and_the_same_each_time() -> None:
    noisy = STILL.model_copy(update={"noise": 1.0})
    first, again = (drawn(2, 2, noisy) for _ in range(2))  # one batch of each thread
    for a, b in zip(first, again, strict=True):
        assert torch.equal(a[0], b[0])
    noise = [images[0].int() - labels[0, :, :, None].int() for images, labels, _ in first]
    assert all(each.abs().max() > 0 for each in noise)
    scaled = [each.float() / each.float().std() for each in noise]
    assert (scaled[0] * scaled[1]).mean().abs() < 0.5  # of the same drawing it would be 1
