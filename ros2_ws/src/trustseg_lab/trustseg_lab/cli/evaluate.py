# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg evaluate`: how good a bundle's masks, confidence and image verdicts are on labelled images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trustseg.backend_registry import CHOICE
from trustseg.camera.input_geometry import FIT
from trustseg.cli.bars import Bars
from trustseg.cli.plain_console import PlainConsole
from trustseg.errors import InputError
from trustseg_lab.cli.extras import refuse_unused
from trustseg_lab.cli.geometry_options import INPUT_GEOMETRY, REGION_OF_INTEREST, UNDISTORT, geometry_of
from trustseg_lab.cli.label_options import LABEL_FORMAT, LABEL_NAMES, say
from trustseg_lab.cli.tables.evaluate_tables import print_report

if TYPE_CHECKING:
    from trustseg.backends import Backend
    from trustseg.bundle.loading import Bundle
    from trustseg_lab.corruptions.catalogue import Corruption
    from trustseg_lab.data import LabelNames
    from trustseg_lab.data.dataset_layout import LabelledSource
    from trustseg_lab.data.find_labels import LabelWish
    from trustseg_lab.data.labelled_images import LabelledPaths
    from trustseg_lab.evaluation.baselines.choose import ChosenBaselines
    from trustseg_lab.evaluation.evaluator import Evaluation, EvaluationState

CLEAN11, PAPER12, OWN = "clean11", "paper12", "own"
# Options that say something only where one of these baselines runs.
OF_BASELINES = {
    "passes dropout": ("mc_dropout",), "weights": ("mc_dropout", "trust_score"), "fit_on": ("temperature",),
    "train_data": ("trust_score",),
}  # fmt: skip


def evaluate(
    bundle: Annotated[str, typer.Option(help="Bundle: a folder with card.json, or a name under engines/.")],
    out: Annotated[Path, typer.Option(help="Folder for metrics.json and report.html; new or empty.")],
    images: Annotated[Path | None, typer.Option(help="Folder of images, any format that OpenCV reads.")] = None,
    labels: Annotated[Path | None, typer.Option(help="Folder of label images (samples or palette indices).")] = None,
    void: Annotated[int | None, typer.Option(
        min=0, max=255, help="Id of unlabelled pixels in the labels; they are left out.",
    )] = None,
    label_names: Annotated[str, LABEL_NAMES] = "",
    label_format: Annotated[str, LABEL_FORMAT] = "auto",
    judged_as: Annotated[str, typer.Option(
        "--classes", metavar="PATH",
        help="classes.yaml that both the labels' and the bundle's classes are regrouped to (docs/own_data.md).",
    )] = "",
    dataset: Annotated[str | None, typer.Option(help="camvid or kitti, instead of --images, --labels, --void.")] = None,
    root: Annotated[Path | None, typer.Option(help="Folder of the data set.")] = None,
    split: Annotated[str, typer.Option(help="Of camvid: train, val or test.")] = "test",
    protocol: Annotated[str, typer.Option(
        help="Of camvid: clean11 leaves void out; paper12 counts it as a twelfth class, which the bundle must have.",
    )] = CLEAN11,
    corrupt: Annotated[str | None, typer.Option(
        help="KIND:SEVERITY,... (1 to 5, or 1-5): each image under each of them. Kinds: ImageNet-C's (fog, ...), "
        "camera faults (black, ...), the scenes' weather (night, ...), clean; groups: imagenet_c, faults, scene.",
    )] = None,
    baselines: Annotated[str, typer.Option(
        help="all, or a list of mcp, entropy, margin, variation_ratio, thresholds (these always run), temperature, "
        "mc_dropout, trust_score, ensemble.",
    )] = "",
    fit_on: Annotated[str | None, typer.Option(
        help="IMAGES:LABELS[:VOID] for the temperature. Default with camvid: val, or train where val is evaluated; "
        "else the one of `trustseg calibrate --temperature`.",
    )] = None,
    train_data: Annotated[str | None, typer.Option(
        help="IMAGES:LABELS[:VOID] for the Trust Score's training pixels. Default with camvid: train.",
    )] = None,
    weights: Annotated[Path | None, typer.Option(
        help="Checkpoint for MC dropout and Trust Score. Default: weights.safetensors of the bundle.",
    )] = None,
    passes: Annotated[int, typer.Option(min=2, help="Passes of MC dropout.")] = 10,
    dropout: Annotated[float | None, typer.Option(
        min=0.0, max=0.9, help="Its rate. Default: that of the training, or 0.1 where that was 0.",
    )] = None,
    ensemble: Annotated[list[str] | None, typer.Option(help="Another bundle of the deep ensemble; repeatable.")] = None,
    bootstrap: Annotated[int, typer.Option(min=0, help="Resamples for intervals by block of a drive; 0: none.")] = 0,
    input_geometry: Annotated[str, INPUT_GEOMETRY] = FIT,
    region_of_interest: Annotated[str, REGION_OF_INTEREST] = "",
    undistort: Annotated[Path | None, UNDISTORT] = None,
    backend: Annotated[str, typer.Option(help=f"{CHOICE}.")] = "auto",
    precision: Annotated[str, typer.Option(help="Which graph of the bundle.")] = "fp32",
    threads: Annotated[int, typer.Option(min=1, help="Threads of the engine.")] = 2,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first N images.")] = None,
    every: Annotated[int, typer.Option(min=1, help="One image of N.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Of corruptions, dropout, samples and resamples.")] = 0,
    report: Annotated[bool, typer.Option("--report/--no-report", help="Write report.html.")] = True,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace results in a folder that has some.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print metrics.json on stdout, nothing else there.")] = False,
) -> None:  # fmt: skip
    """Measure masks, confidence and image verdicts of a bundle on labelled images; writes metrics.json and a report."""
    given = dict(locals())
    from trustseg.backends import create_backend, select_backend
    from trustseg.bundle.loading import load_bundle
    from trustseg.files.json_document import check_output_folder, print_json, write_json
    from trustseg.pipeline import check_geometry
    from trustseg_lab.corruptions.catalogue import CLEAN, Corruption, parse_corruptions
    from trustseg_lab.data import LabelNames, passed_over
    from trustseg_lab.data.find_labels import LabelWish
    from trustseg_lab.evaluation.baselines.choose import ALL, parse_baselines
    from trustseg_lab.evaluation.evaluator import Evaluation
    from trustseg_lab.evaluation.html_report import write_report
    from trustseg_lab.evaluation.report import EvaluationContext, evaluation_report
    from trustseg_lab.precision.network_images import refuse_camera_form

    err = PlainConsole(stderr=True)
    check_output_folder(out, overwrite=overwrite)
    geometry = geometry_of(input_geometry, region_of_interest, undistort)
    corruptions = parse_corruptions(corrupt) if corrupt is not None else [Corruption(CLEAN, 0)]
    names = parse_baselines(baselines)
    named = LabelNames.parse(label_names) if label_names else None
    _refuse_dropped(given, names)
    sources = _sources(images, labels, void, dataset, root, split, protocol, fit_on, train_data, named)
    loaded = load_bundle(bundle, draft=True)
    refuse_camera_form(loaded.card)
    _check_protocol(loaded, sources.protocol)
    check_geometry(loaded, geometry)
    evaluated = sources.evaluated
    for line in passed_over(evaluated.images, evaluated.labels):
        err.print(line, soft_wrap=True, markup=False)
    wish = LabelWish.of_bundle(loaded.card.classes, label_format, judged_as, named, others=True)
    judged = None if wish.own.same_as(each.name for each in loaded.card.classes) else wish.own
    if judged is not None and (fit_on or train_data or protocol == PAPER12):
        raise InputError(
            "--classes judges other classes than the network's", got=f"--fit-on, --train-data or --protocol {PAPER12}",
            fix="these are for the network's own classes: leave one or the other out",
        )  # fmt: skip
    sources, found_labels = sources.read_as(wish, regrouped=judged is not None)
    evaluated = sources.evaluated
    pairs = evaluated.pairs()[::every][:limit]
    chosen = select_backend(backend, loaded, precision, threads)  # the golden test admits it
    chosen.close()
    engine = create_backend(chosen.name, loaded, precision, threads, expose_logits=True)
    say(found_labels, err)
    with Bars(err) as progress:
        made = _baselines(
            names, must=ALL not in baselines, loaded=loaded, engine=engine, sources=sources, pairs=pairs,
            ensemble=ensemble or [], options=(weights, passes, dropout, threads, seed, precision, geometry),
            progress=progress,
        )  # fmt: skip
        evaluation = Evaluation(
            loaded,
            engine,
            pairs,
            sources.evaluated.void,
            _blocks(pairs),
            precision,
            made.scorers,
            seed,
            judged,
            geometry,
        )
        started = perf_counter()
        state, corrupted = _evaluated(evaluation, corruptions, corrupt is not None, progress)
        wall_s = perf_counter() - started
    context = EvaluationContext(
        loaded, precision, engine.name, engine.version, str(sources.evaluated.images), str(sources.evaluated.labels),
        sources.evaluated.void, wall_s, sources.protocol, [each.name for each in corruptions] if corrupt else [],
        made.settings, made.left_out, bootstrap, seed, found_labels, judged, geometry,
    )  # fmt: skip
    found = evaluation_report(state, context, corrupted)
    write_json(out / "metrics.json", found.document)
    if report:
        write_report(out / "report.html", found, state)
    else:  # what an earlier run left there is of other figures
        (out / "report.html").unlink(missing_ok=True)
    if as_json:
        print_json(found.document)
    else:
        print_report(PlainConsole(), found)
    for name, why in made.left_out.items():
        err.print(f"left out: {name}: {why}", soft_wrap=True)
    err.print(f"written: {out / 'metrics.json'}" + (f", {out / 'report.html'}" if report else ""))


def _refuse_dropped(given: dict[str, Any], baselines: tuple[str, ...]) -> None:
    """InputError for an option that the others leave nothing to say."""
    if given["dataset"] is None:
        refuse_unused(evaluate, given, "root split", "without --dataset")
    else:
        refuse_unused(evaluate, given, "void label_names", "with --dataset")
    if given["dataset"] == "kitti":
        refuse_unused(evaluate, given, "split", "with --dataset kitti")
    if given["protocol"] == PAPER12:
        refuse_unused(evaluate, given, "void", f"with --protocol {PAPER12}")
    for options, makers in OF_BASELINES.items():
        if not {*makers} & {*baselines}:
            refuse_unused(evaluate, given, options, f"without --baselines {' or '.join(makers)}")


@dataclass(frozen=True)
class Sources:
    """What is evaluated, what baselines may be fitted on, and how void counts."""

    evaluated: LabelledSource
    fit_on: LabelledSource | None
    train_data: LabelledSource | None
    protocol: str

    def read_as(self, wish: LabelWish, *, regrouped: bool) -> tuple[Sources, tuple[str, ...]]:
        """The same with readers for the wanted classes, and what to say of what is evaluated.

        `regrouped`: the network has other classes, so that nothing can be fitted to its own.
        """
        evaluated, told = self.evaluated.read_as(wish)
        if regrouped:
            return Sources(evaluated, None, None, self.protocol), told
        fit_on, train_data = (each and each.read_as(wish)[0] for each in (self.fit_on, self.train_data))
        return Sources(evaluated, fit_on, train_data, self.protocol), told


def _sources(
    images: Path | None, labels: Path | None, void: int | None, dataset: str | None, root: Path | None, split: str,
    protocol: str, fit_on: str | None, train_data: str | None, names: LabelNames | None,
) -> Sources:  # fmt: skip
    """Folders of the options.

    Raises:
        InputError: neither folders nor a data set, or both, or one that is not there.
    """
    from trustseg_lab.calibrate.collect_views import LabelledFolder
    from trustseg_lab.data.dataset_layout import LabelledSource, dataset_source

    def given(text: str | None) -> LabelledSource | None:
        folder = LabelledFolder.parse(text, seen=False) if text else None
        return LabelledSource(folder.images, folder.labels, folder.void, names) if folder else None

    fit, train = given(fit_on), given(train_data)
    if protocol not in (CLEAN11, PAPER12):
        raise InputError("no such protocol", expected=f"{CLEAN11} or {PAPER12}", got=protocol)
    if dataset is None:
        if images is None or labels is None:
            raise InputError("nothing to evaluate on", expected="--images and --labels, or --dataset and --root")
        counted = PAPER12 if protocol == PAPER12 else OWN
        own = LabelledSource(images, labels, None if protocol == PAPER12 else void, names)
        return Sources(own, fit, train, counted)
    if root is None or images is not None or labels is not None:
        raise InputError("--dataset goes with --root, and without --images and --labels")

    def part(name: str) -> LabelledSource:
        source = dataset_source(dataset, root, name)
        return LabelledSource(source.images, source.labels, None) if protocol == PAPER12 else source

    if dataset == "camvid":
        fit = fit or part("train" if split == "val" else "val")
        train = train or (part("train") if split != "train" else None)
    return Sources(part(split), fit, train, protocol)


def _check_protocol(bundle: Bundle, protocol: str) -> None:
    """InputError where the bundle has no class for void."""
    count = len(bundle.card.classes)
    if protocol == PAPER12 and count != 12:
        raise InputError(
            f"protocol {PAPER12} counts void as a class, which bundle {bundle.card.name} does not have",
            expected="12 classes", got=str(count),
            fix="train one: trustseg train --config segnet_lite_paper12.yaml --classes classes_camvid12.yaml",
        )  # fmt: skip


def _blocks(pairs: list[LabelledPaths]) -> list[int]:
    from trustseg_lab.metrics.block_counts import blocks_of

    return blocks_of([pair.image.stem for pair in pairs])


def _baselines(
    names: tuple[str, ...], *, must: bool, loaded: Bundle, engine: Backend, sources: Sources,
    pairs: list[LabelledPaths], ensemble: list[str], options: tuple[Any, ...], progress: Bars,
) -> ChosenBaselines:  # fmt: skip
    from trustseg.backends import create_backend
    from trustseg.bundle.loading import load_bundle
    from trustseg_lab.evaluation.baselines.choose import BaselineNeeds, make_baselines
    from trustseg_lab.precision.network_images import refuse_camera_form

    weights, passes, dropout, threads, seed, precision, geometry = options
    others = [load_bundle(each, draft=True) for each in ensemble]
    for other in others:
        refuse_camera_form(other.card)
    members = [(each, create_backend(engine.name, each, "fp32", threads, expose_logits=True)) for each in others]
    wanted = (*names, "ensemble") if members and "ensemble" not in names else names
    needs = BaselineNeeds(
        loaded,
        engine,
        threads,
        seed,
        pairs,
        sources.fit_on,
        sources.train_data,
        weights,
        passes,
        dropout,
        members,
        precision,
        geometry,
    )
    task = progress.add_task("baselines", total=None)
    made = make_baselines(
        wanted, needs, must=must, on_start=lambda name: progress.update(task, description=f"preparing {name}")
    )
    progress.remove_task(task)
    return made


def _evaluated(
    evaluation: Evaluation, corruptions: list[Corruption], tell: bool, progress: Bars
) -> tuple[EvaluationState, dict[str, Any]]:
    """Counts of all views, and with `tell` the summary of each corruption."""
    from trustseg_lab.evaluation.evaluator import evaluate_images
    from trustseg_lab.evaluation.report import summary_of

    state, summaries = evaluation.empty(), {}
    task = progress.add_task("evaluate", total=len(evaluation.pairs) * len(corruptions))
    step: Callable[[], None] = lambda: progress.advance(task)  # noqa: E731
    for corruption in corruptions:
        if tell:
            progress.update(task, description=corruption.name)
        part = evaluate_images(evaluation, corruption, step)
        if tell:
            summaries[corruption.name] = summary_of(part, evaluation.bundle, evaluation.precision, evaluation.classes)
        state.merge(part)
    return state, summaries
