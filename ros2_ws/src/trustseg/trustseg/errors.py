# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Errors that reach a user: each says what is wrong, what was expected, what was found and what to do."""

from __future__ import annotations


class TrustSegError(Exception):
    """Base of every error that the command prints as one line with exit code 2.

    Args:
        what: the thing that is wrong, with its name (a path, a parameter, a topic).
        expected: what would have been right; left out of the text when empty.
        got: what was found; left out of the text when empty.
        fix: what the user can do; left out of the text when empty.
    """

    def __init__(self, what: str, *, expected: str = "", got: str = "", fix: str = "") -> None:
        self.what, self.expected, self.got, self.fix = what, expected, got, fix
        parts = [what]
        if expected:
            parts.append(f"expected {expected}")
        if got:
            parts.append(f"got {got}")
        super().__init__("; ".join([", ".join(parts), *([fix] if fix else [])]))


class InputError(TrustSegError):
    """A file, folder, image, label or argument that the user gave cannot be used."""


class BundleError(TrustSegError):
    """A bundle is missing, incomplete, altered, or does not fit this program."""


class BackendError(TrustSegError):
    """An inference backend is missing, cannot load the graph, or failed while running."""


class PlanError(BundleError):
    """A TensorRT plan is altered, truncated, or of another graph, library or GPU; it was not opened."""


class EngineLostError(BackendError):
    """A backend failed in a way that poisons this process (a sticky CUDA error): it must end."""


class SelfTestError(BackendError):
    """A backend runs, but does not reproduce the bundle's golden output within the card's tolerances."""


class FrameRejected(TrustSegError):
    """A camera frame that must not reach the network; `reason` is one `trustseg.reasons.Reason` bit."""

    def __init__(self, reason: int, what: str, *, expected: str = "", got: str = "", fix: str = "") -> None:
        super().__init__(what, expected=expected, got=got, fix=fix)
        self.reason = reason


class ParityError(TrustSegError):
    """An exported graph does not reproduce the network it was made from within the stated tolerance."""
