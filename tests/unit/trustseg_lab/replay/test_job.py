# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Of a folder of labels what decides is read for a job's key, and a data set that lies there too is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bundle_factory import make_tiny_bundle
from trustseg.bundle.loading import Bundle, load_bundle
from trustseg_lab.replay.job import ReplayJob, ReplayOptions, job_key


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return load_bundle(str(make_tiny_bundle(tmp_path_factory.mktemp("engines") / "tiny", height=48, width=64)))


@pytest.fixture
def job(tmp_path: Path) -> ReplayJob:
    """A drive, and labels with a data set's images below them and a film beside."""
    labels = tmp_path / "set" / "labels"
    (labels / "images").mkdir(parents=True)
    for name in ("a.png", "b.png", "images/a.png", "film.mp4"):
        (labels / name).write_bytes(name.encode())
    (tmp_path / "drive").mkdir()
    (tmp_path / "drive" / "a.png").write_bytes(b"a")
    return ReplayJob(tmp_path / "drive", "", "", ReplayOptions(labels=str(labels)))


def read_for(job: ReplayJob, bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names of the files in the labels' data set that are opened for the key."""
    opened, place, open_ = set(), Path(job.options.labels).parent, Path.open

    def noting(path: Path, *given: str, **options: str) -> object:
        if path.is_relative_to(place):
            opened.add(path.relative_to(place).as_posix())
        return open_(path, *given, **options)  # type: ignore[call-overload]

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", noting)
        job_key(job, bundle)
    return opened


def test_images_below_the_labels_are_not_read(job: ReplayJob, bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_for(job, bundle, monkeypatch) == {"labels/a.png", "labels/b.png"}


@pytest.mark.parametrize("file", ["", "instances.json"])
def test_of_annotations_their_file_alone_is_read(
    file: str, job: ReplayJob, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = Path(job.options.labels)
    (labels / "instances.json").write_text("{}")
    named = f"coco:{labels / file}" if file else "coco"
    coco = replace(job, options=replace(job.options, label_format=named))
    assert read_for(coco, bundle, monkeypatch) == {"labels/instances.json"}


def test_labels_their_names_and_their_legend_decide(job: ReplayJob, bundle: Bundle) -> None:
    labels = Path(job.options.labels)
    keys = [job_key(job, bundle)]
    (labels / "images" / "a.png").write_bytes(b"another")
    assert job_key(job, bundle) == keys[0]
    (labels / "a.png").write_bytes(b"another")
    keys.append(job_key(job, bundle))
    (labels / "b.png").rename(labels / "c.png")
    keys.append(job_key(job, bundle))
    for text in ("0 0 0 void\n", "0 0 0 road\n"):
        (labels.parent / "label_colors.txt").write_text(text)
        keys.append(job_key(job, bundle))
    assert len(set(keys)) == len(keys)


def test_labels_that_are_not_there_or_no_labels_are_told_elsewhere(job: ReplayJob, bundle: Bundle) -> None:
    for name in ("none", "set", "set/labels/film.mp4"):
        named = str(Path(job.options.labels).parents[1] / name)
        assert job_key(replace(job, options=replace(job.options, labels=named)), bundle)
