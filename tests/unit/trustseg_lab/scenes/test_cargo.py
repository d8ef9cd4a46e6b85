# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Lost cargo on a rendered road: its labels are exact, it stays where it is, and all around it is as it was."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from trustseg.errors import InputError
from trustseg_lab.scenes import CARGO_KINDS, Cargo, Drive, parse_cargo
from trustseg_lab.scenes.cargo import SPACING_M
from trustseg_lab.scenes.classes import ROAD, VOID

SIZE = (120, 160)
SEED, CLEAR = 9003, 100  # a street, and a frame with an empty lane ahead


@pytest.fixture(scope="module")
def drive() -> Drive:
    return Drive(SEED, SIZE)


@pytest.mark.parametrize("kind", CARGO_KINDS)
def test_labels_say_where_it_is_and_nothing_else_changes_class(drive: Drive, kind: str) -> None:
    plain, lost = drive.frame(CLEAR), drive.frame(CLEAR, cargo=[drive.ahead(CLEAR, kind, 8.0)])
    there = lost.labels == VOID
    assert there.sum() > 20
    assert np.array_equal(lost.labels[~there], plain.labels[~there])
    assert (plain.labels[there] == ROAD).mean() > 0.3  # it stands on the road, and is seen before what is behind it
    changed = (lost.image_rgb.astype(int) - plain.image_rgb).any(axis=2)
    assert changed[there].mean() > 0.9
    assert lost.depth_m[there].mean() == pytest.approx(8.0, rel=0.1)


def test_it_stays_where_it_is_while_the_car_nears_it(drive: Drive) -> None:
    box = drive.ahead(CLEAR, "box", 7.0)
    seen = [int((drive.frame(k, cargo=[box]).labels == VOID).sum()) for k in (CLEAR - 20, CLEAR - 10, CLEAR - 2)]
    assert 0 < seen[0] < seen[1] < seen[2]


def test_without_any_the_drive_is_the_same(drive: Drive) -> None:
    assert np.array_equal(drive.frame(3).image_rgb, Drive(SEED, SIZE).frame(3, cargo=[]).image_rgb)
    assert VOID not in drive.frame(3).labels


def test_scattered_things_are_the_same_from_every_frame(drive: Drive) -> None:
    near, far = drive.scattered(0, ("box", "animal")), drive.scattered(60, ("box", "animal"))
    assert set(far) & set(near)
    assert {each.kind for each in (*near, *far)} == {"box", "animal"}
    places = sorted(each.z for each in near)
    assert all(0 < b - a < 2 * SPACING_M for a, b in pairwise(places))


def test_what_cannot_lie_there_is_one_line(drive: Drive) -> None:
    assert parse_cargo("tyre") == "tyre"
    for make in (lambda: parse_cargo("sofa"), lambda: drive.frame(0, cargo=[Cargo("sofa", 9.0, 0.0)])):
        with pytest.raises(InputError, match="'sofa', expected one of box, tyre, tree, animal"):
            make()
