"""The file in which latches outlive the monitor: all or nothing, and what cannot be read latches."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from trustseg.reasons import Reason
from trustseg_ros.latch_file import LatchFile, default_path


def test_latched_reasons_survive_and_are_cleared(tmp_path: Path) -> None:
    file = LatchFile(tmp_path / "deep" / "latched.json")
    assert file.read() is Reason.NONE
    file.write(Reason.SELF_TEST | Reason.RESTARTS)
    assert LatchFile(file.path).read() == Reason.SELF_TEST | Reason.RESTARTS
    assert [p.name for p in file.path.parent.iterdir()] == ["latched.json"]
    file.write(Reason.NONE)
    assert not file.path.exists()
    assert file.read() is Reason.NONE


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b'{"latched_reasons": "x"}', b'{"other": 1}', b"\xff\xfe", b"\xff", b"[" * 100_000,
        b'{"latched_reasons": -1}', b'{"latched_reasons": Infinity}', b'{"latched_reasons": 4.0}',
        b'{"latched_reasons": 18446744073709551616}',
    ],
)  # fmt: skip
def test_a_latch_file_that_cannot_be_read_latches(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "latched.json"
    path.write_bytes(content)
    assert LatchFile(path).read() is Reason.INTERNAL


def test_reasons_that_only_a_newer_monitor_knows_stay_latched(tmp_path: Path) -> None:
    path = tmp_path / "latched.json"
    path.write_bytes(b'{"latched_reasons": 18446744073709551615}')
    assert LatchFile(path).read() == 2**64 - 1


def test_a_file_that_says_that_nothing_is_latched_is_believed(tmp_path: Path) -> None:
    path = tmp_path / "latched.json"
    path.write_bytes(b'{"latched_reasons": 0}')
    assert LatchFile(path).read() is Reason.NONE


def test_a_folder_in_the_latch_files_place_latches(tmp_path: Path) -> None:
    assert LatchFile(tmp_path).read() is Reason.INTERNAL


def test_a_latch_file_that_cannot_be_looked_for_latches(tmp_path: Path) -> None:
    assert LatchFile(tmp_path / ("x" * 300)).read() is Reason.INTERNAL  # a name longer than the file system takes
    (tmp_path / "file").write_bytes(b"")
    assert LatchFile(tmp_path / "file" / "latched.json").read() is Reason.INTERNAL


def test_monitors_of_other_cameras_and_domains_have_other_latch_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROS_DOMAIN_ID", "3")
    names = ("/front/trustseg_monitor", "/rear/trustseg_monitor", "/X/trustseg_monitor", "/trustseg_monitor")
    paths = {default_path(name) for name in names}
    monkeypatch.setenv("ROS_DOMAIN_ID", "4")
    assert len(paths | {default_path("/front/trustseg_monitor")}) == 5


def test_the_file_names_what_is_latched_for_people(tmp_path: Path) -> None:
    file = LatchFile(tmp_path / "latched.json")
    file.write(Reason.SELF_TEST | Reason.RESTARTS)
    assert json.loads(file.path.read_text(encoding="utf-8")) == {
        "latched_reasons": int(Reason.SELF_TEST | Reason.RESTARTS),
        "names": ["SELF_TEST", "RESTARTS"],
    }


def test_the_folder_is_made_for_this_user_alone(tmp_path: Path) -> None:
    file = LatchFile(tmp_path / "a" / "b" / "latched.json")
    file.write(Reason.SELF_TEST)
    assert file.path.parent.stat().st_mode & 0o777 == 0o700
    file.write(Reason.RESTARTS)
    assert file.read() == Reason.RESTARTS


def test_a_write_that_is_cut_off_leaves_the_old_latch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = LatchFile(tmp_path / "latched.json")
    file.write(Reason.SELF_TEST)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        file.write(Reason.RESTARTS)
    assert file.read() == Reason.SELF_TEST


def test_clearing_what_is_not_there_is_no_error(tmp_path: Path) -> None:
    LatchFile(tmp_path / "none" / "latched.json").write(Reason.NONE)


def test_where_the_file_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/7")
    monkeypatch.delenv("ROS_DOMAIN_ID", raising=False)
    expected = Path("/run/user/7/trustseg/domain_0/front.trustseg_monitor/latched.json")
    assert default_path("/front/trustseg_monitor") == expected
    monkeypatch.setenv("ROS_DOMAIN_ID", "3")
    assert default_path("/trustseg_monitor") == Path("/run/user/7/trustseg/domain_3/trustseg_monitor/latched.json")
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setenv("TMPDIR", "/var/tmp")
    monkeypatch.setattr("tempfile.tempdir", None)
    expected = Path(f"/var/tmp/trustseg-{os.getuid()}/trustseg/domain_3/trustseg_monitor/latched.json")
    assert default_path("/trustseg_monitor") == expected


@pytest.mark.timeout(20)
def test_a_pipe_in_the_latch_files_place_latches_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "latched.json")
    assert LatchFile(tmp_path / "latched.json").read() is Reason.INTERNAL
