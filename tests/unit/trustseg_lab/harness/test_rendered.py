# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The rendered drive that is kept: taken when it is whole, rendered again when it is damaged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from trustseg_lab.harness import rendered
from trustseg_lab.harness.drive_folder import DRIVE_FILE, Drive
from trustseg_lab.harness.script import Script


@pytest.mark.parametrize("content", ["", "{", "[]", '{"name": "street"}', '{"name": 1, "troubles": [3]}'])
def test_a_damaged_drive_is_rendered_again(content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each later demo ended in a JSONDecodeError or a KeyError, until somebody emptied the cache."""
    made: list[Path] = []

    def render(folder: Path, script: Script, *rest: Any) -> None:
        made.append(folder)
        folder.mkdir(parents=True)
        Drive("street", script.rate_hz, script.slots, (), ("road",), folder).save()

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(rendered, "_render", render)
    script = Script(10.0, 1.0, ())
    first = rendered.rendered_drive(script, 0)
    assert rendered.rendered_drive(script, 0) == first
    assert len(made) == 1
    (made[0] / DRIVE_FILE).write_text(content)
    assert rendered.rendered_drive(script, 0) == first
    assert len(made) == 2
