# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Whether one bundle may serve instead of another in mid-stream: each published number must mean the same."""

from __future__ import annotations

from trustseg.bundle.card import Card
from trustseg.bundle.loading import Bundle
from trustseg.errors import BundleError


def check_light_bundle(bundle: Bundle, light: Bundle) -> None:
    """What must hold of `light`, which serves while there is no time for `bundle`.

    Its classes are the same, by id and name; so is the image that it takes: the checks of the camera compare each one
    with the last, and masks keep their size. No graph is in both: a status says by its hash which of them served.

    Raises:
        BundleError: one of these does not hold.
    """
    shared = _graphs(bundle.card) & _graphs(light.card)
    if shared:
        raise BundleError(
            f"light_bundle {light.card.name}", expected=f"another network than bundle {bundle.card.name}",
            got=f"the same graph ({min(shared)[:12]})", fix="leave light_bundle empty, or name a lighter network",
        )  # fmt: skip
    for own, other in zip(_classes(bundle.card), _classes(light.card), strict=False):
        if own != other:
            raise _differs(bundle, light, f"class {own}", f"class {other}")
    if len(bundle.card.classes) != len(light.card.classes):
        raise _differs(bundle, light, f"{len(bundle.card.classes)} classes", f"{len(light.card.classes)} classes")
    if bundle.card.input != light.card.input:
        raise _differs(bundle, light, _image(bundle.card), _image(light.card))


def _graphs(card: Card) -> set[str]:
    return {each.sha256 for each in card.models.values()}


def _classes(card: Card) -> list[str]:
    return [f"{each.id} {each.name}" for each in card.classes]


def _image(card: Card) -> str:
    spec = card.input
    camera = "" if spec.camera is None else f" made from {spec.camera.height}x{spec.camera.width}"
    return f"images of {spec.height}x{spec.width} {spec.color_order}{camera}, {spec.cameras} a call"


def _differs(bundle: Bundle, light: Bundle, expected: str, got: str) -> BundleError:
    return BundleError(
        f"light_bundle {light.card.name}", expected=f"{expected}, as bundle {bundle.card.name}", got=got,
        fix="take two bundles that were made for one list of classes and one size",
    )  # fmt: skip
