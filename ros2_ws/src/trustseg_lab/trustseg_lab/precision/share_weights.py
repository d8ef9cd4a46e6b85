# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Leave out of a bundle's graphs what the graphs of other bundles hold too, or put it in again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx

from trustseg.bundle.card import Card, SharedWeights
from trustseg.bundle.loading import Bundle, bundle_beside
from trustseg.bundle.shared_weights import Piece, join, rest_of
from trustseg.bundle.writer import BundleEdit
from trustseg.errors import BundleError
from trustseg_lab.precision.add import copied_bundle

PART = ".part"
LEAST_BYTES = 4096  # of a weight that is worth an entry in the card


def share_weights(bundle: Bundle, others: Sequence[Bundle], out: Path) -> tuple[Card, dict[str, int]]:
    """Write the bundle to `out` with every weight left out that `others` hold; without others it is whole again.

    Returns:
        The card, and the bytes that each precision's file has now.

    Raises:
        BundleError: the bundle is one of the others, one of them is itself put together from others, or nothing is
            the same.
    """
    for other in others:
        if other.card.name == bundle.card.name:
            raise BundleError(f"bundle {other.card.name} shares with itself", fix="name another bundle")
        if any(ref.shared for ref in other.card.models.values()):
            raise BundleError(f"bundle {other.card.name} itself holds only a part", fix="share with what it is made of")
        _refuse_unfindable(other, out.resolve().parent)
    graphs = {precision: bundle.model_bytes(precision) for precision in bundle.card.models}
    shared = {precision: _shared(graph, precision, others) for precision, graph in graphs.items()}
    if others and not any(shared.values()):
        names = ", ".join(each.card.name for each in others)
        raise BundleError(f"bundle {bundle.card.name} has no weight of {names}", fix="share with what it was made of")
    target = copied_bundle(bundle, out)
    edit, card = BundleEdit(target.path), target.card.model_dump(mode="json")
    sizes = {}
    for precision, graph in graphs.items():
        found = shared[precision]
        rest = rest_of(graph, [piece for each in found for piece in each.pieces])
        if join(rest, found, len(graph), lambda each: _graph(each, others)) != graph:
            raise BundleError(f"the {precision} graph of bundle {bundle.card.name} does not come out the same")
        ref: dict[str, Any] = {key: value for key, value in card["models"][precision].items() if key != "shared"}
        # What is no whole graph is not called one: readers of *.onnx would take it for damaged.
        name = Path(ref["file"]).with_suffix(PART if found else ".onnx").name
        ref["file"] = edit.put(name, rest)["file"]
        if found:
            ref["shared"] = [each.model_dump(mode="json") for each in found]
        card["models"][precision], sizes[precision] = ref, len(rest)
    return edit.finish(card), sizes


def _refuse_unfindable(other: Bundle, folder: Path) -> None:
    """BundleError where a bundle in `folder` would not find `other` by the name in its card, or would find another."""
    fix = f"put it beside the bundle, in a folder named {other.card.name}, or in one that TRUSTSEG_ENGINES names"
    try:
        found = bundle_beside(folder, other.card.name)
    except BundleError:
        raise BundleError(f"bundle {other.card.name} would not be found again", got=str(other.path), fix=fix) from None
    if found.card.models != other.card.models:
        raise BundleError(f"bundle {other.card.name} would not be found again, but {found.path}", fix=fix)


def _graph(shared: SharedWeights, others: Sequence[Bundle]) -> bytes:
    return next(each for each in others if each.card.name == shared.bundle).model_bytes(shared.precision)


def _shared(graph: bytes, precision: str, others: Sequence[Bundle]) -> list[SharedWeights]:
    found, taken = list[SharedWeights](), list[tuple[int, int]]()
    weights = {bytes(each.raw_data) for each in onnx.load_from_string(graph).graph.initializer}
    for other in others:
        if precision not in other.card.models:
            continue
        theirs, pieces = other.model_bytes(precision), list[Piece]()
        for weight in sorted(each for each in weights if len(each) >= LEAST_BYTES):
            place, source = graph.find(weight), theirs.find(weight)
            if source < 0 or any(place < end and begin < place + len(weight) for begin, end in taken):
                continue
            pieces.append((place, source, len(weight)))
            taken.append((place, place + len(weight)))
        if pieces:
            ref = other.card.models[precision]
            found.append(
                SharedWeights(
                    bundle=other.card.name, precision=precision, sha256=ref.sha256, pieces=tuple(sorted(pieces))
                )
            )
    return found
