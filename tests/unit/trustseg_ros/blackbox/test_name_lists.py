# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Lists of names in one parameter."""

from __future__ import annotations

import pytest

from trustseg.errors import InputError
from trustseg.reasons import Reason
from trustseg_ros.blackbox.name_lists import names_in, reasons_of, topics_of


def test_names_are_taken_without_blanks_and_once() -> None:
    assert names_in(" a, b,,a ") == ["a", "b"]
    assert names_in("") == []


def test_topics_are_names_that_ros_has() -> None:
    good = "/tf,tf_static,~/private,/front/camera_1/image"
    assert topics_of(good) == good.split(",")
    for bad in ("/a b", "/a/", "//a", "a-b", "/1a", "~a", "/ä"):
        with pytest.raises(InputError, match="no topic"):
            topics_of(bad)


def test_reasons_are_bits() -> None:
    assert reasons_of("blur, DARK") == Reason.BLUR | Reason.DARK
    assert reasons_of("") == Reason.NONE
    with pytest.raises(InputError, match="'WET'"):
        reasons_of("BLUR,WET")
