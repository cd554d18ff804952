"""Backups: out, back in, and every way in which that must fail without harm."""

import json
import os
import shutil
import signal
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import duckdb
import pytest

from ingest.archive import Archive
from orchestration import run
from orchestration.commands.main import main
from support.small_warehouse import change_build, publish_small, published_home
from warehouse.errors import BackupError, Busy, Mistake, NotPublished, WarehouseError
from warehouse.readers.changes import diff
from warehouse.readers.doctor import examine
from warehouse.readers.read import damaged, open_published, query
from warehouse.store import backup
from warehouse.store.decisions import decide
from warehouse.store.faults import IMPORT_POINTS
from warehouse.store.home import SCHEMA_VERSION, Home, refresh_lock

pytestmark = pytest.mark.slow  # a generation or two a test, each looked over by another process

READ = "select max(gap_usd) from marts.ai_revenue_gap"
STEP = "update marts.ai_revenue_gap set gap_usd = gap_usd + 1"


def archived(home: Home, *bodies: bytes) -> None:
    for body in bodies:
        Archive(home.archive).put(
            body,
            f"https://www.sec.gov/{body.hex()}",
            kind="submissions",
            retrieved_at=datetime(2026, 8, 27, tzinfo=UTC),
        )


def gap(home: Home) -> int:
    with open_published(home) as connection:
        return query(connection, READ).rows[0][0]


def bodies(home: Home) -> set[bytes]:
    archive = Archive(home.archive)
    return {archive.get(entry.sha256) for entry in archive.entries()}


def tree(folder: Path) -> dict[str, bytes | str]:
    """Every file below `folder` but the lock and the note of the last refresh: path -> bytes."""
    return {
        str(p.relative_to(folder)): os.readlink(p) if p.is_symlink() else p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if (p.is_symlink() or p.is_file()) and p.name not in ("refresh.lock", "last_refresh.json")
    }


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> Home:
    home = published_home(tmp_path_factory.mktemp("template"))
    archived(home, b"one", b"two", b"three")
    return home


@pytest.fixture
def home(template, tmp_path) -> Home:
    return Home(shutil.copytree(template.root, tmp_path / "a home", symlinks=True))


@pytest.fixture(scope="module")
def curated(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("curated")
    (folder / "figures.csv").write_text("company,value\nExample,1\n")
    (folder / "README.md").write_text("what is here\n")
    (folder / "notes.bak").write_text("not a figure")
    return folder


@pytest.fixture(scope="module")
def made(template, curated, tmp_path_factory) -> Path:
    return backup.export(template, tmp_path_factory.mktemp("made") / "backup", curated).folder


@pytest.fixture
def folder(made, tmp_path) -> Path:
    """A backup that a test may spoil."""
    return shutil.copytree(made, tmp_path / "backup")


# --- what a backup is -------------------------------------------------------------------------------


def test_the_folder_is_plain_files_and_a_manifest_with_the_hash_of_each(made, template):
    files = {path: data for path, data in tree(made).items() if path != "manifest.json"}
    manifest = json.loads((made / "manifest.json").read_text())
    assert manifest["files"] == {
        path: {"sha256": sha256(data).hexdigest(), "bytes": len(data)} for path, data in files.items()
    }
    kinds = [path.split("/")[0] for path in files]
    assert {kind: kinds.count(kind) for kind in kinds} == {"ai_revenue_gap.duckdb": 1, "archive": 6, "curated": 2}
    assert files["ai_revenue_gap.duckdb"] == template.live().read_bytes()
    published = manifest["published"]
    assert (published["bundle_hash"], published["curated_hash"]) == ("b" * 64, "c" * 64)
    assert published["schema_version"] == str(SCHEMA_VERSION)
    assert (made / "ai_revenue_gap.duckdb").stat().st_mode & 0o777 == 0o444


def test_export_leaves_the_home_alone_and_may_run_during_a_refresh(home, curated, tmp_path):
    before = tree(home.root)
    with refresh_lock(home):
        code = (
            "import sys; from pathlib import Path; from warehouse.store import backup\n"
            "from warehouse.store.home import Home\n"
            "print(backup.export(*(f(Path(a)) for f, a in zip((Home, Path, Path), sys.argv[1:], strict=True))).files)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, str(home.root), str(tmp_path / "b"), str(curated)],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    assert done.stdout == "9\n"
    assert tree(home.root) == before


def test_export_into_a_folder_with_something_in_it_is_refused(home, curated, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "holiday.jpg").touch()
    with pytest.raises(Mistake, match=r"full is there already"):
        backup.export(home, tmp_path / "full", curated)
    (tmp_path / "empty").mkdir()
    assert backup.export(home, tmp_path / "empty", curated).files == 9


def test_export_before_anything_is_published_says_what_to_run(curated, tmp_path):
    with pytest.raises(NotPublished, match="run aigap refresh first"):
        backup.export(Home(tmp_path / "none"), tmp_path / "b", curated)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("what", ["payload", "published"])
def test_export_of_a_damaged_file_names_it_and_makes_no_backup(home, curated, tmp_path, what):
    if what == "payload":
        victim = next(p for p in home.archive.glob("*/*") if p.suffix != ".json")
        victim.write_bytes(b"rot")
        message = f"{victim.name} is damaged.*run aigap fetch"
    else:
        victim = home.live()
        data = bytearray(victim.read_bytes())
        data[data.index(b"https://www.sec.gov/x2")] ^= 1
        victim.chmod(0o644)
        victim.write_bytes(data)
        message = "cannot be read back|does not hold what was published"
    with pytest.raises(WarehouseError, match=message):
        backup.export(home, tmp_path / "b", curated)
    assert not list(tmp_path.glob("*b*/manifest.json"))
    assert not (tmp_path / "b").exists()


# --- there and back ---------------------------------------------------------------------------------


def test_round_trip_into_an_empty_home(made, template, tmp_path):
    new = Home(tmp_path / "new home")
    done = backup.restore(new, made)
    assert (done.new_files, done.published) == (6, new.generation(1))
    assert new.live().read_bytes() == template.live().read_bytes()
    assert new.live().stat().st_mode & 0o777 == 0o444
    assert tree(new.archive) == tree(template.archive)
    assert bodies(new) == {b"one", b"two", b"three"}
    findings = {f.check: f for f in examine(new, date(2026, 11, 22))}
    assert findings["integrity"].status == "ok"
    assert findings["last refresh"].detail.startswith("imported 20")
    assert "leftovers" not in findings
    again = backup.restore(new, made)
    assert (again.new_files, again.published) == (0, None)
    assert "published already" in again.reason


def test_an_import_into_a_used_home_adds_and_takes_nothing_away(made, home):
    change_build(home, STEP)
    archived(home, b"four")
    older = backup.restore(home, made)
    assert older.reason == "the same numbers are published already"
    assert bodies(home) == {b"one", b"two", b"three", b"four"}


def test_a_newer_home_is_kept_unless_forced(made, home):
    change_build(home, STEP)
    publish_small(home)
    archived(home, b"four")
    newer, before = gap(home), tree(home.root)
    with pytest.raises(Mistake, match=r"is newer \(generation 2 of 20.*--force"):
        backup.restore(home, made)
    assert tree(home.root) == before
    done = backup.restore(home, made, force=True)
    assert done.published == home.generation(3)
    assert gap(home) == newer - 1
    assert bodies(home) >= {b"four"}
    assert {f.check for f in examine(home, date(2026, 11, 22))}.isdisjoint({"generation", "leftovers"})
    assert publish_small(home).generation == 4, "the next refresh goes on from there"
    assert gap(home) == newer


def test_an_older_home_is_moved_forward(home, curated, tmp_path):
    old = Home(shutil.copytree(home.root, tmp_path / "old", symlinks=True))
    change_build(home, STEP)
    for _ in range(3):
        publish_small(home, force=True)
    made = backup.export(home, tmp_path / "b", curated).folder
    assert backup.restore(old, made).published == old.generation(4)
    assert gap(old) == gap(home)


def test_a_damaged_home_is_repaired_from_its_backup(made, home):
    live = home.live()
    data = bytearray(live.read_bytes())
    data[data.index(b"https://www.sec.gov/x2")] ^= 1
    live.chmod(0o644)
    live.write_bytes(data)
    payload = next(p for p in home.archive.glob("*/*") if p.suffix != ".json")
    payload.write_bytes(b"rot")
    sidecar = next(home.archive.glob("*/*.json"))
    sidecar.write_text("[" * 100_000)
    done = backup.restore(home, made)
    assert (done.new_files, done.published) == (2, home.generation(2))
    assert bodies(home) == {b"one", b"two", b"three"}
    assert {f.status for f in examine(home, date(2026, 11, 22)) if f.check == "integrity"} == {"ok"}


def test_an_import_during_a_refresh_is_busy(made, home):
    before = tree(home.root)
    code = (
        "import sys; from pathlib import Path; from warehouse.store.home import Home, refresh_lock\n"
        "with refresh_lock(Home(Path(sys.argv[1]))): print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(home.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Busy):
            backup.restore(home, made)
    finally:
        holder.communicate()
    assert tree(home.root) == before


# --- what is not whole is refused, by name ------------------------------------------------------------


def name_like(folder: Path, start: str, end: str = "") -> str:
    names = json.loads((folder / "manifest.json").read_text())["files"]
    return next(name for name in sorted(names) if name.startswith(start) and name.endswith(end))


@pytest.mark.parametrize("how", ["flipped", "longer", "cut", "missing", "a link"])
@pytest.mark.parametrize(
    ("start", "end"), [("ai_revenue", ""), ("archive/", ".json"), ("archive/", ""), ("curated/", "")]
)
def test_a_tampered_file_is_refused_by_name_and_nothing_changes(folder, home, tmp_path, start, end, how):
    name = name_like(folder, start, end)
    path, before = folder / name, tree(home.root)
    data = path.read_bytes()
    path.unlink()
    if how == "a link":
        (tmp_path / "elsewhere").write_bytes(data)
        path.symlink_to(tmp_path / "elsewhere")
    elif how != "missing":
        path.write_bytes({"flipped": bytes([data[0] ^ 1]) + data[1:], "longer": data + b"x", "cut": data[:-1]}[how])
    with pytest.raises(BackupError, match=f"{name} .*nothing was changed"):
        backup.restore(home, folder, force=True)
    assert tree(home.root) == before


def test_a_payload_under_anothers_name_is_refused_even_if_the_manifest_agrees(folder, home):
    manifest = json.loads((folder / "manifest.json").read_text())
    name = next(n for n in manifest["files"] if n.startswith("archive/") and not n.endswith(".json"))
    (folder / name).write_bytes(b"forged")
    manifest["files"][name] = {"sha256": sha256(b"forged").hexdigest(), "bytes": 6}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BackupError, match=name):
        backup.restore(home, folder)


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd", "/etc/passwd", "archive/../../x", "archive/ab/x", "refresh.lock", "build.duckdb",
        "curated/../x.csv", "curated/.x.csv", "curated/x.py", "archive/ab/" + "cd" * 32, "curated/x.csv\n",
        "dagster/dagster.yaml", "archive/\uff11\uff12/" + "\uff11\uff12" * 32, "ai_revenue_gap.duckdb.wal",
        "curated/a\0.csv", "figures/../x.csv", "figures/a/b.csv", "figures/a\n.csv", "figures/x.py", "figures/.csv/x",
    ],
)  # fmt: skip
def test_a_manifest_names_nothing_but_what_backups_hold(folder, home, name):
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][name] = {"sha256": "0" * 64, "bytes": 0}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    before = tree(home.root)
    with pytest.raises(BackupError, match="which no backup holds"):
        backup.restore(home, folder)
    assert tree(home.root) == before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot be read"),
        ("[" * 200_000, "cannot be read"),
        ("[]", "cannot be read"),
        ('{"format": 1, "files": []}', "cannot be read"),
        ('{"format": 1, "files": {}}', "incomplete"),
        ('{"format": 2, "files": {}}', "of format 2, this aigap reads 1"),
        ('{"format": 1, "files": {"ai_revenue_gap.duckdb": {"sha256": 1, "bytes": "x"}}}', "incomplete"),
    ],
)
def test_a_manifest_that_says_nothing_is_refused(folder, home, text, message):
    (folder / "manifest.json").write_text(text)
    with pytest.raises(BackupError, match=message):
        backup.restore(home, folder)


def test_a_folder_that_is_no_backup_is_a_mistake(home, tmp_path):
    with pytest.raises(Mistake, match="is no backup"):
        backup.restore(home, tmp_path)


def test_a_log_planted_beside_the_file_changes_no_answer(folder, home):
    published = folder / "ai_revenue_gap.duckdb"
    published.chmod(0o644)
    pristine = published.read_bytes()
    code = (
        "import duckdb, os, sys\nc = duckdb.connect(sys.argv[1])\nc.execute(\"set checkpoint_threshold = '1GB'\")\n"
        "c.execute('update meta.build set generation = 999, schema_version = 99')\nos._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code, str(published)], check=True)
    assert published.with_name("ai_revenue_gap.duckdb.wal").exists()
    assert published.read_bytes() == pristine
    change_build(home, STEP)
    publish_small(home)
    assert backup.restore(home, folder, force=True).published == home.generation(3)


# --- another version of the tables ------------------------------------------------------------------------


def of_version(home: Home, version: int | None) -> None:
    """Make the published file one of another version, or (None) of one that knew no versions."""
    live = home.live()
    live.chmod(0o644)
    with duckdb.connect(str(live)) as connection:
        connection.execute(
            "alter table meta.build drop schema_version" if version is None
            else f"update meta.build set schema_version = {version}"
        )  # fmt: skip
    live.chmod(0o444)


@pytest.mark.parametrize("version", [SCHEMA_VERSION - 1, SCHEMA_VERSION + 1, None])
def test_tables_of_another_version_are_told_by_readers_and_doctor_and_rebuilt(home, version):
    of_version(home, version)
    with pytest.raises(WarehouseError, match=r"another version of aigap.*run aigap refresh"):
        open_published(home)
    (found,) = [f for f in examine(home, date(2026, 11, 22)) if f.check == "published"]
    assert (found.status, "another version of aigap" in found.detail) == ("fail", True)
    assert publish_small(home).is_new
    assert gap(home) == 1354368000000


@pytest.mark.parametrize("command", [["show"], ["explain", "2026Q2"], ["sql", "from marts.scenarios"], ["report"]])
def test_no_reading_command_half_reads_another_version(home, capsys, command):
    of_version(home, SCHEMA_VERSION + 1)
    assert main([*command, "--home", str(home.root)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "another version of aigap" in said.err


def test_a_diff_with_tables_of_another_version_is_refused(home):
    change_build(home, STEP)
    publish_small(home)
    one, other = home.generation(1), home.generation(2)
    assert diff(one, other).rows == []
    of_version(home, SCHEMA_VERSION + 1)
    with pytest.raises(WarehouseError, match="000002.duckdb was made by another version of aigap"):
        diff(one, other)


def test_a_file_of_a_newer_duckdb_is_not_called_damaged():
    said = "Trying to read a database file with version number 999, but we can only read versions between 64 and 67."
    assert "was written by another DuckDB" in str(damaged("x.duckdb", duckdb.IOException(said)))


def with_file(folder: Path, data: bytes, name: str = backup.PUBLISHED) -> None:
    """Put `data` into a backup, and have its manifest agree."""
    (folder / name).unlink(missing_ok=True)
    (folder / name).write_bytes(data)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][name] = {"sha256": sha256(data).hexdigest(), "bytes": len(data)}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def changed(folder: Path, tmp_path: Path, sql: str) -> None:
    """Put a changed published file into a backup."""
    copy = tmp_path / "changed.duckdb"
    copy.write_bytes((folder / backup.PUBLISHED).read_bytes())
    with duckdb.connect(str(copy)) as connection:
        connection.execute(sql)
    with_file(folder, copy.read_bytes())


def a_database(tmp_path: Path, sql: str = "create table x as select 1") -> bytes:
    with duckdb.connect(str(tmp_path / "other.duckdb")) as connection:
        connection.execute(sql)
    return (tmp_path / "other.duckdb").read_bytes()


UNFIT = {
    "an older version": f"update meta.build set schema_version = {SCHEMA_VERSION - 1}",
    "a newer version": f"update meta.build set schema_version = {SCHEMA_VERSION + 1}",
    "of no version": "alter table meta.build drop schema_version",
    "no build": "delete from meta.build",
    "two builds": "insert into meta.build select * replace (generation + 1 as generation) from meta.build",
    "no day": "alter table meta.build alter built_at drop not null; update meta.build set built_at = null",
    "other rows": STEP,
    "no marts": "drop schema marts cascade",
}


@pytest.mark.parametrize("what", [*UNFIT, "no database", "empty", "another database"])
def test_a_backup_whose_file_cannot_be_published_changes_nothing(folder, home, tmp_path, what):
    if what in UNFIT:
        changed(folder, tmp_path, UNFIT[what])
    else:
        bodies = {"empty": b"", "no database": b"no" * 9000, "another database": a_database(tmp_path)}
        with_file(folder, bodies[what])
    new = Home(tmp_path / "new")
    for target in (home, new):
        before = tree(target.root)
        with pytest.raises(BackupError, match=r"cannot be published.*nothing was changed\. --force"):
            backup.restore(target, folder)
        assert tree(target.root) == before
        assert main(["import", str(folder), "--home", str(target.root)]) == 1
        assert tree(target.root) == before


@pytest.mark.parametrize("what", ["an older version", "other rows"])
def test_force_takes_archive_and_decisions_of_such_a_backup(folder, home, tmp_path, what):
    decided(home, "0001045810-26-000081")
    with_file(folder, home.decisions.read_bytes(), backup.DECISIONS)
    changed(folder, tmp_path, UNFIT[what])
    new = Home(tmp_path / "new")
    done = backup.restore(new, folder, force=True)
    assert (done.new_files, done.new_decisions, done.published) == (6, 1, None)
    assert done.reason.endswith("run aigap refresh")
    assert new.live() is None
    before = gap(home)
    assert backup.restore(home, folder, force=True).published is None
    assert gap(home) == before


@pytest.mark.parametrize("generation", [2_147_483_646, 2_147_483_647, 1_000_000, 0, -1, -2_147_483_648])
def test_a_generation_number_that_no_home_gets_to_is_not_taken_over(folder, home, tmp_path, generation):
    changed(folder, tmp_path, f"update meta.build set generation = {generation}")
    new = Home(tmp_path / "new")
    assert backup.restore(new, folder).published == new.generation(1)
    change_build(home, STEP)
    publish_small(home)
    assert backup.restore(home, folder, force=True).published == home.generation(3)
    assert publish_small(home, force=True).generation == 4


# --- decisions -----------------------------------------------------------------------------------------


def decided(home: Home, target: str, verdict: str = "reject", minutes: int = 0) -> None:
    at = datetime(2026, 9, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    decide(home, target, verdict, "filed in thousands", "Jane Doe", at)


def test_decisions_travel_and_a_second_import_adds_none(home, curated, tmp_path):
    decided(home, "0001045810-26-000081")
    decided(home, "submissions/1045810", "accept", 1)
    made = backup.export(home, tmp_path / "b", curated).folder
    assert (made / "decisions.jsonl").read_bytes() == home.decisions.read_bytes()
    new = Home(tmp_path / "new")
    assert backup.restore(new, made).new_decisions == 2
    assert new.decisions.read_bytes() == home.decisions.read_bytes()
    decided(new, "0001045810-26-000082", minutes=2)
    whole = new.decisions.read_bytes()
    assert backup.restore(new, made).new_decisions == 0
    assert new.decisions.read_bytes() == whole


def test_the_command_says_how_many_decisions_came(home, curated, tmp_path, capsys):
    decided(home, "0001045810-26-000081")
    made = backup.export(home, tmp_path / "b", curated).folder
    assert run.import_(Home(tmp_path / "new"), made) == 0
    assert capsys.readouterr().out.startswith("6 new archived files, 1 new decisions; published ")


def test_two_histories_that_contradict_are_refused_with_nothing_changed(home, curated, tmp_path):
    other = Home(shutil.copytree(home.root, tmp_path / "other", symlinks=True))
    decided(other, "0001045810-26-000081")
    archived(other, b"four")
    made = backup.export(other, tmp_path / "b", curated).folder
    decided(home, "0001045810-26-000081/data_center_revenue", "accept", 1)
    before = tree(home.root)
    with pytest.raises(Mistake, match=r"two histories of decisions.*Nothing was changed; --force"):
        backup.restore(home, made)
    assert tree(home.root) == before
    assert backup.restore(home, made, force=True)[:2] == (2, 0)
    assert tree(home.root)["decisions.jsonl"] == before["decisions.jsonl"]


# --- what the user wrote ------------------------------------------------------------------------------


def own_files(home: Home) -> dict[str, str]:
    home.figures.mkdir()
    files = {
        "figures/my figures (é).csv": "company\nMine\n",
        "scenarios.csv": "scenario\nmine\n",
        "leads.jsonl": '{"lead": "l1", "state": "accepted", "why": "", "at": ""}\n',
    }
    for name, content in files.items():
        (home.root / name).write_text(content)
    return files


def test_own_figures_scenarios_and_verdicts_on_leads_travel(home, curated, tmp_path, capsys):
    files = own_files(home)
    made = backup.export(home, tmp_path / "b", curated).folder
    new = Home(tmp_path / "new")
    assert run.import_(new, made) == 0
    assert capsys.readouterr().out.startswith("6 new archived files, 3 files of your own; published ")
    assert {name: (new.root / name).read_text() for name in files} == files
    assert backup.restore(new, made).new_own == 0


def test_verdicts_on_leads_of_both_homes_are_kept_and_the_homes_is_the_last(home, curated, tmp_path):
    own_files(home)
    made = backup.export(home, tmp_path / "b", curated).folder
    theirs, ours = home.lead_verdicts.read_text(), '{"lead": "l1", "state": "dismissed", "why": "no", "at": ""}\n'
    home.lead_verdicts.write_text(ours)
    assert backup.restore(home, made).new_own == 1
    assert home.lead_verdicts.read_text() == theirs + ours
    assert backup.restore(home, made).new_own == 0


def test_other_figures_under_the_same_name_are_refused_and_force_leaves_the_homes(home, curated, tmp_path):
    files = own_files(home)
    made = backup.export(home, tmp_path / "b", curated).folder
    (home.root / "scenarios.csv").write_text("scenario\nanother\n")
    (home.root / "leads.jsonl").unlink()
    before = tree(home.root)
    with pytest.raises(
        Mistake, match=r"scenarios\.csv is not what the backup holds under this name; nothing was changed"
    ):
        backup.restore(home, made)
    assert tree(home.root) == before
    assert backup.restore(home, made, force=True).new_own == 1
    assert (home.root / "scenarios.csv").read_text() == "scenario\nanother\n"
    assert (home.root / "leads.jsonl").read_text() == files["leads.jsonl"]


# --- names that somebody planted ------------------------------------------------------------------------


def test_no_link_under_a_name_that_could_be_known_is_followed(home, curated, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept.txt").write_text("kept")
    (tmp_path / ".b.part").symlink_to(elsewhere)
    (tmp_path / f".b.{'0' * 16}.part").symlink_to(elsewhere)
    made = backup.export(home, tmp_path / "b", curated).folder
    (home.root / f".import-{os.getpid()}").symlink_to(elsewhere)
    assert backup.restore(home, made).new_files == 0
    assert os.listdir(elsewhere) == ["kept.txt"]


def test_a_home_of_newer_tables_is_not_overwritten(made, home):
    of_version(home, SCHEMA_VERSION + 1)
    with pytest.raises(Mistake, match="is newer"):
        backup.restore(home, made)
    assert backup.restore(home, made, force=True).published == home.generation(2)


# --- killed, and out of disk ------------------------------------------------------------------------------

_IMPORT = (
    "import sys; from pathlib import Path; from warehouse.store.home import Home; from warehouse.store import backup\n"
    "backup.restore(Home(Path(sys.argv[1])), Path(sys.argv[2]))"
)


def import_elsewhere(home: Home, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _IMPORT, str(home.root), str(folder)],
        env={**os.environ, **environment}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def newer(template, curated, tmp_path_factory) -> Path:
    """A backup of what the template became later."""
    folder = tmp_path_factory.mktemp("newer")
    source = Home(shutil.copytree(template.root, folder / "source", symlinks=True))
    change_build(source, STEP)
    publish_small(source)
    archived(source, b"four", b"five", b"six")
    return backup.export(source, folder / "backup", curated).folder


FLIPPED = ("publish.flipped", "publish.collected")


@pytest.mark.parametrize("point", [*IMPORT_POINTS, "publish.named", "publish.link_made", *FLIPPED])
def test_a_kill_in_the_middle_leaves_the_old_home_and_a_second_import_completes(home, newer, point):
    before, number = tree(home.root), gap(home)
    assert import_elsewhere(home, newer, AIGAP_CRASH_AT=point).returncode == -signal.SIGKILL
    assert gap(home) == number + (point in FLIPPED)
    after = tree(home.root)
    assert {path: after.get(path) for path in before if point not in FLIPPED or path != home.published.name} == {
        path: data for path, data in before.items() if point not in FLIPPED or path != home.published.name
    }, "nothing that was there is gone or changed"
    if "archived" not in point and not point.startswith("publish"):
        assert {p for p in after.keys() - before.keys() if not p.startswith(".import-")} == set()
        assert bodies(home) == {b"one", b"two", b"three"}
    assert bodies(home) <= {b"one", b"two", b"three", b"four", b"five", b"six"}
    assert import_elsewhere(home, newer).returncode == 0
    assert gap(home) == number + 1
    assert bodies(home) == {b"one", b"two", b"three", b"four", b"five", b"six"}
    assert not list(home.root.glob(".import-*"))
    assert not list(home.root.glob(".link-*")) or point == "publish.link_made"


def test_what_a_killed_import_left_is_reported_and_cleared_by_the_next_publish(home, newer):
    import_elsewhere(home, newer, AIGAP_CRASH_AT="import.staged")
    assert any(f.check == "leftovers" and ".import-" in f.detail for f in examine(home, date(2026, 11, 22)))
    publish_small(home)
    assert not list(home.root.glob(".import-*"))


def test_a_full_disk_stops_the_import_and_changes_nothing(home, newer):
    before = tree(home.root)
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))\n"
    done = subprocess.run(
        [sys.executable, "-c", limit + _IMPORT, str(home.root), str(newer)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "BackupError: the import stopped" in done.stderr
    assert tree(home.root) == before


def test_a_full_disk_stops_the_export_and_leaves_nothing(home, curated, tmp_path):
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))\n"
        "from pathlib import Path; from warehouse.store.home import Home; from warehouse.store import backup\n"
        "backup.export(Home(Path(sys.argv[1])), Path(sys.argv[2]), Path(sys.argv[3]))"
    )
    arguments = [str(home.root), str(tmp_path / "b"), str(curated)]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert "BackupError: no backup was made" in done.stderr
    assert not list(tmp_path.glob("*b")) or os.listdir(tmp_path) == ["a home"]


# --- the commands -------------------------------------------------------------------------------------------


def test_the_commands_say_what_they_did_and_which_figures_differ(home, tmp_path, capsys):
    assert run.export(home, tmp_path / "b") == 0
    assert "generation 1, " in capsys.readouterr().out
    assert run.import_(Home(tmp_path / "new"), tmp_path / "b") == 0
    assert capsys.readouterr().out.endswith("ai_revenue_gap-000001.duckdb\n"), "the shipped figures are the same"
    manifest = json.loads((tmp_path / "b" / "manifest.json").read_text())
    name = next(n for n in manifest["files"] if n.endswith(".csv"))
    (tmp_path / "b" / name).write_text("edited by hand\n")
    manifest["files"][name] = {"sha256": sha256(b"edited by hand\n").hexdigest(), "bytes": 15}
    (tmp_path / "b" / "manifest.json").write_text(json.dumps(manifest))
    assert run.import_(Home(tmp_path / "third"), tmp_path / "b") == 0
    assert f"{name} differs from" in capsys.readouterr().out
