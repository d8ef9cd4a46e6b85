# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The page of a benchmark: columns without values are left out, words stand on the left, results before the list."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

from trustseg_lab.benchmark.report import page
from trustseg_lab.benchmark.study import Answer


def told(rows: list[list[Any]]) -> str:
    """The page of one bundle with one study, whose heads are `name`, `figure`, `nothing`."""
    answer = Answer("A study", "What <it> shows.", ("name", "figure", "nothing"), rows)
    bundle = {
        "groups": {"clean": {"views": 3, "blocks": 2, "quality_mean": 0.5, "failed_share": 0.0, "notes": []}},
        "pixel": {}, "image": {}, "class": {}, "region": {}, "mean_rank": {}, "cost": {}, "left_out": {},
        "studies": {"one": {"title": answer.title, "hint": answer.hint, "heads": answer.heads, "rows": rows}},
    }  # fmt: skip
    system = {"number": 1, "name": "first", "paper": "p", "level": "pixel", "methods": [], "studies": ["one"],
              "state": "runs", "note": "", "published": ""}  # fmt: skip
    run: Any = SimpleNamespace(name="tiny", found=SimpleNamespace(groups=list), answers={"one": answer})
    return page({"bundles": {"tiny": bundle}, "catalogue": [system]}, [run], {})


def test_columns_without_a_value_are_left_out_and_words_stand_on_the_left() -> None:
    html = told([["clean", 0.25, None], ["fitted", -1.5, float("nan")]])
    study = html[html.index("A study</h2>") :]
    study = study[: study.index("</section>")]
    assert '<th tabindex="0" class="text">name</th><th tabindex="0">figure</th></tr>' in study
    assert '<tr><td class="text">clean</td><td>0.2500</td></tr>' in study
    assert "nothing" not in study
    assert "What &lt;it&gt; shows." in study


def test_an_interval_behind_a_number_leaves_it_a_number() -> None:
    assert '<td class="text">3 to 4</td>' in told([["x", "3 to 4", None]])
    assert "<td>3</td>" in told([["x", 3, None]])


def test_every_part_is_linked_and_the_list_of_systems_comes_last() -> None:
    html = told([])
    titles = re.findall(r'<section id="(s\d+)"><h2>(.*?)</h2>', html)
    links = re.findall(r'<a href="#(s\d+)">(.*?)</a>', html)
    assert titles == links
    assert [title for _, title in titles] == ["tiny", "A study", "The systems of the papers"]
    assert "<tbody></tbody>" not in html  # a study that tells nothing has no table
