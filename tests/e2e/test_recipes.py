"""docs/recipes: every file of a page written as it stands, every command run, the outcome held against the marts."""

import csv
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
import venv
from http.server import BaseHTTPRequestHandler, HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path
from urllib.request import urlopen

import duckdb
import openpyxl
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs" / "recipes"
_FILE = re.compile(r"(?m)^\*\*([\w./]+)\*\*\n\n```\w+\n(.*?)^```$", re.DOTALL)

pytestmark = pytest.mark.slow


def blocks(page: str, language: str) -> list[str]:
    text = (PAGES / f"{page}.md").read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def cook(page: str, folder: Path, home: Path, language: str = "sh", **more: str) -> str:
    """Write the files of a page into `folder` and run its commands there; returns what they printed."""
    for name, content in _FILE.findall((PAGES / f"{page}.md").read_text("utf-8")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, "utf-8")
    path = os.pathsep.join([more.pop("bin", ""), str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "AIGAP_HOME": str(home), "PATH": path.lstrip(os.pathsep), **more}
    said = []
    for block in blocks(page, language):
        done = subprocess.run(
            ["bash", "-euc", block],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        said.append(done.stdout)
    return "".join(said)


@pytest.fixture(scope="module")
def ask(published):
    with duckdb.connect(str(published), read_only=True) as connection:
        yield lambda sql: connection.execute(sql).fetchall()


def test_every_page_is_listed_and_run_here():
    pages = {path.stem for path in PAGES.glob("*.md")} - {"README"}
    listed = re.findall(r"\]\((\w+)\.md\)", (PAGES / "README.md").read_text("utf-8"))
    assert sorted(listed) == sorted(pages)
    code = Path(__file__).read_text("utf-8")
    assert all(f'cook("{page}"' in code for page in pages)
    assert all(blocks(page, "sh") for page in pages)


# --- Datasette ------------------------------------------------------------------------------------


def datasette(folder: Path) -> Path:
    """An environment with Datasette alone; skips where it cannot be had, fails there with AIGAP_REQUIRE_WHEELS=1."""
    venv.create(folder, with_pip=False, symlinks=True)
    uv = Path(sys.executable).with_name("uv")
    command = [
        str(uv) if uv.exists() else "uv",
        "pip",
        "install",
        "--quiet",
        "--python",
        str(folder / "bin" / "python"),
    ]
    done = subprocess.run([*command, "datasette>=0.65,<1"], capture_output=True, text=True, timeout=180, check=False)
    if done.returncode != 0:
        reason = f"Datasette could not be installed: {done.stderr.strip()[-200:]}"
        pytest.fail(reason) if os.environ.get("AIGAP_REQUIRE_WHEELS") == "1" else pytest.skip(reason)
    return folder / "bin"


@pytest.fixture(scope="module")
def shelf(refreshed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shelf")
    cook("datasette", folder, refreshed.home.root)
    return folder


def test_the_sqlite_file_has_every_row_and_every_dollar(shelf, ask):
    database = sqlite3.connect(shelf / "gap.sqlite")
    tables = [name for (name,) in ask("select table_name from duckdb_tables() where schema_name = 'marts'")]
    for table in tables:
        mine = database.execute(f'select count(*) from "{table}"').fetchall()
        assert mine == ask(f"select count(*) from marts.{table}")
    mine = database.execute(
        "select sum(gap_usd), sum(required_revenue_usd), count(ai_revenue_usd), min(known_from), sum(is_like_for_like) "
        "from ai_revenue_gap"
    ).fetchone()
    ((*theirs, day, alike),) = ask(
        "select sum(gap_usd)::bigint, sum(required_revenue_usd)::bigint, count(ai_revenue_usd), min(known_from), "
        "count_if(is_like_for_like) from marts.ai_revenue_gap"
    )
    assert mine == (*theirs, str(day), alike)


def test_datasette_answers_with_the_headline(shelf, refreshed, ask, tmp_path):
    said = cook("datasette", shelf, refreshed.home.root, "datasette", bin=str(datasette(tmp_path / "env")))
    rows = json.loads(said)
    theirs = ask(
        "select calendar_quarter, gap_usd from marts.ai_revenue_gap where scenario = 'measured' order by 1 desc"
    )
    assert [(row["calendar_quarter"], row["gap_usd"]) for row in rows] == theirs[: len(rows)]
    assert len(rows) > 10


# --- a spreadsheet --------------------------------------------------------------------------------


def test_a_spreadsheet_reads_the_same_from_a_file_and_from_an_address(refreshed, ask, tmp_path):
    cook("spreadsheet", tmp_path, refreshed.home.root)
    handler = type("Here", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    server = HTTPServer(("127.0.0.1", 0), lambda *a: handler(*a, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with urlopen(f"http://127.0.0.1:{server.server_address[1]}/gap.csv", timeout=10) as answer:
            lines = list(csv.DictReader(answer.read().decode().splitlines()))
    finally:
        server.shutdown()
        server.server_close()
    theirs = dict(ask("select calendar_quarter, gap_usd from marts.ai_revenue_gap where scenario = 'measured'"))
    assert {line["calendar_quarter"]: int(line["gap_usd"]) if line["gap_usd"] else None for line in lines} == theirs
    capex = pd.read_csv(tmp_path / "capex.csv")
    assert int(capex["capex_usd"].sum()) == ask("select sum(capex_usd)::bigint from marts.hyperscaler_capex")[0][0]
    sheets = openpyxl.load_workbook(tmp_path / "gap.xlsx", read_only=True).sheetnames
    assert {"notes", "ai_revenue_gap", "citations"} <= set(sheets)


@pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice is not installed")
def test_libreoffice_opens_the_csv(refreshed, tmp_path):
    cook("spreadsheet", tmp_path, refreshed.home.root)
    command = ["soffice", "--headless", f"-env:UserInstallation=file://{tmp_path}/profile", "--convert-to", "xlsx"]
    subprocess.run([*command, "--outdir", str(tmp_path / "out"), str(tmp_path / "gap.csv")], check=True, timeout=120)
    sheet = openpyxl.load_workbook(tmp_path / "out" / "gap.xlsx").active
    assert sheet.max_row == len((tmp_path / "gap.csv").read_text().splitlines())


# --- somebody else's dbt project ------------------------------------------------------------------


def test_a_dbt_project_of_somebody_elses_builds_on_our_marts(refreshed, ask, tmp_path):
    before = os.stat(refreshed.home.published)
    # dbt of this environment stands for theirs; what a user may have set for it does not come in.
    said = cook("dbt", tmp_path, refreshed.home.root, DO_NOT_TRACK="1")
    assert "Completed successfully" in said
    with duckdb.connect(str(tmp_path / "mine.duckdb"), read_only=True) as connection:
        mine = connection.execute(
            "select calendar_quarter, gap_usd, capex_usd from gap_and_capex order by 1"
        ).fetchall()
    theirs = ask(
        "select gap.calendar_quarter, gap.gap_usd, sum(capex_usd) from marts.ai_revenue_gap as gap "
        "join marts.hyperscaler_capex as capex using (calendar_quarter) "
        "where scenario = 'measured' and capex_basis = 'cash_gross' group by all order by 1"
    )
    assert mine == theirs
    assert len(mine) > 10
    assert os.stat(refreshed.home.published) == before


# --- an alert -------------------------------------------------------------------------------------


class _Channel(BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.seen.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.server.answers)
        self.end_headers()

    def log_message(self, *_):
        pass


def test_an_alert_says_what_moved_once_and_again_where_it_was_not_heard(refreshed, ask, tmp_path):
    home = refreshed.home.root
    assert cook("alert", tmp_path, home) == "", "the first time there is nothing to compare with"
    assert cook("alert", tmp_path, home) == "", "nothing moved"
    seen = json.loads((tmp_path / "seen.json").read_text())
    newest, older = sorted(seen)[-1], sorted(seen)[-2]
    assert seen == dict(
        ask("select calendar_quarter, gap_usd from marts.ai_revenue_gap where scenario = 'measured' and gap_usd >= 0")
    )
    (tmp_path / "seen.json").write_text(json.dumps({k: v - (k == older) for k, v in seen.items() if k != newest}))
    server = HTTPServer(("127.0.0.1", 0), _Channel)
    server.seen, server.answers = [], 500
    threading.Thread(target=server.serve_forever, daemon=True).start()
    command = [sys.executable, "new_number.py", "seen.json", f"http://127.0.0.1:{server.server_address[1]}/hook"]
    try:
        for answers, code in ((500, 1), (200, 0), (200, 0)):
            server.answers = answers
            done = subprocess.run(
                command, cwd=tmp_path, env={**os.environ, "AIGAP_HOME": str(home)},
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert done.returncode == code, done.stderr
    finally:
        server.shutdown()
        server.server_close()
    assert len(server.seen) == 2, "told again after it was refused, and then no more"
    text = server.seen[1]["text"]
    assert f"{older}: the gap is ${seen[older]:,}, it was ${seen[older] - 1:,}" in text
    assert f"{newest}: the gap is ${seen[newest]:,}, a new quarter" in text
