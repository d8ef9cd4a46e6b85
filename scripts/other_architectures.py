# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Networks of other makers' architectures under TrustSeg: trained, wrapped, fitted, calibrated, judged.

    .venv/bin/python scripts/other_architectures.py --root DATA --out out/architectures            all of them
    .venv/bin/python scripts/other_architectures.py --root DATA --out out/architectures fpn unet   these
    .venv/bin/python scripts/other_architectures.py --out out/architectures --tables               what is there

DATA holds camvid/ and kitti/. What is done is not done again; a training goes on where it stood. Learnt from are drive
0016E5 and the first 70 images of 0006R0, of CamVid's training split; head and calibration are fitted on the rest of
that split and on CamVid val, which is of 0016E5 too: three drives; judged are CamVid test and KITTI, on which nothing
is chosen (docs/own_network.md). The networks' packages are locked in
requirements/architectures.txt and installed beside .venv; nothing else is fetched. Weights learnt from CamVid are for
research alone.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from locked_packages import installed

from trustseg.backend_registry import REGISTRY, TENSORRT_RTX
from trustseg.backends.tensorrt.bindings import import_tensorrt
from trustseg.errors import BackendError

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements" / "architectures.txt"
TRUSTSEG = Path(sys.executable).parent / "trustseg"
LEARNT_DRIVE, HALF_DRIVE, HALF = "0016E5", "0006R0", 70
FIT_IMAGES, VOID = 60, 11
SETS = ("test", "kitti")
GPU = "8.6"  # that the TensorRT-RTX engine is built for, ahead of time
REFUSED = 2  # exit code of a command that says in a line why not
TIMED = 20
SCORES = {"mcp": "MCP", "entropy": "entropy", "margin": "margin", "fused": "published"}
PAPER = ("auroc", "fpr95", "aupr_error", "ece")


def main() -> int:
    """0 when every network has its results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="of the networks; default: all")
    parser.add_argument("--root", type=Path, help="folder with camvid/ and kitti/")
    parser.add_argument("--out", type=Path, required=True, help="folder for weights, bundles and results")
    parser.add_argument("--tables", action="store_true", help="print the tables of what is there, and do nothing else")
    parser.add_argument("--only", choices=("train", "judge"), help="one half of the work")
    options = parser.parse_args()
    if options.tables:
        print("\n\n".join(tables(options.out)))
        return 0
    if options.root is None or not (options.root / "camvid" / "train").is_dir():
        parser.error("--root: a folder with camvid/ and kitti/ is needed")
    sys.path.insert(0, str(install_packages()))
    from other_networks import RECIPES

    unknown = set(options.names) - set(RECIPES)
    if unknown:
        parser.error(f"unknown network: {', '.join(sorted(unknown))}; there are {', '.join(RECIPES)}")
    for name in options.names or RECIPES:
        folder = options.out / name
        folder.mkdir(parents=True, exist_ok=True)
        if options.only != "judge":
            learn(name, options.root / "camvid", folder)
        if options.only != "train":
            judge(name, options.root, folder)
    return 0


def install_packages() -> Path:
    """Folder with the networks' packages, made again when the lock changes; PyTorch is that of .venv."""
    return installed(LOCK, ROOT / ".cache" / "architectures")


def split(camvid: Path) -> tuple[list[str], list[str]]:
    """Stems of CamVid's training split that are learnt from, and those that are fitted on."""
    stems = sorted(path.stem for path in (camvid / "train").iterdir())
    half = [each for each in stems if each.startswith(HALF_DRIVE)][:HALF]
    learnt = half + [each for each in stems if each.startswith(LEARNT_DRIVE)]
    return learnt, sorted({*stems} - {*learnt})


def files_of(camvid: Path, stem: str) -> tuple[Path, Path]:
    """Image and labels."""
    return next((camvid / "train").glob(f"{stem}.*")), camvid / "trainannot" / f"{stem}.png"


def learn(name: str, camvid: Path, folder: Path) -> None:
    """Train to the end and write network.onnx."""
    import torch
    from other_networks import RECIPES, Samples, export, is_trained, train

    torch.set_num_threads(1)
    recipe, checkpoint = RECIPES[name], folder / "checkpoint.pt"
    if (folder / "network.onnx").is_file():
        return
    if not is_trained(recipe, checkpoint):
        samples = Samples.read([files_of(camvid, stem) for stem in split(camvid)[0]])
        for line in train(recipe, samples, checkpoint):
            print(f"{name}: {line}", flush=True)
    export(recipe, checkpoint, folder / "network.onnx")


def judge(name: str, root: Path, folder: Path) -> None:
    """Wrap, fit, calibrate, verify, evaluate and build; each once, its output in a file of its name.

    That TensorRT-RTX refuses a graph is a result as well. Without the library there is none, and the rest is done.
    """
    from other_networks import MEAN, RECIPES, SIZE, STD

    if not (folder / "network.onnx").is_file():
        print(f"{name}: is not trained yet", flush=True)
        return
    camvid = root / "camvid"
    fit: list[object] = []
    for each in (fit_folder(camvid, folder.parent / "fit"), f"{camvid / 'val'}:{camvid / 'valannot'}"):
        fit += ["--data", f"{each}:{VOID}"]
    bundle, form = folder / "bundle", RECIPES[name].form
    wrapping: list[object] = ["wrap", folder / "network.onnx", "--classes", "classes_camvid11.yaml", "--out", bundle]
    if form != "pixels":
        wrapping += ["--mean", ",".join(map(str, MEAN)), "--std", ",".join(map(str, STD))]
    if form == "dynamic":
        wrapping += ["--input-size", f"{SIZE[0]}x{SIZE[1]}"]
    step(folder / "wrap.txt", wrapping)
    step(folder / "fit.txt", ["fit-confidence", "--bundle", bundle, *fit, "--limit", FIT_IMAGES, "--json"])
    step(folder / "calibrate.txt", ["calibrate", "--bundle", bundle, *fit, "--limit", FIT_IMAGES,
                                    "--threads", 1, "--json"])  # fmt: skip
    step(folder / "verify.txt", ["verify", "--bundle", bundle])
    for which in SETS:
        chosen = [camvid / "test", camvid / "testannot"]
        if which == "kitti":
            chosen = [root / "kitti" / "images", root / "kitti" / "labels"]
        step(folder / f"{which}.txt", [
            "evaluate", "--bundle", bundle, "--images", chosen[0], "--labels", chosen[1], "--void", VOID,
            "--threads", 1, "--no-report", "--overwrite", "--out", folder / which,
        ])  # fmt: skip
    if missing := missing_library():
        print(f"{name}: no plan is built: {missing}", flush=True)
    else:
        step(folder / "build.txt", ["build", "--bundle", bundle, "--backend", TENSORRT_RTX, "--compute-capability",
                                    GPU, "--out", folder / "plans"], may_refuse=True)  # fmt: skip
    if not (folder / "ms.txt").is_file():
        whole(folder / "ms.txt", f"{milliseconds(bundle / 'model.onnx'):.1f}\n")


def fit_folder(camvid: Path, out: Path) -> str:
    """IMAGES:LABELS of what is fitted on, copied to `out`."""
    images, labels = out / "images", out / "labels"
    for stem in split(camvid)[1]:
        for source, target in zip(files_of(camvid, stem), (images, labels), strict=True):
            target.mkdir(parents=True, exist_ok=True)
            if not (target / source.name).is_file():
                shutil.copyfile(source, target / source.name)
    return f"{images}:{labels}"


def missing_library() -> str:
    """Why no plan can be built here, whatever the network; empty where one can."""
    try:
        import_tensorrt(REGISTRY[TENSORRT_RTX].options["library"])
    except BackendError as error:
        return str(error)
    return ""


def step(record: Path, arguments: Sequence[object], *, may_refuse: bool = False) -> None:
    """Run a command of trustseg unless `record` holds its output already.

    With `may_refuse` a refusal is an answer, and is recorded with its exit code; else it ends the program.
    """
    if record.is_file():
        return
    print(f"{record.parent.name}: trustseg {arguments[0]}", flush=True)
    ran = subprocess.run([TRUSTSEG, *map(str, arguments)], capture_output=True, text=True, check=False)
    told = ran.stdout + ran.stderr
    if ran.returncode:
        told += f"exit code {ran.returncode}\n"
        if not (may_refuse and ran.returncode == REFUSED):
            sys.exit(f"trustseg {' '.join(map(str, arguments))}\n{told}")
    whole(record, told)


def whole(path: Path, text: str) -> None:
    """The file, all of it or none."""
    partial = path.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    partial.rename(path)


def milliseconds(model: Path) -> float:
    """Time of one core for an image, in the whole graph; processor time, so that other work counts little."""
    import numpy as np
    import onnxruntime
    from other_networks import SIZE

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    image = {"image": np.random.default_rng(0).integers(0, 256, (1, *SIZE, 3), np.uint8)}
    spent = []
    for _ in range(TIMED):
        began = time.process_time()
        session.run(None, image)
        spent.append(1e3 * (time.process_time() - began))
    return float(np.median(spent[2:]))


def tables(out: Path) -> Iterable[str]:
    """Markdown of every network that was judged."""
    found = {path.parent.name: path.parent for path in sorted(out.glob("*/ms.txt"))}
    for which in SETS:
        yield f"{which}:\n\n" + table(
            ["network", "mIoU", "right", "MCP: AUROC, FPR95, AUPR-Error, ECE", "published confidence: the same",
             "images failed", "verdict: AUROC"],
            [set_row(name, document(folder, which)) for name, folder in found.items()],
        )  # fmt: skip
    yield table(
        ["network", "file", "weights, M", "trained, s of one core", "ms of one core", "confidence", "RTX plan"],
        [network_row(name, folder) for name, folder in found.items()],
    )
    for which in SETS:
        yield f"{which}, errors flagged, precision / recall:\n\n" + table(
            ["network, score", "fixed at 0.5", "Otsu", "mean + deviation", "least sure tenth"],
            [row for name, folder in found.items() for row in threshold_rows(name, document(folder, which))],
        )


def document(folder: Path, which: str) -> dict[str, Any]:
    """metrics.json."""
    found: dict[str, Any] = json.loads((folder / which / "metrics.json").read_text(encoding="utf-8"))
    return found


def set_row(name: str, found: dict[str, Any]) -> list[str]:
    """How good masks, scores and verdict are on one set."""
    mask, image = found["segmentation"], found["image"]
    scores = [", ".join(percent(found["confidence"][score][key]) for key in PAPER) for score in ("mcp", "fused")]
    return [name, percent(mask["miou"]), percent(mask["accuracy"]), *scores, percent(image["prevalence"]),
            percent(image["auroc"])]  # fmt: skip


def network_row(name: str, folder: Path) -> list[str]:
    """What the network is, and what became of it."""
    import onnx
    import torch
    from onnx import numpy_helper

    weights = onnx.load(folder / "network.onnx").graph.initializer
    card = json.loads((folder / "bundle" / "card.json").read_text(encoding="utf-8"))["export"]["wrap"]
    outputs = card["network"]["outputs"]
    trained = torch.load(folder / "checkpoint.pt", weights_only=True)
    return [
        name, f"{outputs['kind']}, {outputs['layout']}, {outputs['height']}x{outputs['width']}",
        f"{sum(numpy_helper.to_array(each).size for each in weights) / 1e6:.1f}",
        f"{trained['cpu_s']:.0f} ({trained['step']} steps)", (folder / "ms.txt").read_text(encoding="utf-8").strip(),
        card["confidence"], plan_of(folder / "build.txt"),
    ]  # fmt: skip


def plan_of(record: Path) -> str:
    """What became of the plan, by the record of its building."""
    if not record.is_file():
        return "not tried"
    return "built" if "MB in" in record.read_text(encoding="utf-8") else "refused"


def threshold_rows(name: str, found: dict[str, Any]) -> list[list[str]]:
    """Precision and recall of wrong pixels over all images, by score."""
    return [
        [f"{name}, {title}", *(f"{percent(each['precision'])} / {percent(each['recall'])}" for each in
                               found["thresholds"]["all"][score].values())]
        for score, title in SCORES.items() if score in found["thresholds"]["all"]
    ]  # fmt: skip


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown."""
    lines = ["| " + " | ".join(each) + " |" for each in (heads, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(heads), *lines[1:]])


def percent(value: float | None) -> str:
    """A share, in percent."""
    return "-" if value is None else f"{100 * value:.1f}"


if __name__ == "__main__":
    sys.exit(main())
