"""The measured table of faults as Markdown."""

from __future__ import annotations

from typing import Any

from trustseg.errors import InputError

HEAD = "| # | fault | how | bound ms | seen after ms, p50 / max | trials | state | reasons | caught |\n"
WORDS = {True: "yes", False: "**no**", None: "not here"}


def markdown_table(document: dict[str, Any]) -> str:
    """The table of a document that `trustseg faults run --json` printed, remarks below it; InputError if it is none."""
    try:
        rows = [_row(each) for each in document["faults"]]
        notes = [f"{each['id']}: {each['why']}\n" for each in document["faults"] if each["why"]]
    except (KeyError, TypeError) as error:
        raise InputError("not a document of `trustseg faults run --json`", got=f"no {error}") from error
    rule = "|" + "---|" * (HEAD.count("|") - 1) + "\n"
    return HEAD + rule + "".join(rows) + "".join(f"\n{note}" for note in notes)


def _row(each: dict[str, Any]) -> str:
    after = each["detected_after_ms"]
    seen = "-" if after["p50"] is None else f"{after['p50']:.0f} / {after['max']:.0f}"
    bound = "-" if each["bound_ms"] is None else f"{each['bound_ms']:g}"
    cells = (
        each["id"], each["name"], each["how"], bound, seen, each["trials"], each["state"] or "-",
        ", ".join(each["reasons"]) or "-", WORDS[each["caught"]],
    )  # fmt: skip
    return "| " + " | ".join(str(cell) for cell in cells) + " |\n"
