# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Adds a precision to a bundle: the graph made from the bundle's own fp32 one, gated against it, then bound by hash."""

from __future__ import annotations

import datetime
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from trustseg.backends.tensorrt.lint import refuse_unportable
from trustseg.backends.tensorrt.trunk import Trunk, find_trunk
from trustseg.bundle.card import Card, Tolerances
from trustseg.bundle.loading import Bundle, load_bundle, sha256_hex
from trustseg.bundle.writer import (
    CARD_FILE,
    BundleEdit,
    calibration_folder,
    check_tables,
    put_calibration,
    put_verdict,
    table_name,
)
from trustseg.errors import BundleError, ParityError
from trustseg_lab.precision.bundle_folder import UNTOUCHED, bundle_name, holds_no_bundle, is_free
from trustseg_lab.precision.compact import expand
from trustseg_lab.precision.golden_files import stored_outputs
from trustseg_lab.precision.half import rounded_copy, to_half
from trustseg_lab.precision.images import ReferencedImage
from trustseg_lab.precision.network_images import refuse_camera_form
from trustseg_lab.precision.parity import LIMITS, PrecisionParity, beyond, compare, run_all, tightened
from trustseg_lab.precision.qdq import activation_of, quantize
from trustseg_lab.precision.ranges import PERCENTILE, collect_ranges
from trustseg_lab.precision.sensitivity import Selection, rounds_of, select_layers

PRECISIONS = ("fp16", "int8")
SELECTION_MARGIN = 0.7  # of the gate: what the chosen layers may use of it on the pictures they are chosen on
SENSITIVITY_IMAGES = 6  # layers are ranked on so many of the calibration images, evenly spread


@dataclass(frozen=True)
class BuiltPrecision:
    """A graph in another precision that has passed its gate.

    Attributes:
        precision: "fp16" or "int8". model: serialised ONNX.
        parity: against fp32, on pictures that nothing of it was chosen on.
        selection: layers in int8, None for fp16. ranges: activation ranges, empty for fp16.
    """

    precision: str
    model: bytes
    parity: PrecisionParity
    selection: Selection | None
    ranges: dict[str, float]


def steps_of(precision: str, layers: int, calibration: int, parity: int) -> int:
    """Steps that `build_precision` reports, at most."""
    return 2 * parity + (2 * calibration + rounds_of(layers) if precision == "int8" else 0)


def build_precision(
    bundle: Bundle, precision: str, calibration: Sequence[ReferencedImage], parity: Sequence[ReferencedImage],
    step: Callable[[], None] = lambda: None, layers: Sequence[str] = (),
) -> BuiltPrecision:  # fmt: skip
    """Make and gate the graph.

    Args:
        bundle: with an fp32 graph. precision: one of PRECISIONS.
        calibration: pictures for ranges and sensitivity (int8). parity: other pictures, for the gate.
        layers: names, with * and ?, of the layers that may compute in int8; empty: all.

    Raises:
        ParityError: no such precision or layer, TensorRT would not take the graph, or it is too far from fp32.
    """
    if precision not in PRECISIONS:
        raise ParityError("no such precision", expected=" or ".join(PRECISIONS), got=repr(precision))
    source = bundle.model_bytes("fp32")
    model = expand(onnx.load_from_string(source))
    selection: Selection | None = None
    ranges: dict[str, float] = {}
    if precision == "fp16":
        made, measured = to_half(model), rounded_copy(model)
    else:
        trunk = named_layers(find_trunk(model), layers)
        pictures = [each.image for each in calibration]
        ranges = collect_ranges(model, [activation_of(model, layer) for layer in trunk.layers], pictures, step=step)
        # Other pictures judge the result: what is chosen here must not live on its last pixel.
        limits = tightened(LIMITS[precision], SELECTION_MARGIN)
        spread = np.unique(
            np.linspace(0, len(pictures) - 1, min(SENSITIVITY_IMAGES, len(pictures))).round().astype(int)
        )
        selection = select_layers(model, trunk, ranges, [pictures[i] for i in spread], limits, step)
        if not selection.taken:
            raise ParityError(f"no layer of bundle {bundle.card.name} bears int8", fix="use fp16 or fp32")
        made = quantize(model, selection.taken, ranges)
        measured = made
    refuse_unportable(made)
    images = [each.image for each in parity]
    reference = run_all(source, images, step=step)
    found = compare(reference, run_all(measured.SerializeToString(), images, exact=precision == "fp16", step=step))
    problem = beyond(found, LIMITS[precision])
    if problem:
        raise ParityError(f"the {precision} graph is too far from fp32", got=problem, fix="nothing was written")
    return BuiltPrecision(precision, bytes(made.SerializeToString()), found, selection, ranges)


def named_layers(trunk: Trunk, names: Sequence[str]) -> Trunk:
    """The trunk with the layers alone whose name fits one of `names` (with * and ?); all where none is given.

    Engines round a chain of int8 layers differently: where a feature hangs on many of them, each may leave the golden
    image's tolerances in its own way though every layer bears int8.

    Raises:
        ParityError: a name fits no layer.
    """
    for name in names:
        if not any(fnmatchcase(layer.name, name) for layer in trunk.layers):
            raise ParityError(
                "no such layer", expected=", ".join(layer.name for layer in trunk.layers), got=name,
                fix="take a name of these, or part of one with *, as decoder.*",
            )  # fmt: skip
    kept = [each for each in trunk.layers if not names or any(fnmatchcase(each.name, name) for name in names)]
    return replace(trunk, layers=tuple(kept))


def write_precision(
    bundle: Bundle, out: Path, built: BuiltPrecision, calibration: Sequence[ReferencedImage]
) -> tuple[Card, list[Path]]:
    """Write the graph, its golden output and, last, the card into the bundle's folder `out`.

    Where the precision lies within the card's own tolerances of fp32, calibration and verdict are carried over, with
    that said in their provenance; else it is a draft until `trustseg calibrate --precision` has fitted its own.

    Args:
        out: the bundle's own folder, or another one, which becomes a copy with the precision added.

    Raises:
        BundleError, InputError: as `copied_bundle`. InputError: a file cannot be written, or another bundle has it too.
    """
    target = copied_bundle(bundle, out)
    precision, card, edit = built.precision, target.card.model_dump(mode="json"), BundleEdit(target.path)
    ref = edit.put(f"model_{precision}.onnx", built.model)
    expected = edit.put(f"golden_{precision}.npz", golden_output(built.model, target))
    tolerances = target.card.golden.tolerances
    card["models"][precision] = {
        **ref, "size_bytes": len(built.model), "expected": {**expected, "tolerances": tolerances.model_dump()},
    }  # fmt: skip
    told: dict[str, Any] = {
        "source_sha256": bundle.model("fp32").sha256, "onnx": onnx.__version__, "parity": asdict(built.parity),
        "limits": asdict(LIMITS[precision]), "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"),
    }  # fmt: skip
    if built.selection is not None:
        told["calibration_images"] = edit.put_calibration(
            record_name(target.card.name), _record(target, built, calibration)
        )
        told["layers_in_int8"] = [layer.name for layer in built.selection.taken]
        told["gmac_share_in_int8"] = round(built.selection.gmac_share, 4)
    card["export"][precision] = told
    for part in ("calibration", "verdicts"):
        card[part].pop(precision, None)  # of an earlier graph of this precision
    if within(built.parity, tolerances) and target.card.verdict and "fp32" in target.card.calibration:
        carry_over(bundle, "fp32", edit, card, precision, "within the card's tolerances of fp32", asdict(built.parity))
    return edit.finish(card), edit.written


def check_copy(bundle: Bundle, out: Path, precision: str | None = None) -> None:
    """Whether `bundle` may be written to `out`, its own folder or another one: asked before anything is computed.

    Args:
        precision: the one that is made for it, tables included; None where it is only copied.

    Raises:
        BundleError: `out` holds another bundle, or a precision is made for one kind of camera.
        InputError: `out` holds something else, or can give a bundle no name; or the card of another bundle beside it
            names the tables that would be written.
    """
    if precision is not None:
        refuse_camera_form(
            bundle.card, fix="make the precision for the bundle that it was made from, then export this form again"
        )
    out, there = out.resolve(), bundle
    if out != bundle.path:
        if not (out / CARD_FILE).is_file():
            if not is_free(out):
                raise holds_no_bundle(out)
            name = bundle_name(out)
            made = {*bundle.card.calibration, *([] if precision is None else [precision])}
            check_tables(out, record_name(name), *(table_name(name, each) for each in sorted(made)))
            return
        there = load_bundle(out, draft=True)
        mine, theirs = (each.card.models.get("fp32") for each in (bundle, there))
        # The graph counts and not what its file holds of it.
        if mine is None or theirs is None or mine.sha256 != theirs.sha256:
            raise BundleError(f"{out} holds another bundle", fix=UNTOUCHED)
    if precision is not None:
        name = there.card.name
        check_tables(there.path, table_name(name, precision), *([record_name(name)] if precision == "int8" else []))


def copied_bundle(bundle: Bundle, out: Path) -> Bundle:
    """The bundle in `out`, which is made as a copy when it is another folder than the bundle's own.

    A copy is called as its folder, and has calibration files of its own under that name.

    Raises:
        BundleError, InputError: as `check_copy`, or a file of the bundle is not as its card says.
    """
    check_copy(bundle, out)
    out = out.resolve()
    if out == bundle.path:
        return bundle
    if (out / CARD_FILE).is_file():
        return load_bundle(out, draft=True)
    card, edit = bundle.card.model_dump(mode="json") | {"name": bundle_name(out)}, BundleEdit(out)
    names = {bundle.card.golden.image, bundle.card.golden.expected}
    names |= {ref.file for ref in bundle.card.models.values()}
    names |= {ref.expected.file for ref in bundle.card.models.values() if ref.expected}
    names |= {ref.file for ref in [bundle.card.verdict, *bundle.card.verdicts.values()] if ref}
    names |= {each.name for each in bundle.path.glob("*.safetensors")}
    tables = {precision: bundle.calibration(precision) for precision in bundle.card.calibration}
    for name in sorted(names):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(bundle.path / name, out / name)
    for precision, table in tables.items():
        put_calibration(edit, card, precision, table.model_copy(update={"bundle": card["name"]}))
    put_own_record(bundle, edit, card)
    edit.finish(card)
    return load_bundle(out, draft=True)


def put_own_record(source: Bundle, edit: BundleEdit, card: dict[str, Any]) -> None:
    """Write what the int8 graph of `source` was made with for the bundle of `card`, which has that graph too.

    Where it is not there any more, or not as the source's card says, `card` names none.
    """
    for told in card["export"].values():
        ref = told.pop("calibration_images", None) if isinstance(told, dict) else None
        record = None if ref is None else _recorded(calibration_folder(source) / ref["file"], ref["sha256"])
        if record is not None:
            name = record_name(card["name"])
            told["calibration_images"] = edit.put_calibration(name, record | {"bundle": card["name"]})


def record_name(bundle: str) -> str:
    """Where in the folder of calibrations it lies what the int8 graph of a bundle of that name was made with."""
    return f"int8/{bundle}.json"


def _recorded(path: Path, sha256: str) -> dict[str, Any] | None:
    try:
        data = path.read_bytes()
    except OSError:
        return None
    return dict(json.loads(data)) if sha256_hex(data) == sha256 else None


def golden_output(model: bytes, bundle: Bundle) -> bytes:
    """What `model` gives for the bundle's golden image, as the bytes of an npz."""
    from trustseg.backends import load_golden

    (outputs,) = run_all(model, [load_golden(bundle).image])
    return stored_outputs(outputs)


def within(parity: PrecisionParity, limits: Tolerances) -> bool:
    """Whether a backend that computes fp32 might differ as much: then what was fitted on fp32 holds here too."""
    return (
        parity.worst_mask_agreement >= limits.mask_agreement
        and max(parity.confidence_mean_abs, parity.unknown_mean_abs) <= limits.confidence_mean_abs
        and parity.features_worst <= limits.features_rel
    )


def carry_over(
    source: Bundle, source_precision: str, edit: BundleEdit, card: dict[str, Any], precision: str, because: str,
    parity: dict[str, Any],
) -> None:  # fmt: skip
    """Bind what was fitted on a graph of `source` to the one that `card` names for `precision`, and say why."""
    sha256 = card["models"][precision]["sha256"]
    told = {
        "carried_over_from": source_precision, "model_sha256": source.model(source_precision).sha256,
        "because": because, "parity": parity,
    }  # fmt: skip
    table, verdict = source.calibration(source_precision), source.verdict(source_precision)
    of_table, of_verdict = (dict(each.provenance) for each in (table, verdict))
    for each in (of_table, of_verdict):
        told_before = each.pop("carried_over", None)
        each["carried_over"] = [*(told_before or []), told]
    put_calibration(edit, card, precision, table.model_copy(
        update={"bundle": card["name"], "precision": precision, "model_sha256": sha256, "provenance": of_table}
    ))  # fmt: skip
    put_verdict(edit, card, precision, verdict.model_copy(update={"model_sha256": sha256, "provenance": of_verdict}))


def _record(bundle: Bundle, built: BuiltPrecision, calibration: Sequence[ReferencedImage]) -> dict[str, Any]:
    layers = built.selection.layers if built.selection else ()
    return {
        "schema_version": 1, "bundle": bundle.card.name, "source_sha256": bundle.model("fp32").sha256,
        "method": "percentile of the magnitude", "percentile": PERCENTILE,
        "images": [{"reference": each.reference, "sha256": each.sha256} for each in calibration],
        "ranges": {name: round(value, 6) for name, value in built.ranges.items()},
        "layers": [
            {
                "name": each.layer.name, "gmac": round(each.layer.gmac, 6), "int8": each.taken,
                "mask_agreement": round(each.alone.mask_agreement, 6),
                "confidence_mean_abs": round(each.alone.confidence_mean_abs, 4),
                "features_rel": round(each.alone.features_rel, 6),
            }
            for each in layers
        ],
    }  # fmt: skip
