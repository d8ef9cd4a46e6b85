# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Bundles: a folder with a card, graphs, golden image and verdict model, every byte checked before it is parsed.

Each file is read once; its SHA-256 is compared with the card's, and the very bytes that were hashed are handed on.
Paths named by a card stay inside their folder after `realpath`.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from trustseg.bundle.calibration_file import CalibrationFile
from trustseg.bundle.card import Card, FileRef, ModelRef, SharedWeights, Tolerances
from trustseg.bundle.onnx_file import ExternalData, NotPlain, check_self_contained
from trustseg.bundle.shared_weights import join
from trustseg.bundle.signature import check_signature, configured_key
from trustseg.bundle.verdict_file import OOD_SCORE_INPUT, VerdictFile
from trustseg.errors import BundleError
from trustseg.files.confined_path import confined

__all__ = ["Bundle", "Card", "find_bundle", "load_bundle", "parse_model", "sha256_hex", "source_tree"]

CARD_MAX_BYTES = 4 << 20
FILE_MAX_BYTES = 2 << 30  # a protobuf cannot be larger
ModelT = TypeVar("ModelT", bound=BaseModel)
ENGINES_VARIABLE = "TRUSTSEG_ENGINES"
# The package with the trained bundles: data under a licence of their own, which the code does without.
MODELS = "trustseg_models"
CALIBRATION_VARIABLE = "TRUSTSEG_CALIBRATION"


def sha256_hex(data: bytes) -> str:
    """SHA-256 of `data` as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def source_tree() -> Path | None:
    """Root of the source tree that this module runs from, or None when it is installed elsewhere."""
    for parent in Path(__file__).resolve().parents:
        if (parent / "engines").is_dir() and (parent / "ros2_ws").is_dir():
            return parent
    return None


@dataclass(frozen=True)
class Bundle:
    """A loaded card and the folder it speaks for.

    Attributes:
        path: real path of the bundle's folder.
        card: the parsed card.
        card_sha256: SHA-256 of card.json's bytes.
    """

    path: Path
    card: Card
    card_sha256: str

    def model(self, precision: str) -> ModelRef:
        """The card's entry for `precision`; BundleError names the ones there are."""
        found = self.card.models.get(precision)
        if found is None:
            raise BundleError(
                f"bundle {self.card.name} has no model in precision {precision!r}",
                expected="one of " + ", ".join(sorted(self.card.models)),
                fix="choose another precision or export that one",
            )
        return found

    def model_bytes(self, precision: str = "fp32") -> bytes:
        """Bytes of the ONNX graph, read once, with the card's hash; BundleError otherwise."""
        ref = self.model(precision)
        path = _confined(self.path, ref.file)
        data = self._joined(path, ref) if ref.shared else _read_whole(path, ref)
        try:
            check_self_contained(data)
        except ExternalData as error:
            # Weights in other files would be read by the inference library, unhashed and from wherever it likes.
            raise BundleError(
                f"{path} refers to data outside itself",
                expected="an ONNX file with its weights inside",
                fix="export it again as one file",
            ) from error
        except NotPlain as error:
            raise BundleError(f"{path} is no plain ONNX file", got=str(error), fix="export it again") from error
        return data

    def _joined(self, path: Path, ref: ModelRef) -> bytes:
        """The graph of `ref`, of which the file at `path` holds only what no other bundle does."""
        what = f"{path}, with the weights of {', '.join(each.bundle for each in ref.shared)},"
        try:
            data = join(_read(path, limit=ref.size_bytes), ref.shared, ref.size_bytes, self._other_graph)
        except ValueError as error:
            raise _altered(what, f"{ref.size_bytes} bytes as in the card", str(error)) from None
        return _check_hash(data, ref.sha256, what)

    def _other_graph(self, shared: SharedWeights) -> bytes:
        other = bundle_beside(self.path.parent, shared.bundle)
        ref = other.model(shared.precision)
        if ref.sha256 != shared.sha256 or ref.shared:
            raise BundleError(
                f"bundle {self.card.name} needs the weights of bundle {shared.bundle}, and {other.path} is another one",
                expected=f"SHA-256 {shared.sha256[:12]}... ({shared.precision})", got=f"{ref.sha256[:12]}...",
                fix="fetch both of one release, or make it whole: `trustseg export --bundle NAME --whole`",
            )  # fmt: skip
        return other.model_bytes(shared.precision)

    def golden_image_bytes(self) -> bytes:
        """Bytes of the golden image (PNG), hash-checked."""
        golden = self.card.golden
        return _read_checked(self.path, FileRef(file=golden.image, sha256=golden.image_sha256))

    def golden_expected_bytes(self, precision: str = "fp32") -> bytes:
        """Bytes of the golden outputs (npz) expected of `precision`, hash-checked."""
        golden, own = self.card.golden, self.model(precision).expected
        ref = own or FileRef(file=golden.expected, sha256=golden.expected_sha256)
        return _read_checked(self.path, FileRef(file=ref.file, sha256=ref.sha256))

    def tolerances(self, precision: str = "fp32") -> Tolerances:
        """How far a backend may be from the golden outputs of `precision`."""
        own = self.model(precision).expected
        return own.tolerances if own else self.card.golden.tolerances

    def verdict_bytes(self, precision: str = "fp32") -> bytes:
        """Bytes of the verdict model of `precision`, hash-checked; BundleError when there is none (a draft)."""
        ref = self.card.verdict if precision == "fp32" else self.card.verdicts.get(precision, self.card.verdict)
        if ref is None:
            raise BundleError(
                f"bundle {self.card.name} has no verdict model",
                expected="'verdict' in card.json",
                fix=f"it is a draft; run `trustseg calibrate --bundle {self.card.name}` on it first",
            )
        return _read_checked(self.path, ref)

    def verdict(self, precision: str = "fp32") -> VerdictFile:
        """The parsed verdict model, which must have been fitted on this precision's graph; BundleError otherwise."""
        what = f"verdict model of bundle {self.card.name} ({precision})"
        parsed = parse_model(VerdictFile, self.verdict_bytes(precision), what)
        self._same_model("the verdict model", parsed.model_sha256, precision)
        missing = sorted(set(parsed.features) - {*self.card.feature_names, OOD_SCORE_INPUT})
        if parsed.ood_score is not None:
            missing += sorted(set(parsed.ood_score.features) - set(self.card.feature_names))
        if parsed.unknown is not None:
            missing += sorted(parsed.unknown.features - set(self.card.feature_names))
        if missing:
            raise BundleError(
                f"verdict model of bundle {self.card.name} uses features that the graph does not give",
                expected="names from the card's feature_names",
                got=", ".join(missing[:5]),
                fix="fit the verdict model again on this graph",
            )
        return parsed

    def calibration_path(self, precision: str = "fp32") -> Path:
        """Path of the confidence calibration of `precision`; BundleError when there is none."""
        ref = self._calibration_ref(precision)
        for root in self._calibration_roots():
            if (root / ref.file).is_file():
                return _confined(root, ref.file)
        raise BundleError(
            f"calibration {ref.file} of bundle {self.card.name} is missing",
            expected="it in " + " or ".join(str(r) for r in self._calibration_roots()),
            fix=f"fetch it again or set {CALIBRATION_VARIABLE} to the folder that holds it",
        )

    def calibration(self, precision: str = "fp32") -> CalibrationFile:
        """The parsed calibration of `precision`, bound to this model by hash; BundleError otherwise."""
        ref = self._calibration_ref(precision)
        data = _check_hash(_read(self.calibration_path(precision)), ref.sha256, f"calibration {ref.file}")
        parsed = parse_model(CalibrationFile, data, f"calibration {ref.file}")
        self._same_model(f"calibration {ref.file}", parsed.model_sha256, precision)
        if parsed.precision != precision:
            raise BundleError(
                f"calibration {ref.file} is of another precision", expected=precision, got=parsed.precision
            )
        if parsed.table[0] >= self.card.low_confidence_threshold:
            raise BundleError(
                f"calibration {ref.file} calls no pixel doubtful",
                expected=f"a table that begins below low_confidence_threshold {self.card.low_confidence_threshold:g}",
                got=f"{parsed.table[0]:g}",
                fix=f"run `trustseg calibrate --bundle {self.card.name} --precision {precision}`",
            )
        return parsed

    def calibration_sha256(self, precision: str = "fp32") -> str:
        """The card's hash of the calibration of `precision`."""
        return self._calibration_ref(precision).sha256

    def _calibration_ref(self, precision: str) -> FileRef:
        ref = self.card.calibration.get(precision)
        if ref is None:
            raise BundleError(
                f"bundle {self.card.name} has no confidence calibration for precision {precision!r}",
                expected="one of " + (", ".join(sorted(self.card.calibration)) or "none yet: it is a draft"),
                fix=f"run `trustseg calibrate --bundle {self.card.name} --precision {precision}`",
            )
        return ref

    def _calibration_roots(self) -> list[Path]:
        roots = [Path(os.environ[CALIBRATION_VARIABLE])] if os.environ.get(CALIBRATION_VARIABLE) else []
        roots += [self.path.parent.parent / "calibration", self.path.parent / "calibration"]
        tree = source_tree()
        roots += [tree / "calibration"] if tree else []
        return [*roots, *_installed("calibration")]

    def _same_model(self, what: str, sha256: str, precision: str) -> None:
        wanted = self.model(precision).sha256
        if sha256 != wanted:
            raise BundleError(
                f"{what} of bundle {self.card.name} belongs to another model",
                expected=f"model_sha256 {wanted[:12]} ({precision})",
                got=sha256[:12],
                fix=f"run `trustseg calibrate --bundle {self.card.name} --precision {precision}`; never edit the hash",
            )


def engine_roots() -> list[Path]:
    """Folders that hold bundles, first match wins: $TRUSTSEG_ENGINES, the source tree's, the installed ones."""
    named = os.environ.get(ENGINES_VARIABLE)
    tree = source_tree()
    return [*([Path(named)] if named else []), *([tree / "engines"] if tree else []), *_installed("engines")]


def _installed(folder: str) -> list[Path]:
    """`<prefix>/share/trustseg_models/<folder>` of this Python, of where that package is, and of where this file is."""
    prefixes = [Path(sys.prefix)]
    package = importlib.util.find_spec(MODELS)
    for place in (package.origin if package else None, __file__):
        prefixes += Path(place).resolve().parents if place else []
    shared = list(dict.fromkeys(p / "share" / MODELS / folder for p in prefixes))
    return [shared[0], *(p for p in shared[1:] if p.is_dir())]


def find_bundle(name_or_path: str | Path) -> Path:
    """Folder of a bundle, given by path or by name.

    A name is looked for in $TRUSTSEG_ENGINES, the source tree's `engines/`, `<prefix>/share/trustseg_models/engines`.

    Raises:
        BundleError: nothing is there (the text says where it was looked for), it cannot be looked for (no such user's
            home, no permission, a name too long), or it is where TRUSTSEG_PATHS forbids.
    """
    try:
        return _found(name_or_path)
    except (OSError, RuntimeError) as error:
        raise BundleError(
            f"bundle {str(name_or_path)[:200]!r} cannot be looked for", got=f"{type(error).__name__}: {error}"[:300],
            fix="check the path and who may read it",
        ) from None  # fmt: skip


def _found(name_or_path: str | Path) -> Path:
    direct = Path(name_or_path).expanduser()
    if (direct / "card.json").is_file():
        return _home(direct)
    text = str(name_or_path)
    roots: list[Path] = []
    if os.sep not in text and text not in ("", ".", ".."):
        roots = engine_roots()
        for root in roots:
            if (root / text / "card.json").is_file():
                return _home(root / text)
    if direct.is_dir():
        raise BundleError(f"{direct} is not a bundle", expected="card.json in it", fix="name the bundle's own folder")
    raise BundleError(
        f"no bundle {text!r}",
        expected="a folder with card.json, or a name under " + " or ".join(str(r) for r in roots) if roots else "",
        fix=(f"install the package {MODELS}, " if roots else "") + f"check the path, or set {ENGINES_VARIABLE}",
    )


def _home(folder: Path) -> Path:
    """Where the card really is: an installation that links single files (colcon) still names one folder."""
    return confined(folder / "card.json", "bundle", BundleError).parent


def bundle_beside(folder: Path, name: str) -> Bundle:
    """The bundle of that name that one in `folder` shares weights with: beside it, or else where bundles are found."""
    beside = folder / name
    return load_bundle(beside if (beside / "card.json").is_file() else name, draft=True)


def load_bundle(name_or_path: str | Path, *, draft: bool = False, public_key: Path | None = None) -> Bundle:
    """Read and check a bundle's card.

    Args:
        name_or_path: folder with card.json, or a name (see `find_bundle`).
        draft: True lets a bundle pass that has no verdict model or calibration yet (the tools that fit them).
        public_key: PEM file that the card must be signed with; default: the one that TRUSTSEG_PUBLIC_KEY names, if any.

    Raises:
        BundleError: not found, not readable, not signed with the key, not a valid card, or unfinished without `draft`.
    """
    path = find_bundle(name_or_path)
    data = _read(_confined(path, "card.json"), limit=CARD_MAX_BYTES)
    key = public_key or configured_key()
    if key is not None:
        check_signature(data, path / "card.json", key)
    card = parse_model(Card, data, f"{path / 'card.json'}")
    bundle = Bundle(path=path, card=card, card_sha256=sha256_hex(data))
    if not draft and (card.verdict is None or not card.calibration):
        # Fail closed: without these two no frame could ever be called bad.
        raise BundleError(
            f"bundle {card.name} is not finished",
            expected="a verdict model and a confidence calibration in card.json",
            got="no verdict" if card.verdict is None else "no calibration",
            fix="run `trustseg calibrate` on it first",
        )
    return bundle


def checked_bundle(name: str) -> Bundle:
    """The bundle, every file of it read and compared with its hash, so that a bad one ends here and not in the node."""
    bundle = load_bundle(name)
    bundle.model_bytes("fp32")
    bundle.golden_image_bytes()
    bundle.golden_expected_bytes()
    bundle.verdict("fp32")
    bundle.calibration("fp32")
    return bundle


def parse_model(model: type[ModelT], data: bytes, what: str) -> ModelT:
    """`data` (JSON) as `model`; BundleError names the first field that is wrong."""
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise BundleError(f"{what} is not valid", got=f"{where}: {first['msg']}{more}") from error


def _confined(root: Path, name: str) -> Path:
    """Real path of `name` under `root`; BundleError when a link leads out of it."""
    base = root.resolve()
    path = (base / name).resolve()
    if not path.is_relative_to(base):
        raise BundleError(f"{name} leads out of {base}", got=str(path), fix="keep the bundle's files in its folder")
    return path


def _read(path: Path, *, limit: int = FILE_MAX_BYTES) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise BundleError(f"cannot read {path}", got=error.strerror or str(error)) from error
    if len(data) > limit:
        raise BundleError(f"{path} is too large", expected=f"at most {limit} bytes", got="more")
    return data


def _check_hash(data: bytes, wanted: str, what: str) -> bytes:
    found = sha256_hex(data)
    if found != wanted:
        raise _altered(what, f"SHA-256 {wanted[:12]}... as in the card", f"{found[:12]}... ({len(data)} bytes)")
    return data


def _altered(what: str, expected: str, got: str) -> BundleError:
    return BundleError(
        f"{what} has been altered", expected=expected, got=got, fix="fetch the bundle again; it was not opened"
    )


def _read_whole(path: Path, ref: ModelRef) -> bytes:
    if _size_of(path) != ref.size_bytes:
        raise _altered(str(path), f"{ref.size_bytes} bytes as in the card", f"{_size_of(path)} bytes")
    return _check_hash(_read(path, limit=ref.size_bytes), ref.sha256, str(path))


def _read_checked(root: Path, ref: FileRef, *, limit: int = FILE_MAX_BYTES) -> bytes:
    path = _confined(root, ref.file)
    return _check_hash(_read(path, limit=limit), ref.sha256, str(path))


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise BundleError(f"cannot read {path}", got=error.strerror or str(error)) from error
