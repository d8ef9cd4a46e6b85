# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg sign`: the signature of a bundle's card, and the keys for it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trustseg.errors import InputError


def sign(
    bundle: Annotated[
        str | None, typer.Option(help="Bundle to sign: a folder with card.json, or a name under engines/.")
    ] = None,
    plan: Annotated[
        Path | None, typer.Option(help="Manifest (JSON) of a built TensorRT plan to sign: it holds the plan's hash.")
    ] = None,
    key: Annotated[Path | None, typer.Option(help="Private Ed25519 key, PEM. Keep it off the vehicle.")] = None,
    new_key: Annotated[
        Path | None, typer.Option(help="Make a key pair: this private key, and NAME.pub.pem beside it.")
    ] = None,
) -> None:
    """Sign a bundle's card, or a built plan; where TRUSTSEG_PUBLIC_KEY names a public key, only what is signed with it
    is opened."""
    from trustseg.bundle import signature
    from trustseg.bundle.loading import find_bundle

    if new_key is not None and (bundle, plan, key) == (None, None, None):
        public = signature.new_key(new_key)
        typer.echo(f"{new_key} (private: keep it off the vehicle) and {public} (set TRUSTSEG_PUBLIC_KEY to it)")
        return
    if (bundle is None) == (plan is None) or key is None or new_key is not None:
        raise InputError(
            "what to do",
            expected="--bundle NAME or --plan MANIFEST.json with --key PRIVATE.pem, or --new-key PRIVATE.pem alone",
        )
    signed = plan if bundle is None else find_bundle(bundle) / "card.json"
    if signed is not None:
        typer.echo(str(signature.sign_card(signed, key)))
