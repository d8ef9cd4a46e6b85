# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Runs a bundle over images, clean and under conditions, and keeps what calibration needs of each view.

Every image is seen clean, under `FIT_VIEWS` conditions that may be fitted on and under `HELD_OUT_VIEWS` that may not:
the latter say what the verdict is worth on trouble that nobody has fitted it to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

import numpy as np

from trustseg.backends import Backend
from trustseg.bundle.card import VOID_LABEL, Card
from trustseg.calibration import corridor_mask
from trustseg.camera.geometry import Geometry, Places, placed, shown
from trustseg.camera.input_geometry import InputGeometry
from trustseg.errors import InputError
from trustseg.imaging.resize import in_order
from trustseg.types import Float32Array, UInt8Array
from trustseg.unknown_ahead import unknown_ahead
from trustseg_lab.data import LabelNames
from trustseg_lab.data.find_labels import LabelWish, find_labels
from trustseg_lab.data.label_reader import LabelReader
from trustseg_lab.data.labelled_images import LabelledPaths, find_pairs, read_pair
from trustseg_lab.evaluation.evaluator import code_counts, pixel_kinds
from trustseg_lab.metrics.confusion import confusion_counts
from trustseg_lab.metrics.images.image_quality import image_quality
from trustseg_lab.metrics.images.view_rows import BLOCK_IMAGES, CLEAN, CalibrationRows, concatenated, drive_of
from trustseg_lab.metrics.score_histogram import LEFT_OUT
from trustseg_lab.scenes.conditions import FIT_KINDS, HELD_OUT_KINDS, apply_condition

FIT_VIEWS, HELD_OUT_VIEWS = 3, 2
LEAST_SEVERITY = 0.1
READING = 4  # raised when the same files are read in another way: rows that were collected before are not taken over
# Rendered scenes for fitting: training takes seeds below 8 000, the confidence head those from there, demos 9 000 on.
SCENE_SEED = 20_000
RENDERED = "rendered"
# A camera's picture is larger than the network's input and is made smaller after the weather, which leaves other grain
# and sharpness than a picture of network size; and most cameras are wider for their height than it. Scenes come in all
# of these forms, in turns: size of the picture beside the network's, and share of its rows that such a camera sees.
# A bundle for one kind of camera sees scenes of that camera's size alone.
CAMERAS = ((1.0, 1.0), (4 / 3, 1.0), (4 / 3, 0.55))
HORIZON = 0.55  # of what is cut off, the share above

Done = TypeVar("Done")


@dataclass(frozen=True)
class LabelledFolder:
    """IMAGES:LABELS:VOID of the command line; `seen` where the network was trained on it; `names`: of the labels;
    `reader`: how these are read, None for class ids as they are; `elsewhere`: a place that the verdict alone learns."""

    images: Path
    labels: Path
    void: int | None
    seen: bool
    names: LabelNames | None = None
    reader: LabelReader | None = field(default=None, compare=False)
    elsewhere: bool = False

    def pairs(self) -> list[LabelledPaths]:
        """Every image with its labels; InputError as `find_pairs`."""
        return find_pairs(self.images, self.labels, self.names, self.reader)

    def read_as(self, wish: LabelWish) -> tuple[LabelledFolder, tuple[str, ...]]:
        """The same with a reader for the wanted classes, and what to say of it; InputError as `find_labels`."""
        found = find_labels(self.images, self.labels, self.void, wish)
        return replace(self, void=found.void, reader=found.reader), found.told

    @staticmethod
    def parse(
        text: str, *, seen: bool, names: LabelNames | None = None, elsewhere: bool = False
    ) -> LabelledFolder:  # fmt: skip
        """From IMAGES:LABELS or IMAGES:LABELS:VOID.

        Raises:
            InputError: another form.
        """
        parts = text.split(":")
        void = parts[2] if len(parts) == 3 else ""
        good = re.fullmatch("[0-9]{1,3}", void) is not None and int(void) <= np.iinfo(np.uint8).max
        if len(parts) not in (2, 3) or not all(parts) or (void and not good):
            expected = "IMAGES:LABELS or IMAGES:LABELS:VOID, VOID an id from 0 to 255"
            raise InputError("a data source is wrong", expected=expected, got=repr(text))
        return LabelledFolder(
            Path(parts[0]), Path(parts[1]), int(void) if void else None, seen, names, elsewhere=elsewhere
        )


@dataclass(frozen=True)
class View:
    """One condition of one image; severity 0 and kind "clean" leave it as it is."""

    kind: str
    severity: float
    seed: int


@dataclass(frozen=True)
class PreparedImage:
    """An image's views, uint8 (h, w, 3) each, as the node shows them to the graph, and its labels as in the file.

    `place`: where the views lie in the camera's image, whose pixels the labels have; None where all of it is stretched.
    """

    stem: str
    labels: UInt8Array
    images: list[UInt8Array]
    views: list[View]
    place: Geometry | None = None


def views_of(
    index: int, seed: int, fitted: tuple[str, ...] = FIT_KINDS, held_out: tuple[str, ...] = HELD_OUT_KINDS
) -> list[View]:
    """Clean, then `FIT_VIEWS` of the `fitted` and `HELD_OUT_VIEWS` of the `held_out` conditions: different kinds, any
    severity."""
    rng = np.random.default_rng((seed, index))
    kinds = [*_some(fitted, FIT_VIEWS, rng), *_some(held_out, HELD_OUT_VIEWS, rng)]
    return [View(CLEAN, 0.0, 0)] + [
        View(kind, float(rng.uniform(LEAST_SEVERITY, 1.0)), int(rng.integers(1 << 31))) for kind in kinds
    ]


def places_views(index: int, seed: int) -> list[View]:
    """As `views_of`, of an image from elsewhere: no held-out condition, since such kinds are judged on known places."""
    return views_of(index, seed, held_out=())


ViewsOf = Callable[[int, int], list[View]]


def collect_folder(
    folder: LabelledFolder, backends: list[Backend], card: Card, seed: int, limit: int | None,
    on_image: Callable[[], None],
) -> CalibrationRows:  # fmt: skip
    """Rows of every view of the images in `folder`, in order of names; at most `limit` images, evenly spread.

    Each of `backends` (engines of the same graph) works on an image of its own: with one thread each they do more in
    a second than one engine with many.

    Raises:
        InputError: no pairs, or a file that does not fit (see `labelled_images`).
    """
    views = places_views if folder.elsewhere else views_of
    count, prepare = folder_images(folder, card, seed, limit, views)
    return _collect(prepare, count, folder, backends, card, str(folder.images), on_image)


def folder_images(
    folder: LabelledFolder, card: Card, seed: int, limit: int | None, views: ViewsOf = views_of
) -> tuple[int, Callable[[int], PreparedImage]]:
    """How many images of `folder` there are, at most `limit`, and what prepares one of them by its number."""
    pairs, places = chosen(folder.pairs(), limit), Places(InputGeometry(), card.image_size)

    def prepare(index: int) -> PreparedImage:
        pair = read_pair(pairs[index], len(card.classes), folder.void)
        picture, place = places.picture(pair.image)
        rgb, chosen_views = in_order(picture, "bgr", "rgb"), views(index, seed)
        images = [_as_taken(under(view, rgb), place, card) for view in chosen_views]
        return PreparedImage(pairs[index].image.stem, pair.labels, images, chosen_views, place)

    return len(pairs), prepare


def collect_rendered(
    count: int, backends: list[Backend], card: Card, seed: int, on_image: Callable[[], None]
) -> CalibrationRows:
    """Rows of every view of `count` rendered scenes of seeds from `SCENE_SEED` on; InputError: as `rendered_images`."""
    source = LabelledFolder(Path(RENDERED), Path(RENDERED), VOID_LABEL, seen=False)
    return _collect(rendered_images(card, seed), count, source, backends, card, RENDERED, on_image)


def rendered_images(card: Card, seed: int) -> Callable[[int], PreparedImage]:
    """What prepares a rendered scene by its number.

    Raises:
        InputError: the bundle's classes are not those of the scenes.
    """
    from trustseg_lab.scenes import SCENE_CLASSES, random_frame

    if not has_scene_classes(card):
        raise InputError(
            f"rendered scenes have other classes than bundle {card.name}",
            expected=", ".join(each.name for each in SCENE_CLASSES),
            got=", ".join(each.name for each in card.classes),
            fix="calibrate with --scenes 0",
        )

    places, one_camera = Places(InputGeometry(), card.image_size), card.input.camera is not None

    def prepare(index: int) -> PreparedImage:
        size = card.image_size if one_camera else scene_size(index, card.size)
        frame, views = random_frame(SCENE_SEED + index, size), views_of(index, seed + 1)
        rows = slice(None) if one_camera else scene_rows(index, frame.labels.shape[0])
        rgb, depth = frame.image_rgb[rows], frame.depth_m[rows]
        seen = (places.picture(under(view, rgb, depth)) for view in views)
        images = [_as_taken(picture, place, card) for picture, place in seen]
        return PreparedImage(f"scene{index}", frame.labels[rows], images, views, places.of(rgb))

    return prepare


def has_scene_classes(card: Card) -> bool:
    """Whether the bundle's classes are those of rendered scenes."""
    from trustseg_lab.scenes import SCENE_CLASSES

    return [each.name for each in card.classes] == [each.name for each in SCENE_CLASSES]


def scene_size(index: int, network: tuple[int, int]) -> tuple[int, int]:
    """(height, width) in which scene `index` is rendered."""
    scale, _ = CAMERAS[index % len(CAMERAS)]
    return round(network[0] * scale), round(network[1] * scale)


def scene_rows(index: int, height: int) -> slice:
    """The rows of scene `index`, of `height`, that its camera sees; they get the weather and are then stretched."""
    return band(height, CAMERAS[index % len(CAMERAS)][1])


def band(height: int, share: float) -> slice:
    """The rows of a picture of `height` that a wider camera of the same place sees, which are a `share` of them."""
    seen = round(height * share)
    first = round((height - seen) * HORIZON)
    return slice(first, first + seen)


def chosen(pairs: list[LabelledPaths], limit: int | None) -> list[LabelledPaths]:
    """At most `limit` of the pairs, evenly spread."""
    if limit is None or len(pairs) <= limit:
        return pairs
    return [pairs[int(i)] for i in np.linspace(0, len(pairs) - 1, limit)]


def _some(kinds: tuple[str, ...], count: int, rng: np.random.Generator) -> list[str]:
    return [kinds[int(i)] for i in rng.permutation(len(kinds))[:count]]


def under(view: View, rgb: UInt8Array, depth_m: Float32Array | None = None) -> UInt8Array:
    """A camera's picture uint8 (H, W, 3) RGB in the view's condition; `depth_m` as `apply_condition`."""
    if view.kind == CLEAN:
        return rgb
    return apply_condition(view.kind, view.severity, rgb, depth_m, view.seed)


def _as_taken(rgb: UInt8Array, place: Geometry | None, card: Card) -> UInt8Array:
    return np.ascontiguousarray(shown(rgb, place, "rgb", card.input.color_order))


def _collect(
    prepare: Callable[[int], PreparedImage], count: int, folder: LabelledFolder, backends: list[Backend], card: Card,
    source: str, on_image: Callable[[], None],
) -> CalibrationRows:  # fmt: skip
    free: SimpleQueue[Backend] = SimpleQueue()
    for each in backends:
        free.put(each)

    def rows_of(index: int) -> CalibrationRows:
        prepared, backend = prepare(index), free.get()
        try:
            return _rows_of_image(prepared, backend, card, folder, source)
        finally:
            free.put(backend)

    found = []
    for index, rows in enumerate(_in_order(rows_of, count, len(backends))):
        rows.block[:] = index // BLOCK_IMAGES
        found.append(rows)
        on_image()
    blocks = np.concatenate([rows.block for rows in found])
    return replace(concatenated(found), block=blocks)


def _rows_of_image(
    prepared: PreparedImage, backend: Backend, card: Card, folder: LabelledFolder, source: str
) -> CalibrationRows:
    """Rows of one image's views, judged in the camera's pixels; the block is not known here."""
    size = (prepared.labels.shape[0], prepared.labels.shape[1])
    outside = corridor_mask(*size, card.corridor.polygon) == 0
    features, quality, codes, ahead, unknown = [], [], [], [], []
    strange: UInt8Array | None = None
    if prepared.place is not None and card.unknown_size is not None:
        strange = prepared.place.ahead(corridor_mask(*card.unknown_size, card.corridor.polygon))
    for image in prepared.images:
        out = backend.infer(image)
        labels = placed(out.labels, prepared.place, size)
        quality.append(image_quality(confusion_counts(prepared.labels, labels, len(card.classes), folder.void)))
        confidence = placed(out.confidence, prepared.place, size)
        kinds = pixel_kinds(prepared.labels, labels, folder.void)
        codes.append(code_counts(confidence, kinds))
        kinds[outside] = LEFT_OUT
        ahead.append(code_counts(confidence, kinds))
        features.append(out.features)
        unknown.append((None if strange is None else unknown_ahead(out, strange)) or (np.nan, np.nan))
    count = len(prepared.views)
    return CalibrationRows(
        features=np.stack(features), quality=np.array(quality), codes=np.stack(codes),
        corridor=np.stack(ahead), ahead=np.array(unknown, np.float64),
        kind=np.array([view.kind for view in prepared.views]),
        severity=np.array([view.severity for view in prepared.views]), source=np.full(count, source),
        drive=np.full(count, "" if source == RENDERED else drive_of(prepared.stem)), block=np.zeros(count, np.int64),
        seen=np.full(count, folder.seen), held_out=np.array([view.kind in HELD_OUT_KINDS for view in prepared.views]),
        elsewhere=np.full(count, folder.elsewhere),
    )  # fmt: skip


def _in_order(work: Callable[[int], Done], count: int, workers: int) -> Iterator[Done]:
    """Results of `work` for 0 .. count - 1 in order, from a bounded number of threads and results in waiting."""
    ahead = 2 * workers
    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="views") as pool:
        waiting: list[Future[Done]] = [pool.submit(work, index) for index in range(min(ahead, count))]
        try:
            for index in range(count):
                found = waiting.pop(0).result()
                if index + ahead < count:
                    waiting.append(pool.submit(work, index + ahead))
                yield found
        finally:
            for future in waiting:
                future.cancel()


def views_digest() -> list[object]:
    """What `views_of` depends on beside its arguments, for recognising collected rows."""
    kinds: list[object] = [list(FIT_KINDS), list(HELD_OUT_KINDS), FIT_VIEWS, HELD_OUT_VIEWS, LEAST_SEVERITY]
    return [*kinds, READING, BLOCK_IMAGES, SCENE_SEED, [list(each) for each in CAMERAS], HORIZON]
