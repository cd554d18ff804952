"""The polite client: identity, rate, pause, retries, and no answer believed unchecked (local server)."""

import json
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.edgar.client import BlockedError, Client, Gate, NotFoundError, SetupError, identity
from ingest.edgar.urls import Hosts
from ingest.records import FetchError
from support.clock import VirtualClock
from support.fake_edgar import FakeEdgar, answer, status

PATH = "data.sec.gov/submissions/CIK0000000042.json"
AGENT = "Test Person test@example.org"


@pytest.fixture
def edgar():
    with FakeEdgar(pages={PATH: b'{"cik": 42}', "www.sec.gov/x.htm": b"<html></html>"}) as server:
        yield server


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture
def client(edgar, clock, tmp_path):
    with Client(AGENT, tmp_path, hosts=edgar.hosts, clock=clock, sleep=clock.sleep, jitter=lambda: 1.0) as client:
        yield client


def url(edgar, path=PATH):
    return f"{edgar.url}/{path}"


# Identity ------------------------------------------------------------------------------------------


def test_identity_comes_from_the_environment():
    assert identity({"SEC_USER_AGENT": " Jane Doe jane@example.org "}) == "Jane Doe jane@example.org"


def test_without_identity_the_message_says_what_to_set():
    with pytest.raises(FetchError, match="SEC_USER_AGENT is not set.*e.g. SEC_USER_AGENT='Jane Doe jane@example.org'"):
        identity({})


@pytest.mark.parametrize(
    "value", ["Jane Doe", "jane@", "@example.org", "J\u00e4ne jane@example.org", "a@b.org\r\nX: y"]
)
def test_an_identity_without_a_contact_or_unfit_for_a_header_is_refused(value):
    with pytest.raises(FetchError, match="SEC_USER_AGENT must name a contact"):
        identity({"SEC_USER_AGENT": value})


def test_every_request_carries_the_identity_and_asks_for_gzip(client, edgar):
    client.get(url(edgar), "json")
    client.get(url(edgar, "www.sec.gov/x.htm"), "document")
    assert [seen.headers["User-Agent"] for seen in edgar.log] == [AGENT, AGENT]
    assert {seen.headers["Accept-Encoding"] for seen in edgar.log} == {"gzip"}


def test_one_connection_is_kept_alive(client, edgar, monkeypatch):
    opened = []
    accept = edgar._server.get_request
    monkeypatch.setattr(edgar._server, "get_request", lambda: (opened.append(1), accept())[1])
    for _ in range(5):
        client.get(url(edgar), "json")
    assert len(opened) == 1


# Answers -------------------------------------------------------------------------------------------


def test_an_answer_carries_body_validators_and_time(client, edgar, clock):
    response = client.get(url(edgar, "www.sec.gov/x.htm"), "document")
    assert response.body == b"<html></html>"
    assert response.etag
    assert response.last_modified.endswith("GMT")
    assert response.retrieved_at == datetime.fromtimestamp(clock.now, UTC)


def test_a_conditional_request_is_answered_without_a_body(client, edgar):
    first = client.get(url(edgar, "www.sec.gov/x.htm"), "document")
    second = client.get(url(edgar, "www.sec.gov/x.htm"), "document", etag=first.etag)
    assert second.not_modified
    assert second.body == b""
    assert edgar.log[-1].headers["If-None-Match"] == first.etag


def test_a_304_that_was_not_asked_for_is_refused(client, edgar):
    edgar.fault(PATH, status(304))
    with pytest.raises(FetchError, match="HTTP 304, which does not fit the question"):
        client.get(url(edgar), "json")


def test_404_is_told_apart_and_not_retried(client, edgar):
    with pytest.raises(NotFoundError, match="holds no such document .HTTP 404."):
        client.get(url(edgar, "data.sec.gov/nothing"), "json")
    assert len(edgar.log) == 1


def test_the_403_of_a_missing_object_is_no_block(client, edgar):
    edgar.fault(PATH, status(403, b"<Error><Code>AccessDenied</Code></Error>"))
    with pytest.raises(NotFoundError):
        client.get(url(edgar), "json")
    client.get(url(edgar), "json")


@pytest.mark.parametrize("code", [201, 204, 206, 400, 401, 418])
def test_an_unforeseen_status_is_refused(client, edgar, code):
    edgar.fault(PATH, status(code, b"" if code == 204 else b"{}"))
    with pytest.raises(FetchError, match=f"HTTP {code}"):
        client.get(url(edgar), "json")


def test_an_encoding_that_was_not_asked_for_is_refused(client, edgar):
    edgar.fault(PATH, status(200, b"{}", Content_Encoding="br"))
    with pytest.raises(FetchError, match="encoded as 'br'"):
        client.get(url(edgar), "json")


@pytest.mark.parametrize("body", [b"", b" \n", b'{"cik": 4', b"<xbrl><a></a>"])
def test_a_body_without_its_end_is_not_taken(client, edgar, body):
    edgar.fault(PATH, answer(body), times=4)
    with pytest.raises(FetchError, match="after 4 attempts"):
        client.get(url(edgar), "document" if body.startswith(b"<") else "json")


@pytest.mark.parametrize("address", ["https://www.sec.gov/x", "file:///etc/passwd", "http://127.0.0.1:1/x", "x"])
def test_an_address_elsewhere_is_refused_before_anything_is_sent(client, edgar, address):
    with pytest.raises(FetchError, match="not an EDGAR address: refused, nothing was sent"):
        client.get(address, "json")
    assert client.requests_sent == 0


# Rate and pause ------------------------------------------------------------------------------------


def test_requests_are_spaced(client, edgar, clock):
    start = clock.now
    for _ in range(17):
        client.get(url(edgar), "json")
    assert clock.now - start >= 2


def test_the_rate_cannot_be_raised_above_eight(edgar, clock, tmp_path):
    client = Client(AGENT, tmp_path, hosts=edgar.hosts, rate=1000, clock=clock, sleep=clock.sleep)
    start = clock.now
    for _ in range(9):
        client.get(url(edgar), "json")
    assert clock.now - start >= 1


def test_threads_and_clients_of_one_directory_share_the_rate(tmp_path, clock):
    gates = [Gate(tmp_path, 8, clock, lambda _: None) for _ in range(2)]
    threads = [threading.Thread(target=gates[i % 2].wait) for i in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    state = json.loads((tmp_path / "edgar-gate.json").read_bytes())
    assert state["next_at"] - clock.now == pytest.approx(16 * 1.15 / 8)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"next_at": "x", "paused_until": 0}', b"\0" * 600])
def test_a_damaged_gate_file_is_replaced(tmp_path, clock, content):
    (tmp_path / "edgar-gate.json").write_bytes(content)
    gate = Gate(tmp_path, 8, clock, clock.sleep)
    gate.wait()
    gate.wait()
    assert clock.sleeps == [pytest.approx(1.15 / 8)]


def test_a_clock_set_back_neither_stalls_nor_lengthens_a_pause_for_ever(tmp_path, clock):
    gate = Gate(tmp_path, 8, clock, clock.sleep)
    gate.wait()
    clock.now -= 7 * 86_400
    gate.wait()
    assert sum(clock.sleeps) < 1
    gate.pause(600)
    clock.now -= 7 * 86_400
    with pytest.raises(BlockedError):
        gate.wait()
    clock.now += 601
    gate.wait()


def test_a_pause_stops_those_already_queued(tmp_path, clock):
    gate = Gate(tmp_path, 8, clock, clock.sleep)
    gate.wait()

    def meanwhile(seconds):
        clock.sleep(seconds)
        Gate(tmp_path, 8, clock, clock.sleep).pause(600)

    queued = Gate(tmp_path, 8, clock, meanwhile)
    with pytest.raises(BlockedError, match="Try again after 20.* UTC"):
        queued.wait()


def test_a_kill_while_the_gate_is_written_leaves_a_readable_state(tmp_path, clock):
    Gate(tmp_path, 8, clock, clock.sleep).pause(600)
    assert len((tmp_path / "edgar-gate.json").read_bytes()) == 512
    code = (
        "import os, sys, signal, time; from pathlib import Path; from ingest.edgar.client import Gate\n"
        f"g = Gate(Path({str(tmp_path)!r}), 8, time.time, time.sleep)\n"
        "with g._state() as s: os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2]).returncode == -9
    with pytest.raises(BlockedError):
        Gate(tmp_path, 8, clock, clock.sleep).wait()


def test_waits_grow_between_attempts(client, edgar, clock):
    edgar.fault(PATH, status(500), times=3)
    client.get(url(edgar), "json")
    assert [s for s in clock.sleeps if s >= 0.5] == [1.0, 2.0, 4.0]


@pytest.mark.parametrize(("header", "waited"), [("30", 30), ("later", 1), ("-5", 1), ("\u0663", 1)])
def test_retry_after_is_honoured(client, edgar, clock, header, waited):
    edgar.fault(PATH, status(503, Retry_After=header.encode().decode("latin-1")))
    client.get(url(edgar), "json")
    assert max(clock.sleeps) == waited


def test_retry_after_may_be_a_date(client, edgar, clock):
    edgar.fault(PATH, status(503, Retry_After="Mon, 21 Sep 2026 14:14:30 GMT"))
    clock.now = datetime(2026, 9, 21, 14, 14, 0, tzinfo=UTC).timestamp()
    client.get(url(edgar), "json")
    assert max(clock.sleeps) == 30


def test_a_long_retry_after_ends_the_attempts_and_says_when(client, edgar, clock):
    edgar.fault(PATH, status(503, Retry_After="3600"))
    with pytest.raises(FetchError, match="EDGAR says to try again after 20.*UTC"):
        client.get(url(edgar), "json")
    assert len(edgar.log) == 1


@pytest.mark.parametrize(
    "header",
    ["99999999999999", "9" * 400, "Fri, 31 Dec 9999 23:59:59 -2300", "Mon, 21 Sep 99999 14:14:30 GMT", "86401"],
)
@pytest.mark.parametrize("code", [500, 503, 408])
def test_a_retry_after_beyond_the_calendar_is_said_as_a_day(client, edgar, header, code):
    edgar.fault(PATH, status(code, Retry_After=header), times=4)
    with pytest.raises(FetchError, match=r"try again after 20..-..-.. .* UTC|after 4 attempts"):
        client.get(url(edgar), "json")


@pytest.mark.parametrize("header", ["99999999999999", "9" * 400, "Fri, 31 Dec 9999 23:59:59 -2300"])
@pytest.mark.parametrize("code", [429, 403])
def test_a_pause_beyond_the_calendar_is_a_day(client, edgar, clock, header, code):
    edgar.fault(PATH, status(code, Retry_After=header))
    with pytest.raises(BlockedError, match=r"Try again after 20.*UTC"):
        client.get(url(edgar), "json")
    clock.now += 86_401
    client.get(url(edgar), "json")


@pytest.mark.parametrize("header", ["Mon, 01 Jan 0001 00:00:00 -0000", "Mon, 21 Sep 2026 14:14:30 -0000", "  ", "Mon"])
def test_a_retry_after_that_is_no_moment_is_none(client, edgar, header):
    edgar.fault(PATH, status(503, Retry_After=header))
    assert client.get(url(edgar), "json").body


def test_a_length_of_many_digits_is_over_the_cap(client, edgar):
    edgar.fault(PATH, status(200, b"{}", Content_Length="9" * 5000), times=4)
    with pytest.raises(FetchError, match="the cap is|the connection failed"):
        client.get(url(edgar), "json")


# The machine's settings ----------------------------------------------------------------------------


@pytest.fixture
def through_proxy(monkeypatch):
    """No exception for this machine, as for any other address."""
    for name in (
        "NO_PROXY",
        "no_proxy",
        "HTTP_PROXY",
        "http_proxy",
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
    ):
        monkeypatch.delenv(name, raising=False)


def test_nothing_of_netrc_is_sent(edgar, clock, tmp_path, monkeypatch):
    """The case: a default entry, which holds for every host there is."""
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password not-for-edgar\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with Client(AGENT, tmp_path, hosts=edgar.hosts, clock=clock, sleep=clock.sleep) as client:
        client.get(url(edgar), "json")
        client.get(url(edgar, "www.sec.gov/x.htm"), "document")
    assert len(edgar.log) == 2
    assert [seen.headers.get("Authorization") for seen in edgar.log] == [None, None]
    assert "somebody" not in str([seen.headers for seen in edgar.log])


def test_a_proxy_of_the_environment_is_used(clock, tmp_path, monkeypatch, through_proxy):
    with FakeEdgar() as proxy:
        proxy.fault("", answer(b"{}"))
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        hosts = Hosts("http://data.invalid", "http://www.invalid")
        with Client(AGENT, tmp_path, hosts=hosts, clock=clock, sleep=clock.sleep) as client:
            assert client.get("http://data.invalid/x.json", "json").body == b"{}"
        assert proxy.paths() == ["http://data.invalid/x.json"]
        assert proxy.log[0].headers.get("Authorization") is None


WRONG_PROXIES = {
    "no address": "://",
    "no host": "http://",
    "another kind": "ftp://127.0.0.1:1",
    "no port": "http://127.0.0.1:port",
}


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("proxy", WRONG_PROXIES.values(), ids=WRONG_PROXIES)
def test_a_proxy_that_is_no_address_is_said_at_once_by_name(clock, tmp_path, monkeypatch, through_proxy, name, proxy):
    monkeypatch.setenv(name, proxy)
    hosts = Hosts("https://data.invalid", "https://www.invalid")
    with Client(AGENT, tmp_path, hosts=hosts, clock=clock, sleep=clock.sleep) as client:
        with pytest.raises(SetupError) as caught:
            client.get("https://data.invalid/x.json", "json")
        assert f"{name}={proxy} is no proxy" in str(caught.value)
        assert (client.requests_sent, clock.sleeps) == (0, [])


def test_a_proxy_that_nobody_answers_at_is_said_by_name_without_its_password(
    clock, tmp_path, monkeypatch, through_proxy
):
    monkeypatch.setenv("HTTPS_PROXY", "http://jane:secret@127.0.0.1:1")
    hosts = Hosts("https://data.invalid", "https://www.invalid")
    with (
        Client(AGENT, tmp_path, hosts=hosts, clock=clock, sleep=clock.sleep) as client,
        pytest.raises(SetupError, match="does not let requests through, after 4 attempts") as caught,
    ):
        client.get("https://data.invalid/x.json", "json")
    assert "HTTPS_PROXY=http://***@127.0.0.1:1" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_socks_proxy_is_a_proxy(clock, tmp_path, monkeypatch, through_proxy):
    pytest.importorskip("socks")
    monkeypatch.setenv("ALL_PROXY", "socks5h://127.0.0.1:1")
    hosts = Hosts("https://data.invalid", "https://www.invalid")
    with (
        Client(AGENT, tmp_path, hosts=hosts, clock=clock, sleep=clock.sleep) as client,
        pytest.raises(FetchError, match="after 4 attempts"),
    ):
        client.get("https://data.invalid/x.json", "json")


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize("kind", ["nothing", "no certificates", "a folder of none"])
def test_certificates_that_are_not_there_are_said_at_once_by_name(clock, tmp_path, monkeypatch, name, kind):
    path = tmp_path / "certificates"
    if kind == "no certificates":
        path.write_text("hello")
    elif kind == "a folder of none":
        path = tmp_path / "no" / "such" / "folder"
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv(name, str(path))
    hosts = Hosts("https://127.0.0.1:1", "https://127.0.0.1:1")
    with Client(AGENT, tmp_path, hosts=hosts, clock=clock, sleep=clock.sleep) as client:
        with pytest.raises(SetupError) as caught:
            client.get("https://127.0.0.1:1/x.json", "json")
        assert f"{name}={path} does not give the certificates to trust" in str(caught.value)
        assert (client.requests_sent, clock.sleeps) == (0, [])


def test_certificates_that_are_there_are_used(clock, tmp_path, monkeypatch):
    import certifi

    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certifi.where())
    hosts = Hosts("https://127.0.0.1:1", "https://127.0.0.1:1")
    with Client(AGENT, tmp_path, hosts=hosts, clock=clock, sleep=clock.sleep) as client:
        client.check_pause()
        with pytest.raises(FetchError, match="the connection failed"):
            client.get("https://127.0.0.1:1/x.json", "json")
