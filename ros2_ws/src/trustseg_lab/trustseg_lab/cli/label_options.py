# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Options about labels that several commands share, said once."""

from __future__ import annotations

from typing import Any

import typer

LABEL_NAMES: Any = typer.Option(
    metavar="IMAGE_END:LABEL_END",
    help="How label names differ, as _leftImg8bit:_gtFine_labelIds. Default: equal names, or a known form.",
)
