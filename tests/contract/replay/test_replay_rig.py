# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg replay` on a bag of three cameras: each is judged alone, and the rig by those that are required."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bag_factory import RAW, STORE, message_of, shots, write_bag
from bundle_factory import make_tiny_bundle
from replay_runs import run

TOPICS = ("/front/image", "/left/image", "/rear/image")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_bundle(tmp_path_factory.mktemp("engines") / "tiny")


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds at 10 Hz; the left camera is dark from the fourth second on, the rear one ends with the second."""
    images = shots(60)

    def more(writer: object) -> None:
        for topic in TOPICS[1:]:
            connection = writer.add_connection(topic, RAW, typestore=STORE)  # type: ignore[attr-defined]
            for index, shot in enumerate(images):
                if topic == TOPICS[2] and index >= 20:
                    break
                dark = topic == TOPICS[1] and index >= 40
                shown = replace(shot, image=np.zeros_like(shot.image)) if dark else shot
                writer.write(connection, shot.time_ns, STORE.serialize_cdr(message_of(shown), RAW))  # type: ignore[attr-defined]

    return write_bag(tmp_path_factory.mktemp("bags") / "rig", images, topics=TOPICS[:1], extra=more)


def test_three_cameras_give_three_results_and_a_rig(
    bundle: Path, bag: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    required = ["--required-topic", TOPICS[0], "--required-topic", TOPICS[1]]
    code = run(bundle, tmp_path / "out", [bag], "--all-topics", "--no-annotated", "--pictures", "0", *required)
    assert code == 0
    document = json.loads((tmp_path / "out" / "summary.json").read_text())
    names = {drive["input"]["topic"]: drive["name"] for drive in document["drives"]}
    assert set(names) == set(TOPICS)
    alone = {topic: json.loads((tmp_path / "out" / name / "summary.json").read_text()) for topic, name in names.items()}
    assert [alone[topic]["metrics"]["failures"] for topic in TOPICS[:2]] == [0.0, 1.0]

    (rig,) = document["rigs"]
    assert (rig["input"], rig["required"]) == ("rig", list(TOPICS[:2]))
    assert rig["duration_s"] == pytest.approx(6.0)
    cameras = {each["topic"]: each for each in rig["cameras"]}
    assert [cameras[topic]["required"] for topic in TOPICS] == [True, True, False]
    # Front and left begin together, so that the rig's flag is that of the left camera.
    assert cameras[TOPICS[0]]["failure_share"] == 0.0
    assert rig["failure_share"] == pytest.approx(alone[TOPICS[1]]["metrics"]["failure_share"], abs=1e-6)
    assert cameras[TOPICS[1]]["alone_share"] == pytest.approx(rig["failure_share"])
    assert cameras[TOPICS[2]]["failure_share"] > rig["failure_share"]
    shown = capsys.readouterr().out
    assert "rig of rig" in shown
    assert f"{100 * rig['failure_share']:.1f} %" in shown


def test_a_required_camera_that_is_not_replayed_is_refused(
    bundle: Path, bag: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(bundle, tmp_path / "out", [bag], "--topic", TOPICS[0], "--required-topic", TOPICS[1])
    assert code == 2
    said = capsys.readouterr().err
    assert "a required camera is not replayed, expected one of /front/image, got /left/image" in said
    assert not (tmp_path / "out").exists()
