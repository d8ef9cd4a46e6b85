# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg wrap`: anybody's segmentation network becomes a bundle."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from trustseg.cli.bars import Bars
from trustseg.cli.plain_console import PlainConsole
from trustseg.errors import InputError
from trustseg_lab.cli.extras import refuse_unused, require
from trustseg_lab.cli.image_size import parse_size
from trustseg_lab.cli.label_options import LABEL_FORMAT, LABEL_NAMES, say

if TYPE_CHECKING:
    from trustseg_lab.data.class_list import ClassList
    from trustseg_lab.wrap.find_input import Normalisation
    from trustseg_lab.wrap.find_normalisation import InnerNormalisation
    from trustseg_lab.wrap.labelled_check import Check
    from trustseg_lab.wrap.network import Network, Wanted

CHECKED = 12  # images


def wrap(
    model: Annotated[Path, typer.Argument(help="ONNX file whose output has one channel a class.")],
    classes: Annotated[
        Path, typer.Option(help="YAML with void and classes, in the order of the channels or with their regrouping.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the bundle, as engines/NAME.")],
    mean: Annotated[
        str | None, typer.Option(help="Of each channel, as 0.485,0.456,0.406: (pixel * scale - mean) / std.")
    ] = None,
    std: Annotated[str | None, typer.Option(help="Of each channel, as 0.229,0.224,0.225.")] = None,
    scale: Annotated[
        str | None, typer.Option(help="What a pixel, 0 to 255, is multiplied by first. Default: 1/255; 1 for uint8.")
    ] = None,
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
    check: Annotated[
        str | None,
        typer.Option(help="IMAGES:LABELS[:VOID]: is another normalisation or order of colours, or of classes, better?"),
    ] = None,
    label_names: Annotated[str, LABEL_NAMES] = "",
    label_format: Annotated[str, LABEL_FORMAT] = "auto",
    about: Annotated[
        Path | None, typer.Option(help="YAML with name, description and training {data, licence_note} of the card.")
    ] = None,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace a wrapped bundle in --out that is fitted, calibrated or another."),
    ] = False,
) -> int:
    """Make a bundle of an ONNX segmentation network: its softmax maximum is the confidence, until a head is fitted.

    Exit code 1: the bundle was written, and --check found a better normalisation or order of colours.
    """
    options = dict(locals())
    require("wrap", "", "onnx", "onnxruntime")
    from trustseg.bundle.card import Corridor
    from trustseg.bundle.loading import sha256_hex
    from trustseg_lab.cli.tables.wrap_tables import print_check, print_reading
    from trustseg_lab.data.about_file import read_about
    from trustseg_lab.data.class_list import load_classes
    from trustseg_lab.wrap.find_normalisation import find_normalisation
    from trustseg_lab.wrap.graph.assemble import assemble
    from trustseg_lab.wrap.labelled_check import mistaken, options_of
    from trustseg_lab.wrap.network import INPUT, network_of
    from trustseg_lab.wrap.read_graph import read_graph
    from trustseg_lab.wrap.write_bundle import check_target, write_bundle

    if check is None:
        refuse_unused(wrap, options, "label_names label_format", "without --check")
    console = PlainConsole(stderr=True)
    if color_order not in ("rgb", "bgr"):
        raise InputError("--color-order is wrong", expected="rgb or bgr", got=repr(color_order))
    wanted = _wanted(layout, input_size, logits, features)
    given = _given(mean, std, scale, color_order)
    listed, told = load_classes(classes), read_about(about) if about is not None else {}
    graph, source = read_graph(model), {"file": model.name, "sha256": sha256_hex(model.read_bytes())}
    check_target(out, told.get("name"), source["sha256"], overwrite=overwrite)
    network = network_of(graph, listed, wanted)
    inside = find_normalisation(network.model, INPUT)
    takes_bytes = network.input.kind == "uint8"
    if given is not None:
        normalisation: Normalisation | None = replace(given, scale=1.0) if takes_bytes and scale is None else given
    elif inside is not None:
        normalisation = inside.outside(color_order, network.input.kind)
    else:
        normalisation = _given("0", "1", "1", color_order) if takes_bytes else None
    names = [each.name for each in listed.classes]
    checked = None if check is None else _checked(
        network, listed, normalisation, check, (label_names, label_format), inside is not None and given is None,
        console,
    )  # fmt: skip
    if checked is not None:
        print_check(console, checked, names)
    if normalisation is None:
        raise _unsaid(inside, checked)
    wrapped = assemble(network, len(names), normalisation, Corridor().polygon)
    with console.status("writing"):
        write_bundle(
            out, model=wrapped, network=network, normalisation=normalisation,
            classes=[each.model_dump(exclude={"sources"}) for each in listed.classes],
            source=source, about=told,
            command=f"trustseg wrap {model.name} {options_of(normalisation)}",
        )  # fmt: skip
    print_reading(console, network, wanted, normalisation, inside, given is not None)
    console.print(
        f"wrote {out}: a draft until `trustseg calibrate --bundle {out} --data IMAGES:LABELS:VOID`", soft_wrap=True
    )
    if checked is None:
        return 0
    problem = checked.problem()
    lines = [] if problem else mistaken(checked.guesses[0], names)
    for line in [problem] if problem else [f"{each}; are classes in the channels' order?" for each in lines]:
        console.print(f"trustseg: {line}", style="yellow", soft_wrap=True)
    return 1 if problem else 0


def _wanted(layout: str | None, input_size: str | None, logits: str | None, features: str | None) -> Wanted:
    from trustseg_lab.wrap.find_input import LAYOUTS
    from trustseg_lab.wrap.network import Wanted

    layouts = [] if layout is None else layout.split(":")
    if len(layouts) > 2 or any(each not in LAYOUTS for each in layouts):
        raise InputError("--layout is wrong", expected="nchw, nhwc, or INPUT:LOGITS as nchw:nhwc", got=repr(layout))
    size = None if input_size is None else parse_size(input_size, "--input-size")
    first, second = (*layouts, None, None)[:2]
    return Wanted(first, second, size, logits, features)


def _given(mean: str | None, std: str | None, scale: str | None, color_order: str) -> Normalisation | None:
    """What the options say; None where they say nothing."""
    from trustseg_lab.wrap.find_input import Normalisation, one_number, three_numbers

    if mean is None and std is None and scale is None:
        return None
    spread = three_numbers("1" if std is None else std, "--std")
    if not all(each > 0 for each in spread):
        raise InputError("--std is wrong", expected="numbers above 0", got=repr(std))
    factor = one_number("1/255" if scale is None else scale, "--scale")
    normalisation = Normalisation(three_numbers("0" if mean is None else mean, "--mean"), spread, factor, color_order)
    normalisation.check()
    return normalisation


def _unsaid(inside: InnerNormalisation | None, checked: Check | None) -> InputError:
    """What to ask where neither graph nor options say how pixels are normalised."""
    from trustseg_lab.wrap.find_input import BYTES, IMAGENET, PLAIN
    from trustseg_lab.wrap.labelled_check import options_of

    what, expected = "how are pixels normalised? The graph does not say", f"{IMAGENET}, or {PLAIN}, or your own"
    if inside is not None:
        what = f"does the network take pixels as 0 to 255 or as 0 to 1? Its {', '.join(inside.operators)} do not tell"
        expected = f"{BYTES}, or {PLAIN}"
    best = "" if checked is None else f"{options_of(checked.best.normalisation)} did best on the images of --check"
    return InputError(what, expected=expected, fix=best or "--check IMAGES:LABELS:VOID tries the usual ones")


def _checked(
    network: Network, listed: ClassList, given: Normalisation | None, data: str, labels: tuple[str, str],
    inside: bool, console: Console,
) -> Check:  # fmt: skip
    from trustseg_lab.calibrate.collect_views import LabelledFolder, chosen
    from trustseg_lab.data import LabelNames
    from trustseg_lab.data.find_labels import LabelWish
    from trustseg_lab.data.formats.catalogue import IDS, FormatOption
    from trustseg_lab.data.labelled_images import read_pair
    from trustseg_lab.wrap.labelled_check import check, guesses_of

    names = LabelNames.parse(labels[0]) if labels[0] else None
    option = FormatOption.parse(labels[1])
    # Plain ids are those of the own classes, whatever these are made of; but where they are asked for as ids.
    wish = LabelWish(option, listed, names, plain=None if option.name == IDS else listed.as_set)
    folder, told = LabelledFolder.parse(data, seen=False, names=names).read_as(wish)
    say(told, console)
    pairs = chosen(folder.pairs(), CHECKED)
    images = [read_pair(pair, len(listed.classes), folder.void) for pair in pairs]
    with Bars(console) as progress:
        task = progress.add_task("trying normalisations", total=len(images))
        guesses = guesses_of(given, inside)
        return check(network, len(listed.classes), guesses, images, folder.void, lambda: progress.advance(task))
