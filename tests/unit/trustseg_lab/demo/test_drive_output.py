# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The folder of a drive's results: whole or not there, one drive at a time, and nobody else's files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from patience import WAIT_S
from trustseg.errors import InputError
from trustseg_lab.demo.drive_output import WRITTEN, OutputFolder

HOLDER = """
import sys
from pathlib import Path
from trustseg_lab.demo.drive_output import OutputFolder
with OutputFolder(Path(sys.argv[1])):
    print("holding", flush=True)
    sys.stdin.readline()
"""


class TestOutputFolder:
    SUMMARY = json.dumps({"frames_sent": 1, "injected": [], "ok": True})

    def write(self, folder: OutputFolder, text: str = SUMMARY) -> None:
        (folder.result / "summary.json").write_text(text)
        folder.publish()

    def test_an_earlier_result_is_replaced_as_a_whole(self, tmp_path: Path) -> None:
        target = tmp_path / "out" / "demo"
        with OutputFolder(target) as folder:
            (folder.result / "timeline.png").touch()
            self.write(folder)
        with OutputFolder(target) as folder:
            self.write(folder)
        assert [p.name for p in target.iterdir()] == ["summary.json"]
        assert [p.name for p in target.parent.iterdir()] == ["demo"]

    def test_leaving_without_result_changes_nothing(self, tmp_path: Path) -> None:
        target = tmp_path / "demo"
        with OutputFolder(target) as folder:
            self.write(folder)
        with OutputFolder(target) as folder:
            (folder.result / "summary.json").write_text("half")
        assert (target / "summary.json").read_text() == self.SUMMARY
        assert [p.name for p in tmp_path.iterdir()] == ["demo"]

    @pytest.mark.parametrize("foreign", ["thesis.tex", "overlay.mp4"])
    def test_a_folder_that_no_drive_wrote_is_refused(self, tmp_path: Path, foreign: str) -> None:
        (tmp_path / foreign).write_text("precious")
        with pytest.raises(InputError, match="choose another --out"), OutputFolder(tmp_path):
            pass
        assert (tmp_path / foreign).read_text() == "precious"

    def test_a_file_in_its_place_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "demo").write_text("precious")
        with pytest.raises(InputError, match="not a folder"), OutputFolder(tmp_path / "demo"):
            pass

    def test_a_second_drive_into_the_same_folder_is_refused(self, tmp_path: Path) -> None:
        target = tmp_path / "demo"
        with subprocess.Popen(
            [sys.executable, "-c", HOLDER, target], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == "holding\n"
            with pytest.raises(InputError, match="another drive is being written"), OutputFolder(target):
                pass
            other.communicate("leave\n", timeout=WAIT_S)
        with OutputFolder(target) as folder:
            self.write(folder)

    def test_what_a_killed_drive_left_is_cleared(self, tmp_path: Path) -> None:
        (tmp_path / ".demo.partial-1" / "work").mkdir(parents=True)
        with OutputFolder(tmp_path / "demo") as folder:
            self.write(folder)
        assert [p.name for p in tmp_path.iterdir()] == ["demo"]

    def test_every_file_that_is_written_may_be_replaced(self) -> None:
        assert {"summary.json", "overlay.mp4", "timeline.png", "contact_sheet.png", "outputs"} == WRITTEN
