# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Options about recordings and the engine that looks at them, the same in every command that has them."""

from __future__ import annotations

from typing import Any

import typer

from trustseg.backend_registry import CHOICE

INPUTS: Any = typer.Argument(metavar="INPUT...", help="ROS 2 or ROS 1 bags, videos, or folders of images.")
BUNDLE: Any = typer.Option(help="Bundle: a folder with card.json, or a name under engines/.")
TOPIC: Any = typer.Option(help="Image topic of a bag, once for each camera; needed when it has several.")
ALL_TOPICS: Any = typer.Option("--all-topics", help="Every image topic, each a camera of its own.")
START: Any = typer.Option(help="Seconds after the first image to begin at.")
END: Any = typer.Option(help="Seconds after the first image to end before.")
BACKEND: Any = typer.Option(help=f"{CHOICE}. Default: the one that the bundle's card names.")
PRECISION: Any = typer.Option(help="Which graph of the bundle.")
THREADS: Any = typer.Option(help="Threads of the engine.")
