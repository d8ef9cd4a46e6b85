# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Replays a small rendered drive with the released bundle, and compares every frame with the committed results.

    scripts/golden_drive.py            exit code 1 and what changed where a verdict, score or confidence is another
    scripts/golden_drive.py --renew    commit what it is now: after a new bundle, or a change that is meant

Run it with .venv/bin/python. It takes half a minute. Pictures are rendered on the spot; only tables are committed.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2

from trustseg_lab.scenes import Drive, parse_condition

ROOT = Path(__file__).resolve().parents[1]
BASELINE = ROOT / "tests" / "golden_drive"
COMMITTED = ("frames.parquet", "summary.json")
SIZE, FPS, SEED, FRAMES = (360, 480), 10.0, 11, 36
TROUBLE = {"fog:1.0": range(14, 20), "dirt:1.0": range(26, 30)}
# Other machines and engines compute other last bits: OpenVINO instead of ONNX Runtime moves no figure by 1e-4. One grey
# level of noise on every pixel changes no verdict, and moves scores by 0.005, qualities by 0.010, confidences by 0.006.
GATE = (
    "changed_verdicts > 0 or largest_score_change > 0.03 or largest_quality_change > 0.03 "
    "or largest_confidence_change > 0.015 or miou_change < -0.01 or miou_change > 0.01 "
    "or missing_frames > 0 or added_frames > 0"
)


def render(folder: Path) -> None:
    """images/NNNNNN.png and labels/NNNNNN.png of the drive."""
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    drive = Drive(SEED, SIZE, FPS)
    for number in range(FRAMES):
        conditions = [parse_condition(text) for text, frames in TROUBLE.items() if number in frames]
        frame = drive.frame(number, conditions)
        cv2.imwrite(str(folder / "images" / f"{number:06d}.png"), frame.image_rgb[..., ::-1])
        cv2.imwrite(str(folder / "labels" / f"{number:06d}.png"), frame.labels)


def replay(folder: Path, out: Path, *more: str) -> int:
    """Exit code of `trustseg replay` on the rendered drive."""
    command = [
        sys.executable, "-m", "trustseg", "replay", str(folder / "images"), "--labels", str(folder / "labels"),
        "--out", str(out), "--rate", str(FPS), "--no-annotated", *more,
    ]  # fmt: skip
    return subprocess.run(command, check=False, cwd=ROOT).returncode


def main() -> int:
    """Compare, or renew with --renew; 1 where they differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--renew", action="store_true", help="write the results into tests/golden_drive")
    parser.add_argument("--out", type=Path, help="keep the results of this run in a new folder")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="golden-drive-") as scratch:
        render(Path(scratch))
        out = given.out or Path(scratch) / "out"
        if not given.renew:
            return replay(Path(scratch), out, "--baseline", str(BASELINE), "--fail-on", GATE)
        code = replay(Path(scratch), out)
        if code == 0:
            BASELINE.mkdir(exist_ok=True)
            for name in COMMITTED:
                shutil.copyfile(out / name, BASELINE / name)
            print(f"renewed {BASELINE.relative_to(ROOT)}: look at the difference, then commit it")
        return code


if __name__ == "__main__":
    sys.exit(main())
