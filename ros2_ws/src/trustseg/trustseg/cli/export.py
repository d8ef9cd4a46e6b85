"""`trustseg export`: a fitted checkpoint becomes a bundle."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from trustseg.cli.extras import require
from trustseg.cli.train import packaged
from trustseg.errors import InputError

GOLDEN_SEED = 8_900  # a rendered scene that nothing was trained on


def export(
    checkpoint: Annotated[Path, typer.Option(help="fused.safetensors of `trustseg fit-confidence`.")],
    out: Annotated[Path, typer.Option(help="Folder of the bundle, as engines/NAME.")],
    about: Annotated[Path, typer.Option(help="YAML with name, description and training data of the card.")] = Path(
        "card_segnet_lite.yaml"
    ),
    golden: Annotated[
        Path | None, typer.Option(help="Image for the self-test, instead of a rendered scene (it is published).")
    ] = None,
    height: Annotated[int, typer.Option(min=32)] = 360,
    width: Annotated[int, typer.Option(min=32)] = 480,
    parity_images: Annotated[int, typer.Option(min=1, help="Rendered scenes for the parity gate.")] = 8,
    as_json: Annotated[bool, typer.Option("--json", help="Print the parity figures as JSON.")] = False,
) -> None:
    """Write model.onnx, golden image and card; refused when ONNX Runtime does not reproduce the network."""
    require("export", "train", "torch", "onnx", "onnxscript")
    import cv2
    import numpy as np

    from trustseg.scenes import random_frame
    from trustseg.training.export import ParityLimits, admit, build_graph, export_onnx, measure_parity
    from trustseg.training.write_bundle import write_bundle

    console = Console(stderr=True)
    size = (height, width)
    about = packaged(about)
    if not about.is_file():
        raise InputError(f"no such file: {about}", fix="give the card's YAML with --about")
    graph, classes, meta = build_graph(checkpoint, size)
    stem = graph.network.config.stem
    if height % stem or width % stem:
        raise InputError("network size", expected=f"multiples of {stem}", got=f"{height}x{width}")
    with console.status("exporting"):
        model = export_onnx(graph, size)
    with console.status("comparing with the network"):
        scenes = [random_frame(GOLDEN_SEED + i, size).image_rgb for i in range(parity_images)]
        parity = measure_parity(graph, model, scenes)
    admit(parity, ParityLimits())
    if golden is None:
        picture = scenes[0]
    else:
        read = cv2.imread(str(golden), cv2.IMREAD_COLOR)
        if read is None:
            raise InputError(f"{golden} cannot be read as an image")
        picture = np.asarray(cv2.cvtColor(cv2.resize(read, (width, height)), cv2.COLOR_BGR2RGB), np.uint8)
    card = write_bundle(
        out, model=model, classes=classes, embedding=graph.network.config.widths[-1], size=size, golden=picture,
        parity=parity, meta=meta, about=about,
    )  # fmt: skip
    console.print(
        f"wrote {out}: {len(model) / 1e6:.1f} MB, mask agreement {parity.mask_agreement:.6f}, confidence error "
        f"{parity.confidence_mean_abs:.4f} codes, feature drift {parity.features_rel:.6f} on {parity.images} images; "
        f"a draft until `trustseg calibrate --bundle {card.name}`",
        highlight=False, soft_wrap=True,
    )  # fmt: skip
    if as_json:
        sys.stdout.write(json.dumps(asdict(parity)) + "\n")
