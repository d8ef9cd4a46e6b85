# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""UDP buffers: what the kernel grants, what is said where it is too little, and where it is said."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from trustseg.host import machine
from trustseg.host.socket_buffers import LIMITS, WANTED_BYTES, granted_bytes, shortfall

USUAL = {"net.core.rmem_max": 212992, "net.core.wmem_max": 212992}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the limits are Linux's")
def test_the_kernel_grants_what_its_limits_say() -> None:
    limits = {name: int((Path("/proc/sys") / name.replace(".", "/")).read_text()) for name in LIMITS}
    assert granted_bytes() == {name: min(limit, WANTED_BYTES) for name, limit in limits.items()}
    small = granted_bytes(1 << 16)
    assert set(small.values()) == {1 << 16}


def test_a_shortfall_names_limits_figures_and_the_command() -> None:
    assert shortfall({}) == ""
    assert shortfall(dict.fromkeys(USUAL, WANTED_BYTES)) == ""
    text = shortfall({**USUAL, "net.core.wmem_max": WANTED_BYTES})
    assert "net.core.rmem_max grants 212992 of 4194304 bytes" in text
    assert text.endswith("sudo sysctl -w net.core.rmem_max=4194304")
    assert "wmem" not in text
    assert "net.core.rmem_max=4194304 net.core.wmem_max=4194304" in shortfall(USUAL)
    assert "\n" not in text


def test_the_survey_of_the_machine_says_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "granted_bytes", lambda: USUAL)
    (fact,) = machine.socket_buffer_facts()
    assert not fact.found
    assert fact.text == shortfall(USUAL)
    monkeypatch.setattr(machine, "granted_bytes", lambda: dict.fromkeys(USUAL, WANTED_BYTES))
    (fact,) = machine.socket_buffer_facts()
    assert fact.found
    monkeypatch.setattr(machine, "granted_bytes", dict)
    assert machine.socket_buffer_facts() == []
