# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The documents are true of the repository: links, paths and module names lead somewhere; the README stays short."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from trustseg_lab.harness.script import ALL_KINDS, TITLES, parse_kinds

ROOT = Path(__file__).resolve().parents[3]
SOURCES = ROOT / "ros2_ws" / "src"
PACKAGES = sorted(path.parent.name for path in SOURCES.glob("*/package.xml"))
TOP = sorted(ROOT.glob("*.md"))
DOCUMENTS = [*TOP, *sorted((ROOT / "docs").rglob("*.md"))]
# The changelog tells of what was there once.
PRESENT = [path for path in DOCUMENTS if path.name != "CHANGELOG.md"]
FOLDERS = ("docs", "docker", "examples", "launch", "scripts", "tests", "requirements", "ros2_ws", "calibration")
PATH = re.compile(rf"(?<![\w/.:-])(?:{'|'.join((*FOLDERS, *PACKAGES))})/[\w*./-]*[\w*/]")
MADE = ("ros2_ws/build", "ros2_ws/install", "ros2_ws/log")  # by set-up
DOTTED = re.compile(rf"(?<![\w/.-])(?:{'|'.join(PACKAGES)})(?:\.\w+)+")
FILES = (".py", ".yaml", ".msg", ".toml")


def identifier(path: Path) -> str:
    return str(path.relative_to(ROOT))


def links(text: str) -> Iterator[str]:
    outside = re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.DOTALL)
    yield from (link for link in re.findall(r"\]\(([^)\s]+)\)", outside) if "://" not in link)


def anchors(text: str) -> set[str]:
    """Names of the headings, as hosting platforms and the site make them."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=identifier)
def test_every_link_leads_somewhere(document: Path) -> None:
    for link in links(document.read_text(encoding="utf-8")):
        name, _, anchor = link.partition("#")
        target = (document.parent / name).resolve() if name else document
        assert target.is_relative_to(ROOT), link
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text(encoding="utf-8")), link


def exists(named: str) -> bool:
    first, _, rest = named.partition("/")
    if first == "trustseg_interfaces" and (SOURCES / first / "msg" / f"{rest}.msg").exists():
        return True  # the type of a message
    roots = (SOURCES / first,) if first in PACKAGES else (ROOT,)
    return any(any(root.glob(named)) for root in roots)


@pytest.mark.parametrize("document", PRESENT, ids=identifier)
def test_every_path_that_is_named_is_there(document: Path) -> None:
    named = {found.group().rstrip("./") for found in PATH.finditer(document.read_text(encoding="utf-8"))}
    assert sorted(each for each in named if not each.startswith(MADE) and not exists(each)) == []


@pytest.mark.parametrize("document", PRESENT, ids=identifier)
def test_every_test_that_is_named_is_there(document: Path) -> None:
    for path, name in re.findall(r"(tests/[\w/]+\.py)::(\w+)", document.read_text(encoding="utf-8")):
        assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8"), f"{path}::{name}"


def defined(name: str) -> bool:
    """Whether a dotted name is a module, or a module's name in front of one that it defines."""
    parts = name.split(".")
    at = SOURCES / parts[0] / parts[0]
    for i, part in enumerate(parts[1:], start=1):
        if (at / part).is_dir():
            at /= part
            continue
        source = at / f"{part}.py"
        if source.is_file():
            return not parts[i + 1 :] or names(source, parts[i + 1])
        return names(at / "__init__.py", part)
    return True


def names(source: Path, name: str) -> bool:
    """Whether a module defines the name or hands it on."""
    found = rf"^\s*(?:class|def) {name}\b|^{name}\b|\"{name}\""
    return re.search(found, source.read_text(encoding="utf-8"), re.MULTILINE) is not None


@pytest.mark.parametrize("document", PRESENT, ids=identifier)
def test_every_module_that_is_named_is_there(document: Path) -> None:
    named = {found.group() for found in DOTTED.finditer(document.read_text(encoding="utf-8"))}
    assert sorted(name for name in named if not name.endswith(FILES) and not defined(name)) == []


def test_the_three_checks_notice_what_is_wrong() -> None:
    assert list(links("[a](b.md#c) `[d](e.md)` [f](https://g)")) == ["b.md#c"]
    assert anchors("## A b, c: `d`\n```sh\n# no heading\n```") == {"a-b-c-d"}
    assert exists("trustseg/pipeline.py")
    assert exists("trustseg_interfaces/FailureState")
    assert not exists("trustseg/nothing.py")
    assert not exists("docs/nothing.md")
    assert defined("trustseg.load")
    assert not defined("trustseg.nothing")
    assert not defined("trustseg.pipeline.Nothing")
    assert PATH.findall("a `docs/x.md`, /docs/y.md and out/docs/z.md") == ["docs/x.md"]


def test_the_readme_is_short_and_says_its_limits_first() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 155
    assert len(text.split()) <= 1200
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert headings[:3] == ["Known limits", "Quick start", "In Python"]


def test_the_readme_leads_to_every_page() -> None:
    """The other way about is mkdocs' part: a page that the site's contents leave out is an error of `--strict`."""
    told = set(links((ROOT / "README.md").read_text(encoding="utf-8")))
    reached = {(ROOT / link.partition("#")[0]).resolve() for link in told}
    for page in [path for path in reached if path.suffix == ".md"]:
        reached |= {
            (page.parent / link.partition("#")[0]).resolve() for link in links(page.read_text(encoding="utf-8"))
        }
    assert (
        sorted(
            identifier(path)
            for path in DOCUMENTS
            if path not in reached and path.name not in ("README.md", "CHANGELOG.md")
        )
        == []
    )


def test_the_site_fetches_nothing_from_elsewhere() -> None:
    settings = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    assert settings["theme"]["font"] is False
    assert {each if isinstance(each, str) else next(iter(each)) for each in settings["plugins"]} == {
        "search",
        "mkdocstrings",
    }
    for path in ("README.md", "mkdocs.yml", *(f"docs/{page.name}" for page in (ROOT / "docs").glob("*.css"))):
        assert "http" not in (ROOT / path).read_text(encoding="utf-8"), path


def test_nothing_cites_what_is_not_in_the_repository() -> None:
    """Notes of the design: their sections and rules are no place that a reader could open."""
    cited = re.compile(r"the design's|(?<!by )design: |\(rule R\d|\((?:\w+, )+section \d")
    sources = [path for folder in ("ros2_ws/src", "scripts", "tests") for path in (ROOT / folder).rglob("*.py")]
    assert len(sources) > 500
    found = [identifier(p) for p in [*DOCUMENTS, *sources] if cited.search(p.read_text(encoding="utf-8"))]
    assert found == [str(Path(__file__).relative_to(ROOT))]  # this very pattern


@pytest.mark.parametrize("document", DOCUMENTS, ids=identifier)
def test_nothing_is_left_open(document: Path) -> None:
    assert not re.search(r"@@|TODO|FIXME|\bTBD\b", document.read_text(encoding="utf-8"))


def test_the_readme_shows_the_demo_as_it_prints() -> None:
    """Its words; seconds and milliseconds are those of one run."""
    shown = (ROOT / "README.md").read_text(encoding="utf-8").split("```text\n")[1].split("```")[0].splitlines()
    report = (SOURCES / "trustseg_lab" / "trustseg_lab" / "demo" / "printed_report.py").read_text(encoding="utf-8")
    assert [heading for heading in re.split(r"  +", shown[0].strip()) if f'"{heading}"' not in report] == []
    starts = [re.split(r"  +", line.strip())[0] for line in shown[2:] if re.match(r" \w", line)]
    assert starts == [TITLES[kind] for kind in parse_kinds("all", ALL_KINDS)]
    verdict = re.fullmatch(r"PASS (.*), (.*)", shown[-1])
    assert verdict
    assert all(words in report for words in verdict.groups())
