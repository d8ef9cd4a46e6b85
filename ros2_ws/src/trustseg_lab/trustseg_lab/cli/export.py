# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg export`: a fitted checkpoint becomes a bundle."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from trustseg.cli.bars import Bars
from trustseg.cli.plain_console import PlainConsole
from trustseg.errors import InputError
from trustseg.files.json_document import print_json
from trustseg_lab.cli.extras import refuse_unused, require
from trustseg_lab.cli.image_size import parse_size
from trustseg_lab.cli.train import packaged

if TYPE_CHECKING:
    from trustseg_lab.precision.sensitivity import Selection

OF_A_CHECKPOINT = "about golden input_size compact overwrite"
GOLDEN_SEED = 8_900  # the first of the rendered scenes that nothing was trained on


def export(
    checkpoint: Annotated[
        Path | None, typer.Option(help="fused.safetensors of `trustseg fit-confidence`: makes the bundle (fp32).")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the bundle, as engines/NAME. With --bundle: default its own folder.")
    ] = None,
    bundle: Annotated[
        str | None,
        typer.Option(
            help="Bundle, a folder or a name, that gets another --precision; with fp32 its graph is written anew from "
            "its own weights."
        ),
    ] = None,
    precision: Annotated[str, typer.Option(help="fp32, or fp16 or int8 (from a bundle).")] = "fp32",
    images: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of images for int8 ranges and the parity gate; else rendered scenes. Repeatable."),
    ] = None,
    calibration_images: Annotated[int, typer.Option(min=2, help="Images for int8 ranges.")] = 32,
    layers: Annotated[
        list[str] | None,
        typer.Option(help="With int8: layers that may be of it, as decoder.*; default: all. Repeatable."),
    ] = None,
    about: Annotated[Path, typer.Option(help="YAML with name, description and training data of the card.")] = Path(
        "card_segnet_lite_closed.yaml"
    ),
    golden: Annotated[
        Path | None, typer.Option(help="Image for the self-test, instead of a rendered scene (it is published).")
    ] = None,
    input_size: Annotated[
        str, typer.Option(help="Network input HEIGHTxWIDTH, pixels; of a checkpoint, to be calibrated afterwards.")
    ] = "360x480",
    camera_size: Annotated[
        str | None,
        typer.Option(help="HEIGHTxWIDTH of a camera: the graph makes its images smaller itself. With --bundle, --out."),
    ] = None,
    cameras: Annotated[int, typer.Option(min=1, max=16, help="Images that one call takes. With --bundle, --out.")] = 1,
    parity_images: Annotated[int, typer.Option(min=1, help="Images for the parity gate.")] = 8,
    compact: Annotated[
        bool,
        typer.Option(
            "--compact", help="Keep the weights in eight bits, no checkpoint beside them: a quarter of the size."
        ),
    ] = False,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="With --checkpoint: replace a bundle in --out that is calibrated or another."),
    ] = False,
    share: Annotated[
        list[str] | None,
        typer.Option(
            help="With --bundle: leave out of its graphs the weights that this bundle holds too; it must lie beside "
            "it, or be found by its name. Repeatable."
        ),
    ] = None,
    whole: Annotated[
        bool,
        typer.Option("--whole", help="With --bundle: put such weights in again, so that it needs no other bundle."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the parity metrics as JSON.")] = False,
) -> None:
    """Write model.onnx, golden image and card; refused when ONNX Runtime does not reproduce the network.

    With --bundle and --precision fp16 or int8 it adds that precision to a bundle, refused when it is too far from fp32.
    """
    given = dict(locals())
    if share or whole:
        if bundle is None or (share and whole):
            raise InputError("weights are shared by a bundle", expected="--bundle NAME with --share OTHER or --whole")
        unused = (
            f"{OF_A_CHECKPOINT} checkpoint precision images calibration_images layers camera_size cameras parity_images"
        )
        refuse_unused(export, given, unused, "with --share or --whole")
        _share(bundle, share or [], out, as_json)
        return
    if camera_size is not None or cameras > 1:
        if bundle is None or out is None or checkpoint is not None or precision != "fp32":
            raise InputError(
                "a form for a camera is made of a whole bundle, every precision of it",
                expected="--bundle NAME --out engines/OTHER with --camera-size or --cameras, and nothing else",
            )
        refuse_unused(export, given, f"{OF_A_CHECKPOINT} calibration_images layers", "with --camera-size or --cameras")
        camera = None if camera_size is None else parse_size(camera_size, "--camera-size")
        _camera_form(bundle, out, camera, cameras, images or [], parity_images, as_json)
        return
    if precision != "fp32":
        if bundle is None or checkpoint is not None:
            raise InputError(
                f"--precision {precision} is made from a bundle's own fp32 graph", expected="--bundle NAME",
                fix="export the checkpoint in fp32 first",
            )  # fmt: skip
        refuse_unused(export, given, OF_A_CHECKPOINT, f"with --precision {precision}")
        if precision != "int8":
            refuse_unused(export, given, "calibration_images layers", f"with --precision {precision}")
        _add_precision(bundle, precision, out, images or [], calibration_images, parity_images, layers or [], as_json)
        return
    if bundle is not None and checkpoint is None:
        unused = f"{OF_A_CHECKPOINT} images calibration_images layers"
        refuse_unused(export, given, unused, "with --bundle and the precision fp32")
        _rewrite(bundle, out, parity_images, as_json)
        return
    if checkpoint is None or out is None or bundle is not None:
        raise InputError("an fp32 bundle is made from a checkpoint", expected="--checkpoint FILE --out engines/NAME")
    refuse_unused(export, given, "images calibration_images layers", "with --checkpoint")
    size = parse_size(input_size, "--input-size")
    _export_checkpoint(checkpoint, out, about, golden, size, parity_images, compact, overwrite, as_json)


def _share(name: str, others: list[str], out: Path | None, as_json: bool) -> None:
    require("export", "", "onnx")
    from trustseg.bundle.loading import load_bundle
    from trustseg_lab.precision.add import check_copy
    from trustseg_lab.precision.share_weights import share_weights

    loaded = load_bundle(name, draft=True)
    target = out or loaded.path
    check_copy(loaded, target)
    card, sizes = share_weights(loaded, [load_bundle(each, draft=True) for each in others], target)
    for precision, size in sizes.items():
        ref = card.models[precision]
        needed = ", ".join(each.bundle for each in ref.shared)
        PlainConsole(stderr=True).print(
            f"wrote {target / ref.file}: {size / 1e6:.1f} of {ref.size_bytes / 1e6:.1f} MB"
            + (f"; the rest comes from {needed}" if needed else ""),
            highlight=False, soft_wrap=True,
        )  # fmt: skip
    if as_json:
        print_json({"bytes": sizes})


def _export_checkpoint(
    checkpoint: Path,
    out: Path,
    about: Path,
    golden: Path | None,
    size: tuple[int, int],
    parity_images: int,
    compact: bool,
    overwrite: bool,
    as_json: bool,
) -> None:
    require("export", "train", "torch", "onnx", "onnxscript")
    import cv2
    import numpy as np
    import onnx

    from trustseg.imaging.resize import network_image
    from trustseg.imaging.stored_image import read_image
    from trustseg_lab.network.pair import SegNetPair
    from trustseg_lab.precision.compact import compact as compacted
    from trustseg_lab.precision.golden_files import best_golden
    from trustseg_lab.scenes import scene_for_network
    from trustseg_lab.training.export import checkpoint_to_graph as exporting
    from trustseg_lab.training.export.bundle_target import check_bundle_target
    from trustseg_lab.training.export.checkpoint_to_graph import (
        ParityLimits,
        admit,
        build_graph,
        export_onnx,
        measure_parity,
    )
    from trustseg_lab.training.export.write_bundle import write_bundle

    console = PlainConsole(stderr=True)
    height, width = size
    about = packaged(about)
    if not about.is_file():
        raise InputError(f"no such file: {about}", fix="give the card's YAML with --about")
    check_bundle_target(out, about, checkpoint, compact=compact, overwrite=overwrite)
    graph, classes, meta = build_graph(checkpoint, size)
    if height % graph.stride or width % graph.stride:
        raise InputError("network size", expected=f"multiples of {graph.stride}", got=f"{height}x{width}")
    with console.status("exporting"):
        if compact:
            exporting.keep_in_eight_bits(graph)
        model = export_onnx(graph, size)
        if compact:
            model = bytes(compacted(onnx.load_from_string(model)).SerializeToString())
    with console.status("comparing with the network"):
        scenes = [scene_for_network(GOLDEN_SEED + i, size) for i in range(parity_images)]
        parity = measure_parity(graph, model, scenes)
    admit(parity, ParityLimits())
    if golden is None:
        picture = best_golden(model, scenes, len(classes.classes))
    else:
        read = read_image(golden, cv2.IMREAD_COLOR)
        if read is None:
            raise InputError(f"{golden} cannot be read as an image")
        picture = network_image(np.asarray(read, np.uint8), (height, width), "bgr", "rgb")
    card = write_bundle(
        out, model=model, classes=classes, embedding=graph.network.config.embedding,
        pair=isinstance(graph.network, SegNetPair), size=size, golden=picture,
        parity=parity, meta=meta, about=about, weights=None if compact else checkpoint.read_bytes(),
        unknown=(height // graph.stride, width // graph.stride) if graph.network.config.unknown else None,
    )  # fmt: skip
    console.print(
        f"wrote {out}: {len(model) / 1e6:.1f} MB, mask agreement {parity.mask_agreement:.6f}, confidence error "
        f"{parity.confidence_mean_abs:.4f} codes, feature drift {parity.features_rel:.6f} on {parity.images} images; "
        f"a draft until `trustseg calibrate --bundle {card.name}`",
        highlight=False, soft_wrap=True,
    )  # fmt: skip
    if as_json:
        print_json(asdict(parity))


def _camera_form(
    name: str, out: Path, camera: tuple[int, int] | None, cameras: int, folders: list[Path], parity_images: int,
    as_json: bool,
) -> None:  # fmt: skip
    require("export", "", "onnx")
    from trustseg.bundle.loading import load_bundle
    from trustseg_lab.precision.camera_form import CameraForm, check_target, draft_until, write_camera_form
    from trustseg_lab.precision.images import folder_images, rendered_images

    console = PlainConsole(stderr=True)
    loaded = load_bundle(name, draft=True)
    check_target(loaded, out)
    size, order, count = camera or loaded.card.size, loaded.card.input.color_order, max(parity_images, cameras)
    if folders:
        pictures = [each for folder in folders for each in folder_images(folder, count, size, order)]
    else:
        with console.status("rendering"):
            pictures = rendered_images(count, size, order)
    with Bars(console) as progress:
        task = progress.add_task("compare", total=len(loaded.card.models))
        card, parity = write_camera_form(
            loaded, out, CameraForm(camera, cameras), [each.image for each in pictures], lambda: progress.advance(task)
        )
    for precision, found in parity.items():
        ready = precision in card.calibration
        console.print(
            f"{precision}: mask agreement {found.mask_agreement:.4f} with one image that OpenCV resized, "
            f"confidence error {found.confidence_mean_abs:.3f} codes; "
            + ("calibration and verdict carried over" if ready else draft_until(card, precision)),
            soft_wrap=True,
        )  # fmt: skip
    console.print(f"wrote {out}", soft_wrap=True)
    if as_json:
        print_json({precision: asdict(found) for precision, found in parity.items()})


def _rewrite(name: str, out: Path | None, parity_images: int, as_json: bool) -> None:
    require("export", "train", "torch", "onnx", "onnxscript")
    from trustseg.bundle.loading import load_bundle
    from trustseg_lab.precision.add import check_copy, copied_bundle
    from trustseg_lab.precision.images import rendered_images
    from trustseg_lab.training.export.rewrite_graph import rewrite_graph, weights_of

    console = PlainConsole(stderr=True)
    loaded = load_bundle(name, draft=True)
    weights_of(loaded)
    check_copy(loaded, out or loaded.path, "fp32")
    target = copied_bundle(loaded, out or loaded.path)
    with console.status("exporting"):
        pictures = rendered_images(parity_images, loaded.card.size, loaded.card.input.color_order)
        card, parity = rewrite_graph(target, [each.image for each in pictures])
    gone = sorted(set(loaded.card.models) - set(card.models))
    console.print(
        f"wrote {target.path}: the graph anew, mask agreement with the network {parity.mask_agreement:.6f}; "
        f"calibration and verdict carried over{'; make again: ' + ', '.join(gone) if gone else ''}",
        soft_wrap=True,
    )  # fmt: skip
    if as_json:
        print_json(asdict(parity))


def _add_precision(
    name: str, precision: str, out: Path | None, folders: list[Path], calibration_count: int, parity_count: int,
    names: list[str], as_json: bool,
) -> None:  # fmt: skip
    require("export", "", "onnx")
    import onnx

    from trustseg.backends.tensorrt.trunk import find_trunk
    from trustseg.bundle.loading import load_bundle
    from trustseg_lab.precision.add import (
        PRECISIONS,
        build_precision,
        check_copy,
        named_layers,
        steps_of,
        write_precision,
    )
    from trustseg_lab.precision.images import folder_images, rendered_images

    if precision not in PRECISIONS:
        raise InputError("no such precision", expected="fp32, " + ", ".join(PRECISIONS), got=repr(precision))
    console = PlainConsole(stderr=True)
    loaded = load_bundle(name, draft=True)
    check_copy(loaded, out or loaded.path, precision)
    layers = len(named_layers(find_trunk(onnx.load_from_string(loaded.model_bytes("fp32"))), names).layers)
    size, order = loaded.card.size, loaded.card.input.color_order
    wanted = calibration_count if precision == "int8" else 0
    pictures = []
    if folders:
        each = -(-(wanted + parity_count) // len(folders))
        pictures = [picture for folder in folders for picture in folder_images(folder, each, size, order)]
    else:
        with console.status("rendering"):
            pictures = rendered_images(wanted + parity_count, size, order)
    # The gate's pictures are spread over all of them, and nothing is chosen on those.
    step = max(1, len(pictures) // parity_count)
    parity = pictures[step // 2 :: step][:parity_count] if wanted else pictures
    calibration = [picture for picture in pictures if picture not in parity] if wanted else []
    if wanted and len(calibration) < 2:
        raise InputError("too few images for int8", expected=f"{parity_count + 2} or more", got=str(len(pictures)))
    with Bars(console) as progress:
        task = progress.add_task(precision, total=steps_of(precision, layers, len(calibration), len(parity)))
        built = build_precision(loaded, precision, calibration, parity, lambda: progress.advance(task), names)
    card, written = write_precision(loaded, out or loaded.path, built, calibration)
    if built.selection is not None:
        _print_layers(built.selection)
    found = built.parity
    ready = precision in card.calibration
    console.print(
        f"wrote {', '.join(str(path) for path in written)}: {len(built.model) / 1e6:.1f} MB; against fp32 on "
        f"{found.images} images: mask agreement {found.mask_agreement:.4f} (worst {found.worst_mask_agreement:.4f}), "
        f"confidence error {found.confidence_mean_abs:.3f} codes, feature drift {found.features_rel:.5f}; "
        + ("calibration and verdict carried over from fp32" if ready else
           f"a draft until `trustseg calibrate --bundle {card.name} --precision {precision}`"),
        soft_wrap=True,
    )  # fmt: skip
    if as_json:
        print_json(asdict(found))


def _print_layers(selection: Selection) -> None:
    table = Table(title="int8 in one layer alone, against fp32", title_justify="left")
    for heading in ("layer", "GMAC", "mask agreement", "confidence error", "feature drift", "int8"):
        table.add_column(heading, justify="left" if heading in ("layer", "int8") else "right")
    for each in selection.layers:
        table.add_row(
            each.layer.name, f"{each.layer.gmac:.3f}", f"{each.alone.mask_agreement:.5f}",
            f"{each.alone.confidence_mean_abs:.3f}", f"{each.alone.features_rel:.5f}", "yes" if each.taken else "no",
        )  # fmt: skip
    console = PlainConsole(stderr=True)
    console.print(table)
    console.print(f"{len(selection.taken)} of {len(selection.layers)} layers, {selection.gmac_share:.0%} of the GMAC")
