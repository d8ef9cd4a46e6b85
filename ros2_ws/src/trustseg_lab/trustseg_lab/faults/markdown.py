# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The measured table of faults as Markdown."""

from __future__ import annotations

from typing import Any

from trustseg.errors import InputError

HEAD = "| # | fault | how | bound ms | seen after ms, p50 / max | trials | state | reasons | caught |\n"
CALM_HEAD = (
    "| # | no fault | watched s | flag up % | without stalls % | at most % | rises / after stalls | longest ms | "
    "stalls / longest ms | reasons | quiet |\n"
)
WORDS = {True: "yes", False: "**no**", None: "not here"}


def markdown_table(document: dict[str, Any]) -> str:
    """The table of a document that `trustseg faults run --json` printed, remarks below it; InputError if it is none."""
    try:
        rows = [_row(each) for each in document["faults"]]
        calm = [_calm_row(each) for each in document.get("false_alarms", ())]
        every = [*document["faults"], *document.get("false_alarms", ())]
        notes = [f"{each['id']}: {each['why']}\n" for each in every if each["why"]]
    except (KeyError, TypeError) as error:
        raise InputError("not a document of `trustseg faults run --json`", got=f"no {error}") from error
    tables = [head + "|" + "---|" * (head.count("|") - 1) + "\n" + "".join(lines)
              for head, lines in ((HEAD, rows), (CALM_HEAD, calm)) if lines]  # fmt: skip
    return "\n".join(tables) + "".join(f"\n{note}" for note in notes)


def _calm_row(each: dict[str, Any]) -> str:
    longest = "-" if each["longest_up_ms"] is None else f"{each['longest_up_ms']:.0f}"
    known = each["stalls"] is not None
    cells = (
        each["id"], each["name"], f"{each['watched_s']:g}", f"{each['flag_up_percent']:g}",
        f"{each['without_stalls_percent']:g}" if known else "not known", f"{each['most_up_percent']:g}",
        f"{each['rises']} / {each['rises_after_stalls'] if known else '-'}", longest,
        f"{each['stalls']} / {each['longest_stall_ms']:.0f}" if known else "not known",
        ", ".join(each["reasons"]) or "-", WORDS[each["quiet"]],
    )  # fmt: skip
    return "| " + " | ".join(str(cell) for cell in cells) + " |\n"


def _row(each: dict[str, Any]) -> str:
    after = each["detected_after_ms"]
    seen = "-" if after["p50"] is None else f"{after['p50']:.0f} / {after['max']:.0f}"
    bound = "-" if each["bound_ms"] is None else f"{each['bound_ms']:g}"
    cells = (
        each["id"], each["name"], each["how"], bound, seen, each["trials"], each["state"] or "-",
        ", ".join(each["reasons"]) or "-", WORDS[each["caught"]],
    )  # fmt: skip
    return "| " + " | ".join(str(cell) for cell in cells) + " |\n"
