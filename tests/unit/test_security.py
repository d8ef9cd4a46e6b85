"""Policy, bill of materials and audit: documents held to their formats, and one clear line where a service is away."""

from __future__ import annotations

import json
import re
import threading
import uuid
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from trustseg.cli.app import main
from trustseg.errors import InputError
from trustseg.security import Deployment, Locked, known_advisories, locked_packages, policy_document
from trustseg.security.policy import resolved

ROOT = Path(__file__).resolve().parents[2]
RULES = {"ALLOW", "DENY"}
GROUPS = {"topics": ("topic", {"publish", "subscribe"}), "services": ("service", {"reply", "request"})}
STRANGE = [b"", b"[]", b'{"results": [{}, {}, {}]}', b'{"results": [{"vulns": [{}]}]}', b"<p>"]


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["security", *arguments])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


# Policy -------------------------------------------------------------------------------------------------------


def check_policy(document: str) -> None:
    """The structure that sros2's policy.xsd asks for, element by element."""
    policy = ElementTree.fromstring(document)
    assert (policy.tag, set(policy.attrib)) == ("policy", {"version"})
    (contexts,) = policy
    assert contexts.tag == "contexts"
    assert len(contexts) >= 1
    for context in contexts:
        assert (context.tag, set(context.attrib)) == ("context", {"path"})
        for profiles in context:
            assert profiles.tag == "profiles"
            assert set(profiles.attrib) <= {"type"}
            for profile in profiles:
                assert (profile.tag, set(profile.attrib)) == ("profile", {"ns", "node"})
                for group in profile:
                    item, rights = GROUPS[group.tag]
                    assert set(group.attrib) <= rights
                    assert set(group.attrib.values()) <= RULES
                    assert len(group) >= 1
                    assert all(each.tag == item and (each.text or "").startswith("/") for each in group)


@pytest.mark.parametrize("deployment", [Deployment(), Deployment(namespace="/front", sim_time=True)])
def test_the_policy_has_the_structure_of_sros2(deployment: Deployment) -> None:
    check_policy(policy_document(deployment))


def test_one_enclave_a_process_and_only_the_monitors_may_publish_the_flag() -> None:
    policy = ElementTree.fromstring(policy_document(Deployment()))
    nodes = {c.attrib["path"]: [p.attrib["node"] for p in c.iter("profile")] for c in policy.iter("context")}
    assert nodes == {
        "/trustseg/segmenter": ["trustseg"],
        "/trustseg/monitor": ["trustseg_monitor"],
        "/trustseg/planner": ["planner"],
    }
    for topic in ("/trustseg_monitor/failure_state", "/trustseg_monitor/failure"):
        may = [
            context.attrib["path"]
            for context in policy.iter("context")
            for group in context.iter("topics")
            if group.get("publish") == "ALLOW" and topic in [t.text for t in group]
        ]
        assert may == ["/trustseg/monitor"]
    assert not [text for text in policy.itertext() if "*" in text]


def test_names_are_made_absolute() -> None:
    assert resolved("~/mask", "/", "trustseg") == "/trustseg/mask"
    assert resolved("~/mask", "/front", "trustseg") == "/front/trustseg/mask"
    assert resolved("image", "/front", "trustseg") == "/front/image"
    assert resolved("/cam/image", "/front", "trustseg") == "/cam/image"


def test_the_policy_command_writes_the_file_and_says_what_comes_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, "policy", "--out", str(tmp_path / "new"), "--namespace", "front", "--planner", "driver")
    assert code == 0
    text = (tmp_path / "new" / "policy.xml").read_text()
    check_policy(text)
    assert '<profile ns="/front" node="driver">' in text
    assert f"create_permission KEYSTORE /trustseg/monitor {tmp_path / 'new' / 'policy.xml'}" in out


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    code, _, err = run(capsys, "policy", "--out", str(tmp_path / "file"))
    assert code == 2
    assert len(err.strip().splitlines()) == 1


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
    assert locked_packages([lock, lock]) == [
        Locked("good-name", "1.2.3", ("a" * 64, "b" * 64)),
        Locked("here", "4.0", ("b" * 64,)),
    ]


@pytest.mark.parametrize("line", ["name>=1", "    --hash=sha256:12", "-r other.txt", "name @ https://x.invalid/y.whl"])
def test_a_line_that_pins_nothing_is_refused(tmp_path: Path, line: str) -> None:
    lock = tmp_path / "x.txt"
    lock.write_text(f"{LOCK}{line}\n")
    with pytest.raises(InputError, match="line 9"):
        locked_packages([lock])


def test_locks_that_disagree_are_refused(tmp_path: Path) -> None:
    one, two = tmp_path / "1.txt", tmp_path / "2.txt"
    one.write_text("name==1\n")
    two.write_text("name==2\n")
    with pytest.raises(InputError, match="disagree on name"):
        locked_packages([one, two])
    with pytest.raises(InputError, match="cannot read"):
        locked_packages([tmp_path / "none.txt"])


def test_every_lock_of_this_repository_can_be_read() -> None:
    for lock in sorted((ROOT / "requirements").glob("*.txt")):
        packages = locked_packages([lock])
        assert packages
        assert all(p.sha256 for p in packages)


# Bill of materials --------------------------------------------------------------------------------------------


def check_bill(document: dict[str, Any]) -> None:
    """What CycloneDX 1.6's JSON schema asks of the parts that are used here."""
    assert (document["bomFormat"], document["specVersion"], document["version"]) == ("CycloneDX", "1.6", 1)
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", document["serialNumber"])
    uuid.UUID(document["serialNumber"])
    components = [document["metadata"]["component"], *document["components"]]
    kinds = {"application", "library", "machine-learning-model"}
    for each in components:
        assert each["type"] in kinds
        assert each["name"]
        assert all(set(h) == {"alg", "content"} and h["alg"] == "SHA-256" for h in each.get("hashes", []))
        assert all(re.fullmatch(r"[0-9a-f]{64}", h["content"]) for h in each.get("hashes", []))
        for licence in each.get("licenses", []):
            assert set(licence) in ({"license"}, {"expression"})
            assert "expression" in licence or len(set(licence["license"]) & {"id", "name"}) == 1
    refs = [each["bom-ref"] for each in components]
    assert len(set(refs)) == len(refs)
    assert sorted(d["ref"] for d in document["dependencies"]) == sorted(refs)
    assert {ref for d in document["dependencies"] for ref in d.get("dependsOn", [])} <= set(refs)


def test_the_bill_lists_every_locked_package_and_the_model(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "sbom")
    assert code == 0
    document = json.loads(out)
    check_bill(document)
    by_name = {c["name"]: c for c in document["components"]}
    locked = locked_packages([ROOT / "requirements" / name for name in ("runtime.txt", "ros.txt")])
    assert {p.name for p in locked} == {c["name"] for c in document["components"] if c["type"] == "library"}
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


def test_the_bill_goes_to_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lock = tmp_path / "own.txt"
    lock.write_text(LOCK)
    code, out, _ = run(capsys, "sbom", "--lock", str(lock), "--out", str(tmp_path / "bill.json"))
    assert (code, out.strip()) == (0, str(tmp_path / "bill.json"))
    document = json.loads((tmp_path / "bill.json").read_text())
    check_bill(document)
    precisions = sorted(json.loads((ROOT / "engines" / "segnet_lite" / "card.json").read_text())["models"])
    models = [f"segnet_lite {precision}" for precision in precisions]
    assert [c["name"] for c in document["components"]] == ["good-name", "here", *models]


# Audit --------------------------------------------------------------------------------------------------------


class Service(BaseHTTPRequestHandler):
    """An OSV service that knows something about one package; `answer` replaces what it says."""

    answer: bytes | None = None
    asked: list[dict[str, Any]]

    def do_POST(self) -> None:
        queries = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
        type(self).asked.extend(queries)
        known = {"vulns": [{"id": "OSV-1", "modified": "2026-01-01T00:00:00Z"}]}
        results = [known if q["package"]["purl"].startswith("pkg:pypi/here@") else {} for q in queries]
        content = self.answer if self.answer is not None else json.dumps({"results": results}).encode()
        self.send_response(200 if self.path == "/v1/querybatch" else 404)
        self.end_headers()
        self.wfile.write(content)

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


def test_known_weaknesses_are_named_and_end_with_1(
    service: tuple[type[Service], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kind, address = service
    lock = tmp_path / "own.txt"
    lock.write_text(LOCK)
    code, out, _ = run(capsys, "audit", "--lock", str(lock), "--service", address)
    assert (code, out.splitlines()) == (1, ["here 4.0: OSV-1", "2 packages, 1 known weaknesses"])
    assert kind.asked == [{"package": {"purl": f"pkg:pypi/{name}"}} for name in ("good-name@1.2.3", "here@4.0")]
    code, out, _ = run(capsys, "audit", "--lock", str(lock), "--service", address, "--json")
    rows = [{"package": "here", "version": "4.0", "advisory": "OSV-1"}]
    assert (code, json.loads(out)) == (1, {"packages": 2, "advisories": rows})


def test_nothing_known_ends_with_0(
    service: tuple[type[Service], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = tmp_path / "own.txt"
    lock.write_text("good==1\n")
    code, out, _ = run(capsys, "audit", "--lock", str(lock), "--service", service[1])
    assert (code, out.strip()) == (0, "1 packages, 0 known weaknesses")


@pytest.mark.parametrize(
    "answer", [b"", b"[]", b'{"results": [{}, {}, {}]}', b'{"results": [{"vulns": [{}]}]}', b"<p>"]
)
def test_a_strange_answer_is_no_clean_bill(service: tuple[type[Service], str], answer: bytes) -> None:
    service[0].answer = answer
    with pytest.raises(InputError, match="querybatch"):
        known_advisories([Locked("good", "1", ())], service[1])


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
    assert len(err.strip().splitlines()) == 1
    assert "nothing is known about the packages" in err


@pytest.mark.parametrize("address", ["http://example.com", "file:///etc/passwd", "ftp://x"])
def test_an_address_that_anybody_could_answer_for_is_refused(address: str) -> None:
    with pytest.raises(InputError, match="https"):
        known_advisories([Locked("good", "1", ())], address)
