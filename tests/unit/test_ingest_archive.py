"""The archive keeps bytes under their hash, verifies them on reading, and survives a kill anywhere."""

import json
import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path

import pytest

from ingest import archive as archive_module
from ingest.archive import Archive
from ingest.records import IngestError, PayloadError

AT = datetime(2026, 8, 27, 16, 30, tzinfo=UTC)
URL = "https://data.sec.gov/submissions/CIK0001045810.json"


def files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def test_put_keeps_the_bytes_under_their_hash_and_says_where_they_came_from(tmp_path):
    archive = Archive(tmp_path / "archive")
    digest = archive.put(
        b"{}", URL, kind="submissions", retrieved_at=AT, cik="0001045810", etag='"x"', accession=None, covers="a"
    )
    assert digest == sha256(b"{}").hexdigest()
    assert (tmp_path / "archive" / digest[:2] / digest).read_bytes() == b"{}"
    assert archive.get(digest) == b"{}"
    (entry,) = archive.entries()
    assert (entry.sha256, entry.url, entry.kind, entry.bytes) == (digest, URL, "submissions", 2)
    assert (entry.retrieved_at, entry.cik, entry.etag) == ("2026-08-27T16:30:00.000+00:00", "0001045810", '"x"')


def test_put_again_changes_nothing_but_the_validators(tmp_path):
    archive = Archive(tmp_path)
    archive.put(b"{}", URL, kind="submissions", retrieved_at=AT, etag='"1"')
    before = files(tmp_path)
    archive.put(b"{}", URL, kind="submissions", retrieved_at=AT + timedelta(days=1), etag='"2"')
    assert files(tmp_path) == before
    (entry,) = archive.entries()
    assert entry.retrieved_at.startswith("2026-08-27")
    assert entry.etag == '"2"'


def test_one_payload_from_two_addresses_is_stored_once_with_two_sidecars(tmp_path):
    archive = Archive(tmp_path)
    archive.put(b"x", "https://www.sec.gov/a", kind="inline_xbrl", retrieved_at=AT)
    archive.put(b"x", "https://www.sec.gov/b", kind="inline_xbrl", retrieved_at=AT)
    assert len(files(tmp_path)) == 3
    assert [entry.url[-1] for entry in archive.entries()] == ["a", "b"]


def test_entries_come_in_the_order_in_which_payloads_were_met(tmp_path):
    archive = Archive(tmp_path)
    for day, url in ((3, "c"), (1, "z"), (2, "b")):
        archive.put(url.encode(), url, kind="submissions", retrieved_at=AT + timedelta(days=day))
    assert [entry.url for entry in archive.entries()] == ["z", "b", "c"]


def test_times_are_kept_in_utc(tmp_path):
    archive = Archive(tmp_path)
    archive.put(b"x", URL, kind="submissions", retrieved_at=AT.astimezone(timezone(timedelta(hours=-5))))
    assert next(archive.entries()).retrieved_at == "2026-08-27T16:30:00.000+00:00"


def test_a_flipped_bit_is_never_read_and_the_next_put_heals_it(tmp_path):  # T48
    archive = Archive(tmp_path)
    digest = archive.put(b"revenue 100", URL, kind="companyfacts", retrieved_at=AT)
    (tmp_path / digest[:2] / digest).write_bytes(b"revenue 900")
    assert not archive.is_intact(digest)
    with pytest.raises(PayloadError, match=f"{digest} is damaged.*fetch"):
        archive.get(digest)
    archive.put(b"revenue 100", URL, kind="companyfacts", retrieved_at=AT)
    assert archive.get(digest) == b"revenue 100"


def test_a_missing_payload_says_what_to_do(tmp_path):
    with pytest.raises(PayloadError, match="holds no payload .* run `aigap fetch`"):
        Archive(tmp_path).get("0" * 64)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "A" * 64, "0" * 63, "0" * 65, "", "0" * 63 + "\n"])
def test_only_a_hash_names_a_payload(tmp_path, name):
    with pytest.raises(IngestError, match="is not a sha256"):
        Archive(tmp_path).get(name)


def test_a_hostile_url_never_becomes_a_path(tmp_path):  # T70
    (tmp_path / "archive").mkdir()
    archive = Archive(tmp_path / "archive")
    for url in ("https://www.sec.gov/../../../etc/passwd", "/etc/passwd", "x\0y", "a" * 5000, "\uff11\uff12"):
        archive.put(b"x", url, kind="inline_xbrl", retrieved_at=AT, accession="../../../x")
    assert {path.split("/")[0] for path in files(tmp_path)} == {"archive"}
    names = {path.split("/")[-1] for path in files(tmp_path)}
    digest = sha256(b"x").hexdigest()
    assert all(name.startswith(digest) and len(name) in (64, 64 + 17 + 5) for name in names)


def test_a_damaged_or_foreign_sidecar_counts_as_not_retrieved(tmp_path):
    archive = Archive(tmp_path)
    digest = archive.put(b"x", URL, kind="submissions", retrieved_at=AT)
    (sidecar,) = (tmp_path / digest[:2]).glob("*.json")
    good = sidecar.read_bytes()
    for bad in (b"", good[:20], b"[]", b"null", json.dumps({**json.loads(good), "url": "other"}).encode()):
        sidecar.write_bytes(bad)
        assert list(archive.entries()) == []
    later = {**json.loads(good), "written_by": "a later version"}
    del later["seal"]
    sidecar.write_bytes(json.dumps(later | {"seal": archive_module._seal(later)}).encode())
    assert [entry.sha256 for entry in archive.entries()] == [digest]


ABOUT = dict(cik="0001045810", accession="0001045810-26-000001", form="10-Q", filed_on="2026-08-26")


@pytest.mark.parametrize("changed", [*ABOUT, "kind", "retrieved_at", "bytes", "etag", "covers"])
def test_a_sidecar_that_was_edited_is_not_used_and_named_until_it_is_written_anew(tmp_path, changed):
    archive = Archive(tmp_path)
    digest = archive.put(b"x", URL, kind="xbrl_instance", retrieved_at=AT, **ABOUT)
    (sidecar,) = (tmp_path / digest[:2]).glob("*.json")
    values = json.loads(sidecar.read_bytes())
    edited = {"filed_on": "2020-01-01", "retrieved_at": "2020-01-01T00:00:00+00:00", "bytes": 2}.get(changed, "other")
    sidecar.write_text(json.dumps(values | {changed: edited}))
    assert list(archive.entries()) == []
    (said,) = archive.damaged()
    assert said.startswith(f"{sidecar} was changed after it was written")
    assert "`aigap fetch` gets it again" in said
    archive.put(b"x", URL, kind="xbrl_instance", retrieved_at=AT, **ABOUT)
    assert archive.damaged() == []
    assert [entry.filed_on for entry in archive.entries()] == ["2026-08-26"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("retrieved_at", "yesterday"), ("retrieved_at", "2026-08-27T16:30:00"), ("retrieved_at", None), ("bytes", "1"),
        ("filed_on", "never"), ("filed_on", 7), ("cik", 42), ("accession", ["x"]), ("kind", None), ("url", 7),
    ],
)  # fmt: skip
def test_a_sidecar_of_an_earlier_version_is_read_and_sealed_but_not_whatever_it_holds(tmp_path, field, value):
    archive = Archive(tmp_path)
    digest = archive.put(b"x", URL, kind="xbrl_instance", retrieved_at=AT, **ABOUT)
    (sidecar,) = (tmp_path / digest[:2]).glob("*.json")
    old = {k: v for k, v in json.loads(sidecar.read_bytes()).items() if k not in ("seal", "problem")}
    sidecar.write_text(json.dumps(old))
    before = list(archive.entries())
    assert (before[0].filed_on, archive.damaged()) == ("2026-08-26", [])
    assert (archive.upgrade(), archive.upgrade()) == (1, 0)
    assert list(archive.entries()) == before
    sidecar.write_text(json.dumps(old | {field: value}))
    assert list(archive.entries()) == []
    assert len(archive.damaged()) == 1


class KilledError(BaseException):
    pass


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize("at", range(6))
def test_a_kill_at_any_write_leaves_a_whole_entry_or_none(tmp_path, monkeypatch, call, at):
    archive = Archive(tmp_path / "archive")
    real, count = getattr(os, call), iter(range(100))

    def kill(*args):
        if next(count) == at:
            raise KilledError
        return real(*args)

    with monkeypatch.context() as patch:
        patch.setattr(os, call, kill)
        with suppress(KilledError):
            archive.put(b"payload", URL, kind="submissions", retrieved_at=AT)
    for entry in archive.entries():
        assert archive.get(entry.sha256) == b"payload"
    archive.put(b"payload", URL, kind="submissions", retrieved_at=AT)
    assert [archive.get(entry.sha256) for entry in archive.entries()] == [b"payload"]


def test_the_payload_is_synced_before_its_name_and_its_name_before_the_sidecar(tmp_path, monkeypatch):
    order = []
    real_fsync, real_replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (order.append("sync"), real_fsync(fd))[1])
    monkeypatch.setattr(os, "replace", lambda a, b: (order.append(Path(b).suffix or "bytes"), real_replace(a, b))[1])
    root = tmp_path / "archive"
    (root / sha256(b"x").hexdigest()[:2]).mkdir(parents=True)
    Archive(root).put(b"x", URL, kind="submissions", retrieved_at=AT)
    assert order == ["sync", "bytes", "sync", "sync", ".json", "sync"]


def test_clean_removes_what_a_kill_left_half_written(tmp_path):
    archive = Archive(tmp_path)
    digest = archive.put(b"x", URL, kind="submissions", retrieved_at=AT)
    (tmp_path / digest[:2] / ".part-abc").write_bytes(b"half")
    assert archive.clean() == 1
    assert archive.clean() == 0
    assert archive.get(digest) == b"x"
