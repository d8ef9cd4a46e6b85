# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Bill of materials and audit: documents held to their formats, and one clear line where a service is away."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import re
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from trustseg.cli.app import main
from trustseg.errors import InputError
from trustseg_lab.security import audit
from trustseg_lab.security.audit import KNOWN, known_advisories
from trustseg_lab.security.pins import Pin, pins

ROOT = Path(__file__).resolve().parents[4]


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["security", *arguments])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


# Locks --------------------------------------------------------------------------------------------------------


LOCK = """# a comment
Good_Name==1.2.3 \\
    --hash=sha256:{a} \\
    --hash=sha256:{b}
elsewhere==9 ; sys_platform == 'win32' \\
    --hash=sha256:{a}
here==4.0 ; sys_platform == 'linux' \\
    --hash=sha256:{b}
""".format(a="a" * 64, b="b" * 64)


def test_a_lock_is_read_for_this_machine(tmp_path: Path) -> None:
    lock = tmp_path / "x.txt"
    lock.write_text(LOCK)
    found = pins([lock, lock])
    assert [(pin.name, pin.version) for pin in found] == [("good-name", "1.2.3"), ("here", "4.0")]
    assert [pin.line.count("--hash=sha256:") for pin in found] == [2, 1]


@pytest.mark.parametrize(
    "line", ["name>=1", "name", "name==1.*", "-r other.txt", "-c other.txt", "name @ https://x.invalid/y.whl", "?"]
)
def test_a_line_that_pins_nothing_is_refused(tmp_path: Path, line: str) -> None:
    lock = tmp_path / "x.txt"
    lock.write_text(f"{LOCK}{line}\n")
    with pytest.raises(InputError, match="line 9"):
        pins([lock])


def test_locks_that_disagree_are_refused(tmp_path: Path) -> None:
    one, two = tmp_path / "1.txt", tmp_path / "2.txt"
    one.write_text("name==1\n")
    two.write_text("name==2\n")
    with pytest.raises(InputError, match="disagree on name"):
        pins([one, two])
    for wrong in (tmp_path / "none.txt", tmp_path):
        with pytest.raises(InputError, match="cannot read"):
            pins([wrong])


def test_every_lock_of_this_repository_can_be_read() -> None:
    for lock in sorted((ROOT / "requirements").glob("*.txt")):
        found = pins([lock])
        assert found
        assert all("--hash=sha256:" in pin.line for pin in found)


# Bill of materials --------------------------------------------------------------------------------------------


def check_bill(text: str) -> dict[str, Any]:
    """The document, held to the schema of CycloneDX 1.6; every reference leads to a component."""
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    document: dict[str, Any] = json.loads(text)
    assert (document["specVersion"], document["version"]) == ("1.6", 1)
    refs = [each["bom-ref"] for each in (document["metadata"]["component"], *document["components"])]
    assert len(set(refs)) == len(refs)
    assert sorted(d["ref"] for d in document["dependencies"]) == sorted(refs)
    assert {ref for d in document["dependencies"] for ref in d.get("dependsOn", [])} <= set(refs)
    return document


def hashes_of(component: dict[str, Any]) -> list[str]:
    return [h["content"] for each in component["externalReferences"] for h in each.get("hashes", [])]


@pytest.mark.slow
def test_the_bill_lists_every_locked_package_and_the_model(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "sbom")
    assert code == 0
    document = check_bill(out)
    by_name = {c["name"]: c for c in document["components"]}
    locked = pins([ROOT / "requirements" / name for name in ("runtime.txt", "ros.txt")])
    libraries = {c["bom-ref"]: c for c in document["components"] if c["type"] == "library"}
    assert {p.purl for p in locked} == set(libraries)
    assert all(set(hashes_of(libraries[p.purl])) == set(re.findall("sha256:([0-9a-f]{64})", p.line)) for p in locked)
    assert by_name["numpy"]["purl"] == f"pkg:pypi/numpy@{by_name['numpy']['version']}"
    assert by_name["numpy"]["licenses"]
    card = json.loads((ROOT / "engines" / "segnet_lite" / "card.json").read_text())
    model = by_name["segnet_lite fp32"]
    assert (model["type"], model["hashes"][0]["content"]) == (
        "machine-learning-model", card["models"]["fp32"]["sha256"],
    )  # fmt: skip
    root = next(d for d in document["dependencies"] if d["ref"] == document["metadata"]["component"]["bom-ref"])
    assert by_name["numpy"]["bom-ref"] in root["dependsOn"]
    opencv = next(d for d in document["dependencies"] if d["ref"] == by_name["opencv-python-headless"]["bom-ref"])
    assert opencv["dependsOn"] == [by_name["numpy"]["bom-ref"]]
    assert run(capsys, "sbom")[1] == out  # the same input, the same bytes


@pytest.mark.slow
def test_the_bill_goes_to_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lock = tmp_path / "own.txt"
    lock.write_text(LOCK)
    code, out, _ = run(capsys, "sbom", "--lock", str(lock), "--out", str(tmp_path / "bill.json"))
    assert (code, out.strip()) == (0, str(tmp_path / "bill.json"))
    document = check_bill((tmp_path / "bill.json").read_text())
    precisions = sorted(json.loads((ROOT / "engines" / "segnet_lite" / "card.json").read_text())["models"])
    models = [f"segnet_lite {precision}" for precision in precisions]
    assert [c["name"] for c in document["components"]] == ["Good_Name", "here", *models]


# Audit --------------------------------------------------------------------------------------------------------


class Service(BaseHTTPRequestHandler):
    """An OSV service that knows something about two packages; `answer` replaces what it says."""

    answer: bytes | None = None
    asked: list[tuple[str, str]]

    def do_POST(self) -> None:
        query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert query["package"]["ecosystem"] == "PyPI"
        name = query["package"]["name"]
        type(self).asked.append((name, query["version"]))
        weakness = {"id": "OSV-1", "summary": "opens the door", "affected": [], "modified": "2026-01-01T00:00:00Z"}
        content = json.dumps({"vulns": [weakness]} if name in ("here", KNOWN.name) else {}).encode()
        self.send_response(200 if self.path == "/v1/query" else 404)
        self.end_headers()
        self.wfile.write(content if self.answer is None else self.answer)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def service() -> Iterator[tuple[type[Service], str]]:
    kind = type("OneService", (Service,), {"asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield kind, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """pip-audit in this process: most of what one of its own does is to load. Other tests here start it."""

    def audited(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        from pip_audit._cli import audit as main_of_pip_audit

        assert command[:3] == [sys.executable, "-m", "pip_audit"]
        out, err, code = io.StringIO(), io.StringIO(), 0
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), monkeypatch.context() as patch:
            patch.setattr(sys, "argv", command[2:])
            try:
                main_of_pip_audit()
            except SystemExit as ended:
                code = int(ended.code or 0)
            except Exception:
                traceback.print_exc()
                code = 1
        return subprocess.CompletedProcess(command, code, out.getvalue(), err.getvalue())

    monkeypatch.setattr(audit, "subprocess", SimpleNamespace(run=audited))  # pip-audit starts others itself


@pytest.mark.slow
def test_known_weaknesses_are_named_and_end_with_1(
    service: tuple[type[Service], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kind, address = service
    lock = tmp_path / "own.txt"
    lock.write_text(LOCK)
    code, out, _ = run(capsys, "audit", "--lock", str(lock), "--service", address)
    assert (code, out.splitlines()) == (1, ["here 4.0: OSV-1", "2 packages, 1 known weaknesses"])
    assert kind.asked[0] == (KNOWN.name, KNOWN.version)
    assert sorted(kind.asked[1:]) == [("good-name", "1.2.3"), ("here", "4.0")]
    code, out, _ = run(capsys, "audit", "--lock", str(lock), "--service", f"{address}/", "--json")
    rows = [{"package": "here", "version": "4.0", "advisory": "OSV-1"}]
    assert (code, json.loads(out)) == (1, {"packages": 2, "advisories": rows})


@pytest.mark.slow
@pytest.mark.usefixtures("loaded_once")
def test_nothing_known_ends_with_0(
    service: tuple[type[Service], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = tmp_path / "own.txt"
    lock.write_text("good==1\n")
    code, out, _ = run(capsys, "audit", "--lock", str(lock), "--service", service[1])
    assert (code, out.strip()) == (0, "1 packages, 0 known weaknesses")


@pytest.mark.parametrize("answer", [b"", b"[]", b"{}", b"null", b'{"results": []}', b'{"vulns": [{}]}', b"<p>"])
@pytest.mark.slow
@pytest.mark.usefixtures("loaded_once")
def test_a_strange_answer_is_no_clean_bill(service: tuple[type[Service], str], answer: bytes) -> None:
    service[0].answer = answer
    with pytest.raises(InputError, match="answer of OSV's query"):
        known_advisories([Pin("good", "1", "")], service[1])


def test_a_service_that_is_away_is_one_clear_line_and_not_a_clean_bill(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = tmp_path / "own.txt"
    lock.write_text(LOCK)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    address = f"http://127.0.0.1:{server.server_port}"
    server.server_close()
    code, out, err = run(capsys, "audit", "--lock", str(lock), "--service", address)
    assert (code, out) == (2, "")
    (line,) = [each for each in err.strip().splitlines() if not each.startswith("asking ")]
    assert "nothing is known about the packages" in line


@pytest.mark.parametrize("address", ["http://example.com", "file:///etc/passwd", "ftp://x"])
def test_an_address_that_anybody_could_answer_for_is_refused(address: str) -> None:
    with pytest.raises(InputError, match="https"):
        known_advisories([Pin("good", "1", "")], address)


@pytest.mark.parametrize("command", ["sbom", "audit"])
def test_what_the_runtime_does_without_is_named(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    code, out, err = run(capsys, command)
    assert (code, out) == (2, "")
    (line,) = err.strip().splitlines()
    assert "pip install -e './ros2_ws/src/trustseg_lab[security]'" in line
