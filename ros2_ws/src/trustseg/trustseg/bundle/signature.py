# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Ed25519 signature of a bundle's card or a plan's manifest (RFC 8032): who may say which hashes are right.

A hash inside a card finds damage. It does not stop somebody who can write the bundle's folder: the signature, made with
a key that is not on the vehicle, does. It is checked wherever a public key is configured, before the card is parsed.
"""

from __future__ import annotations

import base64
import binascii
import os
from pathlib import Path
from typing import Any

from trustseg.errors import BundleError, InputError
from trustseg.install_hint import pip_install

PUBLIC_KEY_VARIABLE = "TRUSTSEG_PUBLIC_KEY"
SIGNATURE_SUFFIX = ".sig"
SIGNATURE_BYTES = 64
FILE_MAX_BYTES = 16 << 10


def configured_key() -> Path | None:
    """The public key that every bundle and plan must be signed with, or None when none is configured.

    Raises:
        BundleError: the variable is there and empty: a key that was forgotten would let anything pass.
    """
    named = os.environ.get(PUBLIC_KEY_VARIABLE)
    if named is None:
        return None
    if not named.strip():
        raise BundleError(
            f"{PUBLIC_KEY_VARIABLE} is empty", expected="the path of an Ed25519 public key, PEM",
            fix="name the key, or unset the variable to open bundles without a signature",
        )  # fmt: skip
    return Path(named)


def signature_policy() -> str:
    """One line about whether signatures are checked, for a node to say at its start; BundleError as above."""
    key = configured_key()
    if key is None:
        return f"signatures of bundles and plans are NOT checked ({PUBLIC_KEY_VARIABLE} is not set)"
    return f"signatures of bundles and plans are checked with {key}"


def check_signature(card: bytes, path: Path, public_key: Path, *, fix: str = "") -> None:
    """Check the signature of the card (or a plan's manifest) at `path`, whose bytes are `card`; `fix`: how to sign it.

    Raises:
        BundleError: the key cannot be used, or the signature is missing, malformed or of other bytes.
    """
    ed25519, serialization = _library()
    try:
        key = serialization.load_pem_public_key(_read(public_key))
    except (OSError, ValueError) as error:
        raise BundleError(
            f"public key {public_key} cannot be used", expected="an Ed25519 key in PEM form", got=_words(error)
        ) from error
    if not isinstance(key, ed25519.Ed25519PublicKey):
        raise BundleError(f"public key {public_key} cannot be used", expected="Ed25519", got=type(key).__name__)
    place = path.with_name(path.name + SIGNATURE_SUFFIX)
    fix = fix or f"sign it where the private key is: `trustseg sign --bundle {path.parent.name} --key PRIVATE.pem`"
    try:
        signature = base64.b64decode(_read(place).strip(), validate=True)
    except FileNotFoundError as error:
        raise BundleError(f"{path} is not signed", expected=str(place), got="no such file", fix=fix) from error
    except (OSError, binascii.Error) as error:
        raise BundleError(f"signature {place} cannot be read", got=_words(error), fix=fix) from error
    if len(signature) != SIGNATURE_BYTES:
        raise BundleError(
            f"signature {place} is malformed", expected=f"{SIGNATURE_BYTES} bytes in base64", got=f"{len(signature)}",
            fix=fix,
        )  # fmt: skip
    from cryptography.exceptions import InvalidSignature

    try:
        key.verify(signature, card)
    except InvalidSignature as error:
        raise BundleError(
            f"the signature of {path} is wrong", expected=f"one by the key {public_key.name} over these bytes",
            got="another key, or an altered card", fix=f"{fix}; it was not opened",
        ) from error  # fmt: skip


def sign_card(card: Path, private_key: Path) -> Path:
    """Sign the card, or a plan's manifest, and write the signature beside it; returns its path.

    InputError when the key cannot be used, or the file not be read.
    """
    ed25519, serialization = _library()
    try:
        key = serialization.load_pem_private_key(_read(private_key), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"private key {private_key} cannot be used", expected="an Ed25519 key in PEM form, without a password",
            got=_words(error), fix="make one with `trustseg sign --new-key PRIVATE.pem`",
        ) from error  # fmt: skip
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise InputError(f"private key {private_key} cannot be used", expected="Ed25519", got=type(key).__name__)
    place = card.with_name(card.name + SIGNATURE_SUFFIX)
    try:
        data = card.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {card}", got=_words(error)) from error
    try:
        place.write_bytes(base64.b64encode(key.sign(data)) + b"\n")
    except OSError as error:
        raise InputError(f"cannot write {place}", got=_words(error)) from error
    return place


def new_key(private_key: Path) -> Path:
    """Make a key pair: the private one at `private_key`, readable by its owner only; returns the public one's path.

    Raises:
        InputError: a file of that name is there already, or the folder cannot be written.
    """
    ed25519, serialization = _library()
    key = ed25519.Ed25519PrivateKey.generate()
    public = private_key.with_name(private_key.stem + ".pub.pem")
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    told = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    try:
        with os.fdopen(os.open(private_key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secret)
        public.write_bytes(told)
    except OSError as error:
        raise InputError(f"cannot write {private_key}", got=_words(error), fix="name a new file") from error
    return public


def _library() -> tuple[Any, Any]:
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError as error:
        raise BundleError(
            "signatures need the package cryptography", got=str(error), fix=pip_install("trustseg", "signature")
        ) from error
    return ed25519, serialization


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(FILE_MAX_BYTES)


def _words(error: Exception) -> str:
    return getattr(error, "strerror", None) or (str(error).splitlines() or [type(error).__name__])[0][:200]
