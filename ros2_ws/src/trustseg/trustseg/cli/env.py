# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg env`: what this machine has for the product, and what it lacks."""

from __future__ import annotations

import platform
import sys
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from trustseg.bundle.loading import engine_roots, load_bundle
from trustseg.bundle.unknown_objects import unknown_objects_policy
from trustseg.cli.plain_console import PlainConsole
from trustseg.errors import BundleError
from trustseg.files.json_document import print_json
from trustseg.host import machine
from trustseg.host.machine import Fact

PIPED_WIDTH = 200  # nobody wraps a pipe


def env(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")] = False,
) -> None:
    """Show Python, ROS 2, backends, processor, GPU (or why none) and bundles as this command finds them."""
    system = Fact("system", platform.system() == "Linux", platform.platform())
    groups = {
        "machine": [system, *machine.cpu_facts(), machine.gpu_fact()],
        "python": machine.python_facts(),
        "ros": machine.ros_facts(),
        "backends": machine.backend_facts(),
        "bundles": bundle_facts(),
        "optional": machine.optional_facts(),
    }
    if as_json:
        document = {
            group: {f.name: {k: v for k, v in asdict(f).items() if k != "name"} for f in facts}
            for group, facts in groups.items()
        }
        print_json(document)
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold")
    table.add_column()
    table.add_column()
    table.add_column(overflow="fold")
    for group, facts in groups.items():
        for number, fact in enumerate(facts):
            mark = Text("yes", "green") if fact.found else Text("no", "yellow")
            table.add_row(group if number == 0 else "", fact.name, mark, fact.text)
        table.add_section()
    PlainConsole(width=None if sys.stdout.isatty() else PIPED_WIDTH).print(table)


def bundle_facts() -> list[Fact]:
    """Every bundle where a name would be looked for; of two with one name the first is the one that runs."""
    facts: dict[str, Fact] = {}
    for root in engine_roots():
        for card in sorted(root.glob("*/card.json")):
            name = card.parent.name
            if name not in facts:
                facts[name] = _bundle(name, card.parent.as_posix())
    return list(facts.values()) or [Fact("none", False, "looked in " + ", ".join(str(root) for root in engine_roots()))]


def _bundle(name: str, path: str) -> Fact:
    try:
        loaded = load_bundle(path, draft=True)
        card, unknown = loaded.card, unknown_objects_policy(loaded)
    except BundleError as error:
        return Fact(name, False, str(error))
    size = f"{card.input.height}x{card.input.width}"
    precisions = ", ".join(f"{p} {ref.sha256[:12]}" for p, ref in card.models.items())
    return Fact(name, True, f"{size}, {len(card.classes)} classes, {precisions} ({path}); {unknown}")
