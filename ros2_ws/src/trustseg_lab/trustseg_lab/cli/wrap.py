# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg wrap`: anybody's segmentation network becomes a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from trustseg.errors import InputError
from trustseg_lab.cli.export import size_of
from trustseg_lab.cli.extras import require


def wrap(
    model: Annotated[Path, typer.Argument(help="ONNX file whose output has one channel a class.")],
    classes: Annotated[Path, typer.Option(help="YAML with void and classes (id, name, color, is_foreground).")],
    out: Annotated[Path, typer.Option(help="Folder of the bundle, as engines/NAME.")],
    mean: Annotated[
        str | None, typer.Option(help="Of each channel, as 0.485,0.456,0.406: (pixel * scale - mean) / std.")
    ] = None,
    std: Annotated[str | None, typer.Option(help="Of each channel, as 0.229,0.224,0.225.")] = None,
    scale: Annotated[str, typer.Option(help="What a pixel, 0 to 255, is multiplied by first.")] = "1/255",
    color_order: Annotated[str, typer.Option(help="rgb or bgr: what the network was trained on.")] = "rgb",
    layout: Annotated[
        str | None,
        typer.Option(help="nchw or nhwc, where the shape leaves it open; INPUT:LOGITS where both do, as nchw:nhwc."),
    ] = None,
    input_size: Annotated[
        str | None, typer.Option(help="HEIGHTxWIDTH that the network was trained at, where the graph takes any.")
    ] = None,
    logits: Annotated[str | None, typer.Option(help="Tensor of the logits or probabilities, of several.")] = None,
    features: Annotated[
        str | None, typer.Option(help="Inner tensor that tells scenes apart. Default: the last of the coarsest maps.")
    ] = None,
    about: Annotated[
        Path | None, typer.Option(help="YAML with name, description and training {data, licence_note} of the card.")
    ] = None,
) -> None:
    """Make a bundle of an ONNX segmentation network: its softmax maximum is the confidence, until a head is fitted."""
    require("wrap", "", "onnx", "onnxruntime")
    from trustseg.bundle.card import Corridor
    from trustseg.bundle.loading import sha256_hex
    from trustseg_lab.data.class_list import load_classes
    from trustseg_lab.data.yaml_file import read_yaml
    from trustseg_lab.wrap.assemble import assemble
    from trustseg_lab.wrap.find_input import IMAGENET, LAYOUTS, PLAIN, Normalisation, three_numbers
    from trustseg_lab.wrap.network import Wanted, network_of
    from trustseg_lab.wrap.read_graph import read_graph
    from trustseg_lab.wrap.write_bundle import check_target, write_bundle

    console = Console(stderr=True, highlight=False)
    if color_order not in ("rgb", "bgr"):
        raise InputError("--color-order is wrong", expected="rgb or bgr", got=repr(color_order))
    layouts = (layout or "").split(":")
    if layout is not None and (len(layouts) > 2 or any(each not in LAYOUTS for each in layouts)):
        raise InputError("--layout is wrong", expected="nchw, nhwc, or INPUT:LOGITS as nchw:nhwc", got=repr(layout))
    listed, told = load_classes(classes), read_yaml(about) if about is not None else {}
    check_target(out)
    if mean is None or std is None:
        raise InputError(
            "how are pixels normalised? The graph does not say", expected=f"{IMAGENET}, or {PLAIN}, or your own"
        )
    normalisation = Normalisation(
        three_numbers(mean, "--mean"), three_numbers(std, "--std"), three_numbers(scale, "--scale")[0], color_order
    )
    wanted = Wanted(
        layouts[0] or None, layouts[1] if len(layouts) > 1 else None,
        None if input_size is None else size_of(input_size, "--input-size"), logits, features,
    )  # fmt: skip
    data = model.read_bytes() if model.is_file() else b""
    network = network_of(read_graph(model), len(listed.classes), wanted)
    graph = assemble(network, len(listed.classes), normalisation, Corridor().polygon)
    write_bundle(
        out, model=graph, network=network, normalisation=normalisation,
        classes=[each.model_dump(exclude={"sources"}) for each in listed.classes],
        source={"file": model.name, "sha256": sha256_hex(data)}, about=told, command=f"trustseg wrap {model.name}",
    )  # fmt: skip
    console.print(
        f"wrote {out}: a draft until `trustseg calibrate --bundle {out} --data IMAGES:LABELS:VOID`", soft_wrap=True
    )
