# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The file in which latches outlive the monitor: all or nothing, and what cannot be read latches."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from trustseg.reasons import Reason
from trustseg_ros.monitor.latch_file import LatchFile, default_path


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


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b'{"latched_reasons": -1}', "latched_reasons is no number of 64 bits"),
        (b'{"latched_reasons": 4.0}', "latched_reasons is no number of 64 bits"),
        (b'{"other": 1}', "'latched_reasons'"),
        (b" " * 65_537, "it is longer than 65536 bytes"),
    ],
)
def test_why_it_cannot_be_relied_on_is_told_until_it_can(tmp_path: Path, content: bytes, why: str) -> None:
    file = LatchFile(tmp_path / "latched.json")
    assert file.trouble == ""
    file.path.write_bytes(content)
    file.read()
    assert file.trouble == f"{file.path} cannot be relied on: {why}"
    file.path.write_bytes(b'{"latched_reasons": 2}'.ljust(65_536))  # as long as it may be
    assert file.read() == Reason(2)
    assert file.trouble == ""


def test_an_error_without_a_word_is_told_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def wordless(*_: object) -> bytes:
        raise OSError

    monkeypatch.setattr("trustseg_ros.monitor.latch_file.read_owned", wordless)
    file = LatchFile(tmp_path / "latched.json")
    assert file.read() is Reason.INTERNAL
    assert file.trouble == f"{file.path} cannot be relied on: OSError"


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


def full_disk_unlink(*_: object, **__: object) -> None:
    raise FileNotFoundError(2, "No such file or directory")


def test_a_write_that_is_cut_off_leaves_the_old_latch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = LatchFile(tmp_path / "latched.json")
    file.write(Reason.SELF_TEST)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        file.write(Reason.RESTARTS)
    assert file.read() == Reason.SELF_TEST
    assert [each.name for each in tmp_path.iterdir()] == ["latched.json"]
    # Also where the rest cannot be taken away: the reason is that of the write.
    monkeypatch.setattr(os, "unlink", full_disk_unlink)
    with pytest.raises(OSError, match="No space"):
        file.write(Reason.RESTARTS)


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


OTHER_USER = 65533


def kept(tmp_path: Path) -> LatchFile:
    """A latch that an earlier monitor has kept."""
    file = LatchFile(tmp_path / "run" / "node" / "latched.json")
    file.write(Reason.SELF_TEST)
    return file


def as_link(file: LatchFile) -> None:
    file.path.rename(file.path.with_name("elsewhere"))
    file.path.symlink_to("elsewhere")


@pytest.mark.parametrize(
    ("alter", "why"),
    [
        (lambda file: file.path.chmod(0o666), "can be written by others"),
        (lambda file: file.path.chmod(0o620), "can be written by others"),
        (lambda file: file.path.parent.chmod(0o770), "can be written by others"),
        (lambda file: file.path.parent.parent.chmod(0o777), "can be written by others"),
        (as_link, "latched.json"),
        (lambda file: file.path.write_bytes(b" " * 70_000), "longer than 65536 bytes"),
    ],
)
def test_what_others_could_have_written_latches_and_says_why(
    tmp_path: Path, alter: Callable[[LatchFile], object], why: str
) -> None:
    file = kept(tmp_path)
    alter(file)
    assert file.read() is Reason.INTERNAL
    assert why in file.trouble
    assert str(file.path) in file.trouble


def test_a_folder_that_others_can_write_latches_also_where_no_file_is(tmp_path: Path) -> None:
    file = LatchFile(tmp_path / "latched.json")
    tmp_path.chmod(0o777)
    assert file.read() is Reason.INTERNAL  # they can have taken it away
    with pytest.raises(OSError, match="can be written by others"):
        file.write(Reason.SELF_TEST)
    with pytest.raises(OSError, match="can be written by others"):
        file.write(Reason.NONE)


def test_a_sticky_folder_above_and_a_link_to_the_folder_are_in_order(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp").chmod(0o1777)
    (tmp_path / "run").symlink_to("tmp")
    file = LatchFile(tmp_path / "run" / "trustseg" / "latched.json")
    file.write(Reason.SELF_TEST)
    assert (file.read(), file.trouble) == (Reason.SELF_TEST, "")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")
@pytest.mark.parametrize("level", [0, 1, 2])
def test_what_belongs_to_another_user_latches(tmp_path: Path, level: int) -> None:
    file = kept(tmp_path)
    os.chown((file.path, *file.path.parents)[level], OTHER_USER, OTHER_USER)
    assert file.read() is Reason.INTERNAL
    assert f"belongs to user {OTHER_USER}" in file.trouble


def test_owners_are_told_apart_by_number_whoever_runs_this(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = kept(tmp_path)
    real = os.fstat

    def foreign(handle: int) -> os.stat_result:
        found = list(real(handle))
        found[4] = OTHER_USER
        return os.stat_result(found)

    monkeypatch.setattr(os, "fstat", foreign)
    assert file.read() is Reason.INTERNAL
    assert f"belongs to user {OTHER_USER}, expected this user ({os.geteuid()}) or root" in file.trouble


@pytest.mark.parametrize(("owner", "believed"), [(0, True), (OTHER_USER, True), (1, False), (OTHER_USER + 1, False)])
def test_root_and_this_user_are_believed_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: int, believed: bool
) -> None:
    path = tmp_path / "latched.json"
    path.write_bytes(b'{"latched_reasons": 2}')

    def owned(real: Callable[..., os.stat_result]) -> Callable[..., os.stat_result]:
        def found(*args: object) -> os.stat_result:
            values = list(real(*args))
            values[4] = owner
            return os.stat_result(values)

        return found

    monkeypatch.setattr(os, "geteuid", lambda: OTHER_USER)
    monkeypatch.setattr(os, "fstat", owned(os.fstat))
    monkeypatch.setattr(os, "lstat", owned(os.lstat))
    assert LatchFile(path).read() == (Reason(2) if believed else Reason.INTERNAL)


@pytest.mark.parametrize("name", ["latched.json", "latched.json.partial", "latched.json.{pid}"])
def test_a_planted_link_is_not_written_through(tmp_path: Path, name: str) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    file = kept(tmp_path)
    file.path.unlink()
    (file.path.parent / name.format(pid=os.getpid())).symlink_to(victim)
    file.write(Reason.SELF_TEST)
    assert victim.read_bytes() == b"precious"
    assert not file.path.is_symlink()
    assert file.read() == Reason.SELF_TEST


def test_every_folder_that_is_made_is_this_users_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        file = kept(tmp_path)
    finally:
        os.umask(before)
    folders = (file.path.parent, file.path.parent.parent)
    assert [each.stat().st_mode & 0o777 for each in (file.path, *folders)] == [0o600, 0o700, 0o700]


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path) -> None:
    """With files limited to 8 bytes the write fails for real; nothing stays beside the old latch."""
    file = kept(tmp_path)
    program = (
        "import resource, signal, sys, pathlib\n"
        "from trustseg.reasons import Reason\nfrom trustseg_ros.monitor.latch_file import LatchFile\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (8, 8))\n"
        "try:\n    LatchFile(pathlib.Path(sys.argv[1])).write(Reason.RESTARTS)\n"
        "except OSError as error:\n    print(error.errno)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program, file.path], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "27"  # EFBIG
    assert [each.name for each in file.path.parent.iterdir()] == ["latched.json"]
    assert file.read() == Reason.SELF_TEST


def test_a_folder_that_outlives_the_container_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/7")
    monkeypatch.setenv("TRUSTSEG_STATE", "/var/lib/trustseg/state")
    monkeypatch.setenv("ROS_DOMAIN_ID", "3")
    expected = Path("/var/lib/trustseg/state/trustseg/domain_3/trustseg_monitor/latched.json")
    assert default_path("/trustseg_monitor") == expected
