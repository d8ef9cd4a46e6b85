# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Options that a command would drop in silence are refused before anything is read."""

from __future__ import annotations

import pytest

from trustseg.cli.app import main

BUNDLE = ("fit-confidence", "--bundle", "none")
EXPORT = ("export", "--bundle", "none")
EVALUATE = ("evaluate", "--bundle", "none", "--out", "d")
FOLDERS, CAMVID = ("--images", "i", "--labels", "l"), ("--dataset", "camvid", "--root", "r")
UNKNOWN = ("evaluate-unknown", "--objects", "o", "--data", "i:l", "--checkpoint", "c")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ((*BUNDLE, "--aspect-share", "0.5"), "--aspect-share would say nothing with --bundle"),
        ((*BUNDLE, "--steps", "5", "--objects", "a"), "--objects, --steps would say nothing with --bundle"),
        (
            ("fit-confidence", "--checkpoint", "a", "--unseen", "b:c", "--out", "d", "--limit", "3"),
            "--limit would say nothing without --bundle",
        ),
        (("bench", "--replay", "a", "--rate", "5"), "--rate would say nothing with --replay"),
        (("bench", "--precision", "all", "--check"), "--check would say nothing with --precision all"),
        (("bench", "--rate", "5"), "--rate would say nothing without --ros"),
        (
            ("calibrate", "--bundle", "segnet_lite", "--published", "--cache", "a"),
            "--cache would say nothing with --published",
        ),
        (
            (*EXPORT, "--out", "o", "--cameras", "2", "--compact", "--calibration-images", "4"),
            "--compact, --calibration-images would say nothing with --camera-size or --cameras",
        ),
        ((*EXPORT, "--out", "o", "--camera-size", "72x96", "--golden", "g"),
         "--golden would say nothing with --camera-size or --cameras"),
        ((*EXPORT, "--precision", "int8", "--input-size", "72x96"),
         "--input-size would say nothing with --precision int8"),
        ((*EXPORT, "--precision", "fp16", "--calibration-images", "4"),
         "--calibration-images would say nothing with --precision fp16"),
        ((*EXPORT, "--about", "a", "--images", "i"),
         "--about, --images would say nothing with --bundle and the precision fp32"),
        (("export", "--checkpoint", "c", "--out", "o", "--images", "i"),
         "--images would say nothing with --checkpoint"),
        ((*EVALUATE, *FOLDERS, "--split", "val"), "--split would say nothing without --dataset"),
        ((*EVALUATE, *FOLDERS, "--root", "r"), "--root would say nothing without --dataset"),
        ((*EVALUATE, *CAMVID, "--void", "3"), "--void would say nothing with --dataset"),
        ((*EVALUATE, "--dataset", "kitti", "--root", "r", "--split", "val"),
         "--split would say nothing with --dataset kitti"),
        ((*EVALUATE, *FOLDERS, "--void", "3", "--protocol", "paper12"),
         "--void would say nothing with --protocol paper12"),
        ((*EVALUATE, *CAMVID, "--baselines", "trust_score", "--passes", "4", "--dropout", "0.2"),
         "--passes, --dropout would say nothing without --baselines mc_dropout"),
        ((*EVALUATE, *CAMVID, "--weights", "w"),
         "--weights would say nothing without --baselines mc_dropout or trust_score"),
        ((*EVALUATE, *CAMVID, "--baselines", "mc_dropout", "--fit-on", "i:l"),
         "--fit-on would say nothing without --baselines temperature"),
        ((*EVALUATE, *CAMVID, "--train-data", "i:l"), "--train-data would say nothing without --baselines trust_score"),
        ((*UNKNOWN, "--backend", "openvino", "--threads", "1"),
         "--backend, --threads would say nothing with --checkpoint"),
        (("scenes", "--out", "o", "--random", "--fps", "5", "--start", "2"),
         "--fps, --start would say nothing with --random"),
    ],
)  # fmt: skip
def test_an_option_that_would_be_dropped_is_refused(
    arguments: tuple[str, ...], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"trustseg: {line}; leave out one or the other\n"
