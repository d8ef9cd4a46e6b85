# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A new bundle replaces its own draft, and nothing else that nobody gave up."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from bundle_factory import make_tiny_bundle
from trustseg.errors import InputError
from trustseg_lab.training.export.bundle_target import check_bundle_target


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A calibrated bundle called own, and beside it a checkpoint and YAML files of cards."""
    (tmp_path / "c.safetensors").write_bytes(b"weights")
    for name in ("own", "other"):
        (tmp_path / f"{name}.yaml").write_text(f"name: {name}\n")
    return make_tiny_bundle(tmp_path / "own", height=48, width=64)


def check(out: Path, *, about: str = "", checkpoint: str = "c.safetensors", **options: bool) -> None:
    named = out.parent / f"{about or json.loads((out / 'card.json').read_text())['name']}.yaml"
    named.touch()
    check_bundle_target(
        out, named, out.parent / checkpoint, **{"compact": False, "overwrite": False, **options}
    )  # fmt: skip


def as_draft(out: Path) -> None:
    card = json.loads((out / "card.json").read_text())
    card |= {"verdict": None, "verdicts": {}, "calibration": {}}
    (out / "card.json").write_text(json.dumps(card))


def test_what_was_calibrated_is_kept(out: Path) -> None:
    with pytest.raises(InputError, match=r"holds a calibrated bundle.*--overwrite"):
        check(out)
    check(out, overwrite=True)
    as_draft(out)
    check(out)


def test_another_bundle_is_kept(out: Path) -> None:
    as_draft(out)
    with pytest.raises(InputError, match=r"holds another bundle, expected other, got .*--overwrite"):
        check(out, about="other")
    check(out, about="other", overwrite=True)


def test_a_damaged_bundle_is_kept(out: Path) -> None:
    (out / "card.json").write_text("{}")
    with pytest.raises(InputError, match=r"cannot be read.*--overwrite"):
        check(out, about="own")
    check(out, about="own", overwrite=True)


def test_a_folder_of_something_else_is_kept_in_any_case(tmp_path: Path, out: Path) -> None:
    check(tmp_path / "new", about="own")
    (tmp_path / "data").mkdir()
    check(tmp_path / "data", about="own")
    (tmp_path / "data" / "picture.png").write_bytes(b"x")
    with pytest.raises(InputError, match="exists and holds no bundle"):
        check(tmp_path / "data", about="own", overwrite=True)


def test_a_folder_that_can_give_no_name_is_refused(tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "unnamed.yaml").write_text("description: d\n")
    with pytest.raises(InputError, match="a bundle cannot be called 'a b'"):
        check(tmp_path / "a b", about="unnamed", overwrite=True)
    check(tmp_path / "a b", about="own")  # whose name the YAML gives
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    check_bundle_target(Path(), tmp_path / "unnamed.yaml", tmp_path / "c.safetensors", compact=False, overwrite=False)


def test_what_a_stopped_export_left_can_be_given_up(out: Path) -> None:
    (out / "card.json").rename(out / ".card.partial-12.json")
    for each in out.iterdir():
        if each.name not in ("model.onnx", "golden.png", "golden.npz", ".card.partial-12.json"):
            each.unlink()
    (out / "model-0a1b2c3d.onnx").write_bytes(b"of one before")
    with pytest.raises(InputError, match=r"parts of a bundle without its card.*--overwrite, or remove it"):
        check(out, about="own")
    check(out, about="own", overwrite=True)
    (out / "golden.jpg").write_bytes(b"x")
    with pytest.raises(InputError, match=r"holds no bundle.*or remove it"):
        check(out, about="own", overwrite=True)


@pytest.mark.parametrize("link", [None, os.link, os.symlink])
def test_the_checkpoint_itself_is_not_removed(link: object, out: Path) -> None:
    own = out / "weights.safetensors"
    shutil.copyfile(out.parent / "c.safetensors", own)
    check(out, compact=True, overwrite=True)
    name = "own/weights.safetensors"
    if link is not None:
        name = "linked.safetensors"
        link(own, out.parent / name)  # type: ignore[operator]
    with pytest.raises(InputError, match=r"--compact removes .*weights.safetensors, which is the checkpoint"):
        check(out, checkpoint=name, compact=True, overwrite=True)
    check(out, checkpoint=name, overwrite=True)


def test_the_command_asks_before_it_reads_the_checkpoint(out: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the training extra (torch) is not installed")
    from typer.testing import CliRunner

    from trustseg.cli.app import build_app

    given = ["export", "--checkpoint", str(tmp_path / "c.safetensors"), "--about", str(tmp_path / "own.yaml")]
    answer = CliRunner().invoke(build_app("export"), [*given, "--out", str(out)])
    assert isinstance(answer.exception, InputError)
    assert "--overwrite" in str(answer.exception)
