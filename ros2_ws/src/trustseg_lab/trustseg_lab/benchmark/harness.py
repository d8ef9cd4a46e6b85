# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Runs methods over views: descriptors and readings once a view, fits without the block that is judged.

Order of work, so that memory stays flat: every view's maps are held only while it is looked at; what stays is one row
of figures a view, and counts.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from trustseg_lab.benchmark.judged_views import sample_of
from trustseg_lab.benchmark.method import FitRows, Method, Unfit
from trustseg_lab.benchmark.passes.runner import BundlePasses
from trustseg_lab.benchmark.sample import Sample, ViewMeta
from trustseg_lab.benchmark.score_collector import Collected
from trustseg_lab.benchmark.study import Study
from trustseg_lab.metrics.images.view_rows import folds_by_block

FIT = "fit"
WHOLE = -1  # the fold of views that are never learned from: judged by the fit on all rows
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Plan:
    """What runs.

    Attributes:
        methods: in order. left_out: method -> why it cannot run here.
    """

    methods: list[Method]
    left_out: dict[str, str]


def plan(methods: Sequence[Method], passes: BundlePasses, *, fittable: str) -> Plan:
    """Methods whose needs are there.

    Args:
        fittable: why nothing can be fitted; empty where it can.
    """
    kept, left_out = [], {}
    for method in methods:
        why = [passes.missing[need] for need in sorted(method.needs) if need in passes.missing]
        if FIT in method.needs and fittable:
            why.append(fittable)
        if why:
            left_out[method.name] = why[0]
        else:
            kept.append(method)
    return Plan(kept, left_out)


def fittable(metas: Sequence[ViewMeta]) -> str:
    """Why methods cannot learn from these views without the block that they judge; empty where they can."""
    blocks = {meta.block for meta in metas if meta.fit}
    if not blocks:
        return "no views to fit on: give --data"
    if len(blocks) < 2:
        return "one block of images only: what is fitted cannot be judged without it; give more --data"
    return ""


def look_at(
    metas: list[ViewMeta], passes: BundlePasses, made: Plan, studies: Sequence[Study], on_step: Progress
) -> tuple[Collected, list[Sample]]:
    """Every view once: descriptors of all methods, readings of those that learn nothing, studies.

    Returns:
        Readings, and the views with their descriptors and without their maps.

    Raises:
        InputError: a view cannot be read, or the cache cannot be written.
    """
    samples = [sample_of(meta, passes) for meta in metas]
    free = [each for each in made.methods if FIT not in each.needs]
    found = Collected(metas, [], len(passes.bundle.card.classes), left_out=dict(made.left_out))
    for index, sample in enumerate(samples):
        on_step("views", index, len(samples))
        found.outcomes.append(sample.outcome)
        for method in made.methods:
            for describe in method.describes:
                sample.describe(describe)
        for method in free:
            _read(found, index, sample, method)
        for study in studies:
            study.look(index, sample)
        sample.let_go()
    return found, samples


def add_fitted(
    found: Collected, samples: Sequence[Sample], methods: Sequence[Method], folds: int, seed: int, on_step: Progress
) -> None:
    """Fit `methods` on the rows of the other folds, and read every view."""
    with one_thread():
        _add_fitted(found, samples, methods, folds, seed, on_step)


@contextmanager
def one_thread() -> Iterator[None]:
    """What is fitted is small: on a busy machine several threads only wait for each other."""
    with threadpool_limits(1), torch_threads(1):
        yield


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """At most `count` threads in PyTorch, where it is installed."""
    if importlib.util.find_spec("torch") is None:
        yield
        return
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _add_fitted(
    found: Collected, samples: Sequence[Sample], methods: Sequence[Method], folds: int, seed: int, on_step: Progress
) -> None:
    fold = _folds(found.metas, folds, seed)
    fits: dict[int, list[Method]] = {each: [] for each in sorted(set(fold.tolist()))}
    rows = {
        each: FitRows(
            [s for s, f in zip(samples, fold, strict=True) if s.meta.fit and f != each], seed, found.classes_count
        )
        for each in fits
    }
    for place, method in enumerate(methods):
        on_step(f"fitting {method.name}", place, len(methods))
        try:
            for each in fits:
                fits[each].append(method.fit(rows[each]))
        except (Unfit, np.linalg.LinAlgError) as error:
            found.left_out[method.name] = str(error)
            for each in fits:
                fits[each] = [kept for kept in fits[each] if kept.name != method.name]
    rows.clear()
    for index, (sample, each) in enumerate(zip(samples, fold, strict=True)):
        on_step("readings", index, len(samples))
        for method in fits[int(each)]:
            _read(found, index, sample, method)
        sample.let_go()


def _folds(metas: Sequence[ViewMeta], folds: int, seed: int) -> npt.NDArray[np.int64]:
    """Fold of each view; views of a block, held-out ones too, share it; `WHOLE` for sets beside the data."""
    own = np.array([meta.fit or meta.group == "held_out" for meta in metas], bool)
    found = np.full(len(metas), WHOLE, np.int64)
    if own.any():
        block = np.array([meta.block for meta in metas], np.int64)[own]
        count = min(folds, len(np.unique(block)))
        found[own] = folds_by_block(block, count, seed) if count > 1 else WHOLE
    return found


def _read(found: Collected, index: int, sample: Sample, method: Method) -> None:
    started = perf_counter()
    try:
        reading = method.read(sample)
    except Unfit as error:
        found.left_out[method.name] = str(error)
        return
    found.read_ms.setdefault(method.name, []).append(1e3 * (perf_counter() - started))
    found.add(index, sample, method, reading)


def pass_cost(method: Method, passes: BundlePasses) -> int:
    """Passes that a reading needs, the single one included."""
    return 1 + sum(passes.counts(need) for need in method.needs)
