"""Faults T29 to T41, T70 and T71: what EDGAR, or someone in between, may answer.

Each test injects one fault at a local server and asserts the outcome and its message. Time is
virtual where a wait matters, so only the deadline and the rate are met in real seconds.
"""

import re
import socket
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import orjson
import pytest

from ingest.archive import Archive
from ingest.edgar.client import BlockedError, Client, Limits
from ingest.edgar.fetch import fetch
from ingest.edgar.urls import Hosts
from ingest.records import FetchError
from ingest.replay import replay
from support import fake_edgar, tiny
from support.clock import VirtualClock
from support.fake_edgar import FakeEdgar
from support.tiny import CIK, COMPANY, OTHER, Q1, Q2, Q3

CHECKOUT = Path(__file__).parents[2]
AGENT = "Test Person test@example.org"
LIST, FACTS = tiny.list_path(), tiny.facts_path()
DOCUMENT = f"{tiny.folder(Q2.accession)}/{Q2.document}"


class World:
    """A server, an archive and a client on a virtual clock."""

    def __init__(self, edgar, root):
        self.edgar, self.root = edgar, root
        self.clock = VirtualClock()
        self.archive = Archive(root / "archive")

    def client(self, hosts=None, **limits):
        return Client(
            AGENT,
            self.root,
            hosts=hosts or self.edgar.hosts,
            limits=Limits(**limits),
            clock=self.clock,
            sleep=self.clock.sleep,
        )

    def fetch(self, companies=(COMPANY,), **options):
        with self.client() as client:
            return fetch(self.archive, client, companies, **options)

    def get(self, path, expect="json", **limits):
        with self.client(**limits) as client:
            return client.get(f"{self.edgar.url}/{path}", expect)

    def bodies(self):
        return {self.archive.get(entry.sha256) for entry in self.archive.entries()}


@pytest.fixture
def world(tmp_path):
    with FakeEdgar(pages=tiny.site([Q1, Q2])) as edgar:
        yield World(edgar, tmp_path)


def reasons(problems):
    return " | ".join(problem.reason for problem in problems)


# T29, T30, T31: refusals ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "refusal",
    [fake_edgar.status(429), fake_edgar.rate_page(403), fake_edgar.rate_page(429), fake_edgar.status(403, b"<p>no")],
    ids=["429", "403 page", "429 page", "403 of another kind"],
)
def test_t29_too_many_requests_pauses_everything_for_ten_minutes(world, refusal):
    world.edgar.fault("index.json", refusal)
    began = world.clock.now
    result = world.fetch([COMPANY, OTHER])
    assert re.search("request rate was exceeded.*Try again after 20.* UTC", result.stopped)
    assert [problem.ticker for problem in result.failed] == ["TINY", "OTHR"]
    assert not result.is_complete
    asked = len(world.edgar.log)

    while world.clock.now < began + 600:  # new clients, as after a restart: not one request
        assert "slow down" in world.fetch([OTHER, COMPANY]).stopped
        world.clock.now += 60
    assert len(world.edgar.log) == asked

    world.clock.now = began + 610
    assert world.fetch().is_complete
    assert tiny.instance(Q2) in world.bodies()


def test_t29_a_longer_retry_after_lengthens_the_pause(world):
    world.edgar.fault(LIST, fake_edgar.status(429, Retry_After="1800"))
    world.fetch()
    asked = len(world.edgar.log)
    world.clock.now += 1790
    assert world.fetch().stopped
    assert len(world.edgar.log) == asked
    world.clock.now += 20
    assert world.fetch().is_complete


def test_t30_an_undeclared_client_stops_at_once_and_is_told_what_to_do(world):
    client = Client("python", world.root, hosts=world.edgar.hosts, clock=world.clock, sleep=world.clock.sleep)
    result = fetch(world.archive, client, [COMPANY, OTHER])
    assert len(world.edgar.log) == 1
    assert re.search("undeclared automated tool.*e-mail address into SEC_USER_AGENT", result.stopped)


def test_t31_the_throttle_page_with_status_200_is_not_data(world):
    world.edgar.fault(re.escape(DOCUMENT), fake_edgar.rate_page(200))
    result = world.fetch()
    assert "request rate was exceeded (HTTP 200)" in result.stopped
    assert not any(b"<title>Request Rate" in body for body in world.bodies())
    world.clock.now += 700
    assert world.fetch().is_complete


@pytest.mark.parametrize("path", [LIST, FACTS])
def test_t31_an_html_page_in_place_of_json_is_never_archived(world, path):
    world.edgar.fault(path, fake_edgar.answer(b"<!DOCTYPE html><html>Maintenance</html>"), times=4)
    result = world.fetch()
    assert "an HTML page came where JSON was due, after 4 attempts" in reasons(result.failed)
    assert not any(b"Maintenance" in body for body in world.bodies())
    assert world.fetch().is_complete


def test_t31_an_html_page_in_place_of_a_filing_is_refused(world):
    world.edgar.fault(re.escape(DOCUMENT), fake_edgar.answer(b"<html><body>Maintenance</body></html>"))
    result = world.fetch()
    (problem,) = result.quarantined
    assert problem.accession == Q2.accession
    assert "not an XBRL instance" in problem.reason
    assert result.new_accessions == [Q1.accession]
    assert world.fetch().new_accessions == [Q2.accession]


# T32: cut bodies -----------------------------------------------------------------------------------

CUTS = {
    "gzip cut, length matches": fake_edgar.gzip_cut(),
    "gzip cut to its header": fake_edgar.gzip_cut(0.02),
    "gzip without trailer": fake_edgar.gzip_without_trailer(),
    "gzip with a wrong checksum": fake_edgar.gzip_damaged(),
    "plain, cut, length matches": fake_edgar.identity_cut(),
    "shorter than its length": fake_edgar.length_mismatch(),
    "chunked, last chunk missing": fake_edgar.chunked_cut(),
    "ends with the connection, cut": fake_edgar.close_delimited(),
    "ends with the connection, cut after a tag": fake_edgar.close_delimited(0.999),
}


@pytest.mark.parametrize("path", [LIST, FACTS, DOCUMENT], ids=["list", "facts", "document"])
@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
def test_t32_a_cut_body_is_asked_for_again_and_never_stored(world, cut, path):
    world.edgar.fault(re.escape(path), cut, times=2)
    result = world.fetch()
    assert result.is_complete
    assert len(world.edgar.paths(re.escape(path))) == 3
    assert world.bodies() == set(world.edgar.pages.values())


def test_t32_a_body_that_stays_cut_fails_and_leaves_the_rest(world):
    world.edgar.fault(re.escape(DOCUMENT), fake_edgar.gzip_cut(), times=99)
    result = world.fetch()
    (problem,) = result.failed
    assert (problem.ticker, problem.accession) == ("TINY", Q2.accession)
    assert "gzip stream was cut before its end, after 4 attempts. Nothing of it was kept" in problem.reason
    assert result.new_accessions == [Q1.accession]


# T33: slowness -------------------------------------------------------------------------------------


@pytest.mark.parametrize("in_headers", [False, True], ids=["body", "headers"])
def test_t33_a_dripping_answer_meets_the_total_deadline(world, in_headers):
    world.edgar.fault(LIST, fake_edgar.drip(0.05, in_headers))
    began = time.monotonic()
    with pytest.raises(FetchError, match=r"not complete within 0.3 s, after 1 attempts"):
        world.get(LIST, total=0.3, attempts=1)
    assert time.monotonic() - began < 2


def test_t33_a_silent_server_meets_the_read_timeout(world):
    world.edgar.fault(LIST, lambda *_: time.sleep(1))
    began = time.monotonic()
    with pytest.raises(FetchError, match="the connection failed .*after 1 attempts"):
        world.get(LIST, read=0.2, attempts=1)
    assert time.monotonic() - began < 0.9


# T34, T35: connections and servers that fail -------------------------------------------------------


def test_t34_a_reset_connection_is_retried(world):
    world.edgar.fault("", fake_edgar.reset(), times=3)
    assert world.fetch().is_complete


def test_t34_resets_without_end_are_given_up_with_jitter_between(world):
    world.edgar.fault("", fake_edgar.reset(), times=999)
    result = world.fetch([COMPANY, OTHER])
    assert len(world.edgar.log) == 8
    assert [problem.ticker for problem in result.failed] == ["TINY", "OTHR"]
    assert "the connection failed (ConnectionError), after 4 attempts" in reasons(result.failed)
    waits = [seconds for seconds in world.clock.sleeps if seconds >= 0.5]
    assert len(waits) == 6
    assert len(set(waits)) == 6
    assert sum(waits) < 15


@pytest.mark.parametrize("base", ["http://edgar.invalid", "https://127.0.0.1:{port}", "http://127.0.0.1:1"])
def test_t34_name_tls_and_refused_connections_fail_bounded_and_keep_what_is_archived(world, base):
    assert world.fetch().is_complete
    before = {entry.sha256 for entry in world.archive.entries()}
    base = base.format(port=world.edgar.url.rpartition(":")[2])
    with world.client(Hosts(data=base, www=base)) as client:
        result = fetch(world.archive, client, [COMPANY])
        assert client.requests_sent == 4
    assert "the connection failed" in reasons(result.failed)
    assert {entry.sha256 for entry in world.archive.entries()} == before


def test_t35_a_burst_of_server_errors_is_survived_within_budget(world):
    for code in (500, 502, 503):
        world.edgar.fault(FACTS, fake_edgar.status(code))
    result = world.fetch()
    assert result.is_complete
    assert result.requests_sent == len(world.edgar.log) == 6 + 3


def test_t35_errors_of_one_company_leave_the_others(world):
    world.edgar.pages |= tiny.site([Q3], OTHER.cik)
    world.edgar.fault(LIST, fake_edgar.status(500), times=99)
    result = world.fetch([COMPANY, OTHER])
    assert [(p.ticker, p.accession) for p in result.failed] == [("TINY", None)]
    assert "EDGAR answered HTTP 500, after 4 attempts" in reasons(result.failed)
    assert result.new_accessions == [Q3.accession]


# T36: validators -----------------------------------------------------------------------------------


def test_t36_a_304_keeps_the_archived_body(world):
    world.edgar.etags_on_data = True
    world.fetch()
    result = world.fetch()
    assert result.unchanged == ["TINY"]
    assert result.requests_sent == 1
    assert "If-None-Match" in world.edgar.log[-1].headers


def test_t36_validators_may_be_ignored_or_absent_the_hash_decides(world):
    world.fetch()
    result = world.fetch()
    assert (result.unchanged, result.requests_sent, result.fetched) == (["TINY"], 1, [])


def test_t36_a_wrong_validator_does_not_hide_a_new_body(world, monkeypatch):
    world.edgar.etags_on_data = True
    world.fetch()
    etag = next(entry.etag for entry in world.archive.entries() if entry.kind == "submissions")
    world.edgar.pages |= tiny.site([Q1, Q2, Q3])
    newer = world.edgar.pages[LIST]
    world.edgar.fault(LIST, lambda handler, _: handler.send(200, newer, {"ETag": etag}))
    assert world.fetch().new_accessions == [Q3.accession]


def test_t36_the_archived_body_is_asked_for_whole_once_it_is_damaged(world):
    world.edgar.etags_on_data = True
    world.fetch()
    entry = next(entry for entry in world.archive.entries() if entry.kind == "submissions")
    (world.archive.root / entry.sha256[:2] / entry.sha256).write_bytes(b"{}")
    world.fetch()
    assert "If-None-Match" not in world.edgar.log[-1].headers
    assert world.archive.is_intact(entry.sha256)


# T37: redirects ------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_t37_redirects_are_not_followed_anywhere(world, code):
    with FakeEdgar(pages={"x": b"{}"}) as elsewhere:
        for target in (f"{elsewhere.url}/x", "//127.0.0.1:1/x", "file:///etc/passwd", f"{world.edgar.url}/{FACTS}"):
            world.edgar.fault(LIST, fake_edgar.redirect(target, code))
            with pytest.raises(FetchError, match="redirects are not followed") as caught:
                world.get(LIST)
            assert target in str(caught.value)
        assert elsewhere.log == []
    assert world.edgar.paths(FACTS) == []


# T38: rate across processes and threads ------------------------------------------------------------

_WORKER = """
import sys, threading
from pathlib import Path
from ingest.edgar.client import Client
from ingest.edgar.urls import Hosts
url, directory = sys.argv[1:]
def work():
    client = Client("Test test@example.org", Path(directory), hosts=Hosts(url, url))
    for _ in range(3):
        client.get(url + "/x.json", "json")
threads = [threading.Thread(target=work) for _ in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
"""


def test_t38_two_processes_of_four_threads_stay_within_the_rate(tmp_path):
    with FakeEdgar(pages={"x.json": b"{}"}) as edgar:
        command = [sys.executable, "-c", _WORKER, edgar.url, str(tmp_path)]
        workers = [subprocess.Popen(command, cwd=CHECKOUT) for _ in range(2)]
        assert [worker.wait(timeout=60) for worker in workers] == [0, 0]
        arrivals = sorted(seen.at for seen in edgar.log)
    assert len(arrivals) == 24
    busiest = max(sum(1 for at in arrivals if start <= at < start + 1) for start in arrivals)
    assert busiest <= 8


# T39: stale answers --------------------------------------------------------------------------------


def test_t39_an_older_list_after_a_newer_one_is_refused(world):
    older = tiny.site([Q1])[LIST]
    world.fetch()
    world.edgar.fault(LIST, fake_edgar.answer(older))
    result = world.fetch()
    assert "is older than the archived one, which reaches 2026-08-27" in reasons(result.quarantined)
    assert older not in world.bodies()
    assert world.fetch().unchanged == ["TINY"]


def test_t39_a_list_that_lost_a_filing_of_its_newest_day_is_refused(world):
    twin = Q2._replace(accession="0000000042-26-000009", form="10-Q/A")
    world.edgar.pages |= tiny.site([Q1, Q2, twin])
    world.fetch()
    world.edgar.fault(LIST, fake_edgar.answer(tiny.site([Q1, Q2])[LIST]))
    assert f"filing {twin.accession} of that day is gone" in reasons(world.fetch().quarantined)


def test_t39_company_facts_that_shrink_or_go_back_are_refused(world):
    world.fetch()
    world.edgar.pages |= tiny.site([Q1, Q2, Q3])
    world.edgar.fault(FACTS, fake_edgar.answer(tiny.company_facts([Q1])))
    result = world.fetch()
    assert "hold 1 facts filed to 2026-05-28; the archived ones hold 2 to 2026-08-27" in reasons(result.quarantined)
    assert result.new_accessions == [Q3.accession]  # its own instance came in all the same
    assert [entry.kind for entry in world.fetch().fetched] == ["companyfacts"]


# T40: lists that do not tell all -------------------------------------------------------------------


def test_t40_a_filing_missed_by_one_run_is_found_by_the_next(world):
    world.edgar.fault(f"{tiny.folder(Q1.accession)}/", fake_edgar.status(500), times=4)
    result = world.fetch()
    assert [problem.accession for problem in result.failed] == [Q1.accession]
    assert result.new_accessions == [Q2.accession]  # newer than the missed one: no watermark moved past it
    assert world.fetch().new_accessions == [Q1.accession]
    assert world.fetch().unchanged == ["TINY"]


def test_t40_filings_beyond_the_newest_thousand_are_found_on_older_pages(world):
    pages = tiny.site([Q1, Q2])
    noise = [(f"0000000042-26-{n:06d}", "4", "2026-09-01", "x.xml") for n in range(900_000, 901_000)]
    name = f"CIK{CIK}-submissions-001.json"
    older = orjson.loads(pages[LIST])["filings"]["recent"]
    pages[f"data.sec.gov/submissions/{name}"] = orjson.dumps(older)
    pages[LIST] = fake_edgar.submissions(CIK, noise, [{"name": name, "filingCount": 2}])
    world.edgar.pages = pages
    since = {CIK: date(2026, 1, 1)}
    assert world.fetch(since=since).new_accessions == [Q1.accession, Q2.accession]
    result = world.fetch(since=since)
    assert (result.unchanged, result.requests_sent) == (["TINY"], 1)


def test_t40_company_facts_may_lag_the_filings_own_document_stands_in(world):
    world.fetch()
    world.edgar.pages |= tiny.site([Q1, Q2, Q3]) | {FACTS: tiny.company_facts([Q1, Q2])}
    result = world.fetch()
    assert result.is_complete
    assert result.lagging == [Q3.accession]
    values = {(row["accession"], row["value"]) for row in replay(world.archive).facts.to_pylist()}
    assert (Q3.accession, 150) in values
    assert world.fetch().requests_sent == 1


# T41: bombs ----------------------------------------------------------------------------------------

# VmHWM, not ru_maxrss: the latter starts at the size of the process that started this one.
_BOMB = """
import sys
from pathlib import Path
from ingest.edgar.client import Client
from ingest.edgar.urls import Hosts
url, directory = sys.argv[1:]
try:
    Client("Test test@example.org", Path(directory), hosts=Hosts(url, url)).get(url + "/x.json", "json")
except Exception as error:
    print(type(error).__name__, error)
status = Path("/proc/self/status").read_text().splitlines()
print(next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmHWM")))
"""


@pytest.mark.parametrize(
    ("bomb", "message"),
    [
        (fake_edgar.gzip_bomb(100), "exceeds the cap"),
        (fake_edgar.huge_length(), "said to be 2147483648 bytes"),
        (fake_edgar.endless(), "exceeds the cap"),
    ],
    ids=["gzip 1000:1", "2 GB Content-Length", "endless chunks"],
)
def test_t41_a_bomb_is_dropped_at_the_cap(tmp_path, bomb, message):
    with FakeEdgar(pages={"x.json": b"{}"}) as edgar:
        edgar.fault("x.json", bomb)
        command = [sys.executable, "-c", _BOMB, edgar.url, str(tmp_path)]
        told, megabytes = subprocess.run(
            command, cwd=CHECKOUT, capture_output=True, text=True, check=True, timeout=60
        ).stdout.splitlines()
    assert told.startswith("FetchError")
    assert message in told
    assert int(megabytes) < 300


# T70, T71: hostile names ---------------------------------------------------------------------------


def tree(root):
    return {str(path.relative_to(root)) for path in root.rglob("*")}


@pytest.fixture
def only_local(monkeypatch):
    """Every address a socket connects to; tests assert that it was the local server alone."""
    reached = set()
    connect = socket.socket.connect
    monkeypatch.setattr(socket.socket, "connect", lambda self, to: (reached.add(to), connect(self, to))[1])
    return reached


HOSTILE = [
    "../../../../evil_htm.xml",
    "/etc/passwd_htm.xml",
    "x\0_htm.xml",
    "\uff11\uff12_htm.xml",
    "a" * 4096 + "_htm.xml",
    "{evil}/evil_htm.xml",
    "//evil.example/evil_htm.xml",
    "evil_htm.xml?x=y",
]


def test_t70_t71_hostile_names_in_an_index_are_never_asked_for_nor_stored(world, only_local):
    with FakeEdgar() as evil:
        index = f"{tiny.folder(Q2.accession)}/index.json"
        names = {name.format(evil=evil.url): "9" for name in HOSTILE} | {Q2.document: "9"}
        world.edgar.pages[index] = fake_edgar.filing_index(CIK, Q2.accession, names)
        result = world.fetch()
        assert evil.log == []
    assert result.new_accessions == [Q1.accession, Q2.accession]
    assert not any("evil" in path or "passwd" in path for path in world.edgar.paths())
    assert {port for _, port in only_local} == {int(world.edgar.url.rpartition(":")[2])}
    assert all(re.fullmatch(r"archive(/[0-9a-f]{2}(/[0-9a-f]{64}(\.[0-9a-f]{16}\.json)?)?)?|edgar-gate.json", path)
               for path in tree(world.root))  # fmt: skip


def test_t70_t71_hostile_accessions_documents_and_pages_in_a_list(world, only_local):
    with FakeEdgar() as evil:
        for field, value in (
            ("accessionNumber", "../../x"),
            ("accessionNumber", "0000000042-26-00000\uff12"),
            ("accessionNumber", f"{evil.url}/x"),
            ("primaryDocument", f"{evil.url}/x.htm"),
            ("primaryDocument", "../../../etc/passwd"),
        ):
            payload = orjson.loads(tiny.site([Q2])[LIST])
            payload["filings"]["recent"][field] = [value]
            world.edgar.pages[LIST] = orjson.dumps(payload)
            result = world.fetch()
            assert bool(result.quarantined) == (field == "accessionNumber"), value
        for name in ("../../x.json", f"{evil.url}/x.json", f"CIK{OTHER.cik}-submissions-001.json"):
            files = [{"name": name, "filingCount": 1}]
            world.edgar.pages[LIST] = fake_edgar.submissions(CIK, [(Q2.accession, "10-Q", Q2.filed, "x.htm")], files)
            assert world.fetch(full_history=True).quarantined, name
        assert evil.log == []
    assert {port for _, port in only_local} == {int(world.edgar.url.rpartition(":")[2])}
    assert {path.split("?")[0].split("/")[0] for path in world.edgar.paths()} <= {"data.sec.gov", "www.sec.gov"}
    assert not any(".." in path for path in world.edgar.paths())


def test_t71_links_inside_documents_are_not_followed(world, only_local):
    with FakeEdgar() as evil:
        link = f'<link:schemaRef xmlns:link="http://www.xbrl.org/2003/linkbase" xlink:href="{evil.url}/x.xsd" ' \
               'xmlns:xlink="http://www.w3.org/1999/xlink"/>'  # fmt: skip
        body = tiny.instance(Q2).replace(b"<xbrli:context", link.encode() + b"<xbrli:context", 1)
        world.edgar.pages[DOCUMENT] = body
        assert world.fetch().is_complete
        assert "quarantined" not in replay(world.archive).payloads["status"].to_pylist()
        assert evil.log == []
    assert {port for _, port in only_local} == {int(world.edgar.url.rpartition(":")[2])}


def test_an_answer_that_speaks_of_another_company_is_refused(world):
    world.edgar.pages[LIST] = world.edgar.pages[LIST].replace(CIK.encode(), OTHER.cik.encode())
    result = world.fetch()
    assert f"asked for CIK {CIK} speaks of CIK {OTHER.cik}: refused, not archived" in reasons(result.quarantined)
    assert world.bodies() == set()


def test_an_index_of_another_filing_is_refused(world):
    index = f"{tiny.folder(Q2.accession)}/index.json"
    world.edgar.pages[index] = world.edgar.pages[f"{tiny.folder(Q1.accession)}/index.json"]
    result = world.fetch()
    assert [problem.accession for problem in result.quarantined] == [Q2.accession]
    assert "is that of another folder" in reasons(result.quarantined)


def test_a_blocked_client_raises_the_same_error_before_asking(world):
    world.edgar.fault(LIST, fake_edgar.status(429))
    for _ in range(2):
        with pytest.raises(BlockedError, match="Try again after"):
            world.get(LIST)
    assert len(world.edgar.log) == 1


def test_the_contact_address_stays_out_of_the_archive(world):
    world.fetch()
    for path in world.root.rglob("*"):
        if path.is_file():
            assert b"test@example.org" not in path.read_bytes(), path
