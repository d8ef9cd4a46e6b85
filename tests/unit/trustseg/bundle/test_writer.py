# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A change of a bundle that is stopped at any write leaves a bundle that is whole: the old one or the new one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bundle_factory import make_tiny_bundle
from trustseg.bundle import writer as bundle_update
from trustseg.bundle.card import Card
from trustseg.bundle.loading import Bundle, load_bundle
from trustseg.bundle.writer import BundleEdit, check_tables, put_calibration, put_verdict
from trustseg.errors import InputError


def change(bundle: Bundle, factor: float) -> Card:
    """Other bytes for the graph, the golden output, the table and the verdict, all bound to each other."""
    card, edit = bundle.card.model_dump(mode="json"), BundleEdit(bundle.path)
    told = str(factor).encode()
    # One more field of the graph's file, its doc_string: tag, length, text.
    model = (bundle.path / bundle.card.models["fp32"].file).read_bytes() + b"\x32" + bytes([len(told)]) + told
    ref = edit.put("model.onnx", model)
    card["models"]["fp32"] = {**ref, "size_bytes": len(model)}
    golden = edit.put("golden.npz", bundle.golden_expected_bytes() + str(factor).encode())
    card["golden"].update(expected=golden["file"], expected_sha256=golden["sha256"])
    bound = {"model_sha256": ref["sha256"], "provenance": {"factor": factor}}
    put_calibration(edit, card, "fp32", bundle.calibration().model_copy(update=bound))
    put_verdict(edit, card, "fp32", bundle.verdict().model_copy(update=bound))
    return edit.finish(card)


def factor_of(path: Path) -> float:
    """What the bundle in `path` was changed to, every file of it checked by hash; 0 for as it was made."""
    bundle = load_bundle(path)
    bundle.golden_expected_bytes()
    told = bundle.calibration().provenance.get("factor", 0.0)
    assert bundle.verdict().provenance.get("factor", 0.0) == told
    assert bundle.model_bytes().endswith(str(told).encode()) or told == 0.0
    return float(told)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make_tiny_bundle(tmp_path / "engines" / "tiny")


def test_every_file_keeps_its_name_and_nothing_is_left_over(path: Path) -> None:
    before = sorted(path.parent.parent.rglob("*"))
    change(load_bundle(path), 1.5)
    assert factor_of(path) == 1.5
    assert sorted(path.parent.parent.rglob("*")) == before


class Stopped(BaseException):
    """Stands for SIGKILL: nothing of the product catches it."""


def test_stopped_at_any_write_the_bundle_is_whole(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, left, found = bundle_update.write_whole, 0, []

    def write(target: Path, data: bytes) -> None:
        nonlocal left
        if left == 0:
            raise Stopped
        left -= 1
        real(target, data)

    monkeypatch.setattr(bundle_update, "write_whole", write)
    for writes in range(30):
        left, now = writes, factor_of(path)
        try:
            change(load_bundle(path), writes + 0.5)
        except Stopped:
            assert factor_of(path) in (now, writes + 0.5)
            found.append(factor_of(path) == now)
        else:
            break
    assert not any(left_over.name.startswith("model-") for left_over in path.iterdir())
    assert set(found) == {True, False}  # stopped before the card was written, and after it
    assert factor_of(path) == writes + 0.5


def table_of(bundle: Bundle) -> Path:
    return bundle.calibration_path()


@pytest.mark.parametrize("edited", ["tiny", "copy"])
def test_a_table_that_two_bundles_name_is_not_replaced_by_either(path: Path, edited: str) -> None:
    """As after `cp -r engines/tiny engines/copy`: whose table it would be, nobody can tell."""
    copy = Path(shutil.copytree(path, path.with_name("copy")))
    bundle, other = load_bundle(path.with_name(edited)), copy if edited == "tiny" else path
    before = table_of(bundle).read_bytes()
    for write in (lambda: change(bundle, 1.5), lambda: check_tables(bundle.path, "tiny/fp32.json")):
        with pytest.raises(InputError, match=rf"fp32.json belongs to the bundle in {other} too.*--whole --out"):
            write()
    assert table_of(bundle).read_bytes() == before
    assert (factor_of(path), factor_of(copy)) == (0.0, 0.0)
    # The same bytes take nothing from anybody, and another name neither.
    edit, card = BundleEdit(bundle.path), bundle.card.model_dump(mode="json")
    edit.put_calibration("copy/fp32.json", bundle.calibration().model_dump(mode="json"))
    check_tables(bundle.path, "copy/fp32.json", "tiny/fp16.json")
    edit.finish(card)


def test_a_table_that_another_bundle_names_is_not_removed(path: Path) -> None:
    copy = Path(shutil.copytree(path, path.with_name("copy")))
    for folder, left in ((copy, True), (path, False)):  # the last one to leave it takes it along
        card = load_bundle(folder).card.model_dump(mode="json") | {"calibration": {}, "verdict": None}
        table = path.parents[1] / "calibration" / "tiny" / "fp32.json"
        BundleEdit(folder).finish(card)
        assert table.exists() is left
        assert not (folder / "verdict.json").exists()


def test_bundles_in_engines_and_beside_that_folder_share_their_calibrations(path: Path) -> None:
    beside = Path(shutil.copytree(path, path.parents[1] / "copy"))
    for one, other in ((path, beside), (beside, path)):
        with pytest.raises(InputError, match=f"belongs to the bundle in {other} too"):
            check_tables(one, "tiny/fp32.json")
    (beside / "card.json").write_text("{}")  # nothing is known of what it has
    check_tables(path, "tiny/fp32.json")
