import json
import os
import shutil
import subprocess
import sys
import types
from pathlib import Path

import pytest

from orchestration.commands import main as cli
from orchestration.commands.terminal import Progress
from support.small_warehouse import published_home
from warehouse.errors import Busy, WarehouseError
from warehouse.store.home import Home, record_refresh

AIGAP = Path(sys.executable).with_name("aigap")


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    home = published_home(tmp_path_factory.mktemp("cli"))
    return home


@pytest.fixture
def home(published, monkeypatch):
    monkeypatch.setenv("AIGAP_HOME", str(published.root))
    return published


@pytest.fixture
def aigap(capsys):
    """Runs a command in this process: (exit code, stdout, stderr)."""

    def run(*argv):
        return (cli.main(argv), *capsys.readouterr())

    return run


@pytest.fixture
def runner(monkeypatch):
    """A stand-in for orchestration.run that notes how it is called."""
    calls = []

    def note(name, result=0):
        def called(*args, **kwargs):
            calls.append((name, args, kwargs))
            return result

        return called

    names = ("refresh", "fetch", "ui", "bundle_build", "bundle_verify")
    fake = types.SimpleNamespace(**{name: note(name) for name in names})
    monkeypatch.setitem(sys.modules, "orchestration.run", fake)
    monkeypatch.setattr("orchestration.run", fake, raising=False)
    return types.SimpleNamespace(calls=calls, fake=fake)


# --- show ------------------------------------------------------------------------------------------------------


def test_show_prints_the_table_the_headline_and_its_doubt(aigap, home):
    code, out, err = aigap("show")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].split("  ")[0] == "quarter"
    assert lines[2].startswith("2026Q2    $356.1B  $712.2B  $1,424.4B     $100.0B  $1,324.4B     7.0%")
    assert lines[3].startswith("2026Q1")
    assert "The gap: $1,324.4B." in out
    assert "Stands on: 4 x the quarter NVIDIA reported" in out
    assert lines[-1] == "Every source: aigap explain 2026Q2"


def test_show_as_json_and_csv_holds_exact_values_and_nothing_else(aigap, home):
    code, out, _ = aigap("show", "--format", "json", "--all")
    rows = json.loads(out)
    assert code == 0
    assert [row["calendar_quarter"] for row in rows] == ["2026Q2", "2026Q1"]
    assert rows[0]["gap_usd"] == 1324368000000
    assert rows[0]["known_from"] == "2026-08-26"
    assert rows[0]["fact_ids"] == ["c1", "s1", "x2"]
    code, out, _ = aigap("show", "--format", "csv", "--last", "1", "--scenario", "all")
    assert out.splitlines()[0].startswith("calendar_quarter,scenario,run_rate_basis,")
    assert [line.split(",")[1] for line in out.splitlines()[1:]] == ["cahn_method", "measured"]


def test_show_of_one_scenario_says_what_is_not_like_for_like(aigap, home):
    _, out, _ = aigap("show", "--scenario", "cahn_method")
    assert "Not like for like" in out
    code, out, err = aigap("show", "--scenario", "nope")
    assert (code, out) == (2, "")
    assert err == "aigap: there is no scenario 'nope'; there are: cahn_method, measured, or all\n"


def test_show_says_when_the_last_refresh_failed(aigap, published, tmp_path, monkeypatch):
    copy = Home(shutil.copytree(published.root, tmp_path / "home", symlinks=True))
    monkeypatch.setenv("AIGAP_HOME", str(copy.root))
    record_refresh(copy, "failed", "check gap_is_positive", "2026-11-22T07:00:00Z")
    code, out, err = aigap("show")
    assert code == 0
    assert "$1,324.4B" in out
    assert err == (
        "aigap: the last refresh failed (2026-11-22T07:00:00Z: check gap_is_positive); "
        "these are the last good numbers\n"
    )
    record_refresh(copy, "published", "generation 2", "2026-11-22T08:00:00Z")
    assert aigap("show")[2] == ""


def test_show_as_of_a_day_uses_only_what_was_known_then(aigap, home):
    code, out, _ = aigap("show", "--as-of", "2026-08-25", "--scenario", "measured", "--format", "json")
    assert code == 0
    assert [(row["calendar_quarter"], row["gap_usd"]) for row in json.loads(out)] == [
        ("2026Q2", 1319368000000),
        ("2026Q1", None),
    ]
    code, _, err = aigap("show", "--as-of", "2020-01-01")
    assert code == 2
    assert "nothing was known on 2020-01-01" in err


# --- explain ---------------------------------------------------------------------------------------------------


def test_explain_goes_down_to_the_filing(aigap, home):
    code, out, _ = aigap("explain", "FY27Q2")
    assert code == 0
    assert "NVIDIA 10-Q 0001045810-26-000081 filed 2026-08-26: us-gaap:Revenues" in out
    assert "https://www.sec.gov/x2" in out
    tree = json.loads(aigap("explain", "2026Q2", "--format", "json")[1])
    assert sum(c["signed_usd"] for c in tree["components"]) == tree["gap_usd"]
    assert tree["components"][0]["citations"][0]["value"] == 89023000000


def test_no_format_lets_hostile_text_act(aigap, home):
    table, csv = aigap("explain", "2026Q2")[1], aigap("explain", "2026Q2", "--format", "csv")[1]
    assert "\x1b" not in table
    assert "\\x1b[31m" in table
    assert """'=HYPERLINK(""http://evil.example"")""" in csv
    assert "\n=HYPERLINK" not in csv
    assert ",=HYPERLINK" not in csv


@pytest.mark.parametrize("quarter", ["2031Q1", "Q2", "FY99Q1", "'; drop table x; --", "\x00"])
def test_explain_of_an_unknown_quarter_is_usage(aigap, home, quarter):
    code, out, err = aigap("explain", quarter)
    assert (code, out) == (2, "")
    assert err.startswith("aigap: ")
    assert "Traceback" not in err


# --- sql ---------------------------------------------------------------------------------------------------------


def test_sql_answers_in_each_format(aigap, home):
    assert aigap("sql", "select 1 as a, 'x' as b") == (0, "a  b\n-  -\n1  x\n", "")
    assert aigap("sql", "select 1 as a, 'x' as b", "--format", "csv") == (0, "a,b\n1,x\n", "")
    assert json.loads(aigap("sql", "select 1.50 as a", "--format", "json")[1]) == [{"a": 1.5}]


def test_sql_reads_its_query_from_standard_input(aigap, home, monkeypatch):
    import io

    monkeypatch.setattr(sys, "stdin", io.StringIO("select count(*) as n\nfrom marts.scenarios"))
    assert aigap("sql", "-", "--format", "csv")[1] == "n\n2\n"


def test_sql_says_when_it_cut_the_answer(aigap, home):
    code, out, err = aigap("sql", "from range(5) as r(i)", "--max-rows", "2", "--format", "csv")
    assert (code, out, err) == (0, "i\n0\n1\n", "aigap: only the first 2 rows are shown (--max-rows)\n")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("drop table marts.citations", "aigap sql only reads"),
        ("attach 'x' as x", "aigap sql only reads"),
        ("select 1; select 2", "one statement at a time"),
        ("selec", "syntax error"),
        ("from marts.nope", "nope"),
        ("from read_csv('/etc/passwd')", "disabled by configuration"),
        ("", "there is no query"),
    ],
)
def test_sql_refuses_with_a_reason_and_no_traceback(aigap, home, query, message):
    code, out, err = aigap("sql", query)
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err


# --- nothing published, damage -----------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [["show"], ["explain", "2026Q2"], ["sql", "select 1"]])
def test_reading_before_the_first_refresh_says_what_to_run(aigap, tmp_path, command):
    code, out, err = aigap(*command, "--home", str(tmp_path / "none"))
    assert (code, out) == (1, "")
    assert "nothing is published" in err
    assert "run aigap refresh" in err
    assert not (tmp_path / "none").exists()


def test_debug_gives_the_traceback(aigap, tmp_path):
    with pytest.raises(WarehouseError):
        aigap("show", "--debug", "--home", str(tmp_path / "none"))


# --- doctor --------------------------------------------------------------------------------------------------------


def test_doctor_of_a_sound_home_exits_0_and_of_an_empty_one_1(aigap, home, tmp_path):
    code, out, _ = aigap("doctor", "--format", "json")
    found = {f["check"]: f for f in json.loads(out)}
    assert code == 0
    assert found["integrity"]["status"] == "ok"
    assert found["published"]["detail"].startswith("generation 1, 20")
    assert found["newest filing: NVIDIA"]["detail"].startswith("2026-08-26 (0001045810-26-000081)")
    assert found["last refresh"]["status"] == "warn"
    assert aigap("doctor", "--strict")[0] == 1
    code, out, _ = aigap("doctor", "--home", str(tmp_path / "none"))
    assert code == 1
    assert "fail  published" in out
    assert not (tmp_path / "none").exists()


def test_doctor_fails_on_a_failed_refresh_and_warns_of_what_a_killed_one_left(aigap, published, tmp_path):
    copy = Home(shutil.copytree(published.root, tmp_path / "home", symlinks=True))
    record_refresh(copy, "failed", "check x", "2026-11-22T07:00:00Z")
    (copy.generations / ".new-1.duckdb").touch()
    code, out, _ = aigap("doctor", "--home", str(copy.root))
    assert code == 1
    assert "fail  last refresh" in out
    assert "warn  leftovers" in out


# --- commands of the other rooms -----------------------------------------------------------------------------------


def test_refresh_fetch_ui_and_bundle_are_passed_on(aigap, home, runner, tmp_path):
    assert aigap("refresh", "--full")[0] == 0
    assert aigap("refresh", "--fetch")[0] == 0
    assert aigap("fetch")[0] == 0
    assert aigap("ui", "--port", "3999")[0] == 0
    assert aigap("bundle", "build", "--from", str(tmp_path), "--out", str(tmp_path / "o"))[0] == 0
    assert aigap("bundle", "verify", "--from", str(tmp_path))[0] == 0
    for _, _, kwargs in runner.calls:
        kwargs.pop("progress", None)
    assert runner.calls == [
        ("refresh", (home,), {"full": True, "offline": True}),
        ("refresh", (home,), {"full": False, "offline": False}),
        ("fetch", (home,), {}),
        ("ui", (home,), {"host": "127.0.0.1", "port": 3999, "writable": False, "only": None}),
        ("bundle_build", (tmp_path, tmp_path / "o"), {}),
        ("bundle_verify", (tmp_path, None), {}),
    ]


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (Busy("a refresh is already running (process 1)"), 75, "aigap: a refresh is already running (process 1)\n"),
        (WarehouseError("check x failed"), 1, "aigap: check x failed\n"),
        (ValueError("odd"), 1, "aigap: ValueError: odd (--debug prints where)\n"),
        (KeyboardInterrupt(), 130, "aigap: stopped; readers keep what was published\n"),
    ],
)
def test_failures_have_exit_codes_and_one_line(aigap, home, runner, error, code, message):
    def fail(*_, **__):
        raise error

    runner.fake.refresh = fail
    assert aigap("refresh") == (code, "", message)


def test_a_bundle_folder_that_is_not_there_is_usage(aigap, home, runner):
    code, _, err = aigap("bundle", "build", "--from", "/no/such/folder")
    assert code == 2
    assert "/no/such/folder is not a folder" in err
    assert runner.calls == []


# --- help, arguments, progress ---------------------------------------------------------------------------------------


def test_help_names_every_command_variable_and_exit_code(aigap):
    code, out, _ = aigap("--help")
    assert code == 0
    for word in ("refresh", "show", "explain", "sql", "fetch", "bundle", "ui", "doctor", "AIGAP_HOME", "75 another"):
        assert word in out


@pytest.mark.parametrize("command", ["refresh", "show", "explain", "sql", "fetch", "ui", "doctor", "bundle", "review"])
def test_every_command_explains_itself(aigap, command):
    code, out, _ = aigap(command, "--help")
    assert code == 0
    assert len(out.splitlines()) > 8


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["nope"],
        ["show", "--last", "0"],
        ["show", "--format", "xml"],
        ["explain"],
        ["sql", "select 1", "--timeout", "nan"],
    ],
)
def test_wrong_arguments_are_usage(aigap, argv):
    code, _, err = aigap(*argv)
    assert code == 2
    assert "usage: aigap" in err


def test_version(aigap):
    assert aigap("--version")[:2] == (0, "aigap 0.1.0\n")


def test_progress_is_plain_lines_where_there_is_no_terminal(capsys):
    progress = Progress()
    progress("loading", 1, 3)
    progress("note\x1b[0m")
    assert capsys.readouterr().err == "[1/3] loading\nnote\\x1b[0m\n"


def test_progress_rewrites_one_line_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    progress = Progress()
    progress("loading a long name", 1, 2)
    progress("done", 2, 2)
    progress("a line that stays")
    assert capsys.readouterr().err == (
        "\r[1/2] loading a long name" + "\r" + "[2/2] done".ljust(25) + "\n" + "\ra line that stays\n"
    )


# --- the installed command ---------------------------------------------------------------------------


def shell(command, home, **options):
    env = {**os.environ, "AIGAP_HOME": str(home.root)}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=env, **options)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("streams", "code", "told"),
    [
        ("<&-", 0, ""),
        ("2>&-", 0, ""),
        ("2>/dev/full", 0, ""),
        (">&-", 1, "aigap: standard output cannot be written (it is closed)\n"),
        (">/dev/full", 1, "aigap: standard output cannot be written (No space left on device)\n"),
        ("<&- >&- 2>&-", 1, ""),
    ],
)
def test_a_standard_stream_that_is_closed_or_full_fails_only_where_the_answer_is_lost(published, streams, code, told):
    for command in ("show", "doctor", "sql 'from range(9000)' --format csv", "show --format json"):
        done = shell(["bash", "-c", f"'{AIGAP}' {command} {streams}"], published)
        assert (done.returncode, done.stderr) == (code, told), command
        assert bool(done.stdout) is (code == 0)


def test_what_a_progress_cannot_say_is_no_failure(monkeypatch):
    class Gone:
        def isatty(self):
            return False

        def write(self, _):
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stderr", Gone())
    Progress()("loading", 1, 3)


def test_the_installed_command_runs_no_code_of_the_current_folder(published, tmp_path):
    for module in ("random", "json", "click", "warehouse", "duckdb"):
        (tmp_path / f"{module}.py").write_text("raise SystemExit('run from the current folder')")
    for command in ("show", "doctor"):
        done = shell([str(AIGAP), command], published, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, ""), command


@pytest.mark.parametrize("arguments", [["show"], ["explain", "2026Q2"], ["sql", "from marts.scenarios"]])
def test_reading_commands_import_nothing_slow(published, arguments):
    code = (
        "import sys\nfrom orchestration.commands.main import main\nassert main(sys.argv[1:]) == 0\n"
        "slow = ('dagster', 'dbt', 'pandas', 'numpy', 'pyarrow', 'lxml', 'requests', 'jinja2', 'ingest')\n"
        "sys.exit(str([m for m in slow if m in sys.modules]) if any(m in sys.modules for m in slow) else 0)"
    )
    done = shell([sys.executable, "-c", code, *arguments], published)
    assert done.returncode == 0, done.stderr


def test_the_installed_command_works_from_anywhere(published, tmp_path):
    done = shell([str(AIGAP), "show"], published, cwd=tmp_path)
    assert done.returncode == 0
    assert "$1,324.4B" in done.stdout


def test_a_reader_that_leaves_early_is_no_failure(published):
    command = f"'{AIGAP}' sql 'from range(10000) as r(i)' --format csv | head -1; exit ${{PIPESTATUS[0]}}"
    done = shell(["bash", "-c", command], published)
    assert (done.returncode, done.stdout, done.stderr) == (0, "i\n", "")


# --- what is typed, and what is meant -----------------------------------------------------------------


@pytest.mark.parametrize("typed", ["2026Q2", "Q2 2026", "2Q26", "2026-Q2", "FY27Q2", "latest"])
def test_show_takes_one_quarter_however_it_is_typed(aigap, home, typed):
    code, out, _ = aigap("show", typed, "--format", "csv")
    assert (code, [line.split(",")[0] for line in out.splitlines()[1:]]) == (0, ["2026Q2"])


@pytest.mark.parametrize(
    ("argv", "near"),
    [
        (["shwo"], "Did you mean 'show'?"),
        (["show", "--scenari", "all"], "Did you mean '--scenario'?"),
        (["show", "--scenario", "mesured"], "did you mean measured?"),
        (["explain", "2026Q5"], "did you mean 2026Q2?"),
        (["explain", "2026Q2", "--scenario", "mesured"], "did you mean measured?"),
        (["sql", "from marts.scenario"], 'Did you mean "scenarios"'),
        (["review", "acept", "x"], "Did you mean 'accept'?"),
    ],
)
def test_a_wrong_word_is_answered_with_the_nearest_right_one(aigap, home, argv, near):
    code, out, err = aigap(*argv)
    assert (code, out) == (2, "")
    assert near in err


def test_a_files_ending_says_its_format(aigap, home, tmp_path):
    assert aigap("sql", "select 1 as a", "--out", str(tmp_path / "x.json"))[0] == 0
    assert json.loads((tmp_path / "x.json").read_text()) == [{"a": 1}]
    code, _, err = aigap("sql", "select 1 as a", "--out", str(tmp_path / "x.xyz"))
    assert (code, ".csv, .json, .md, .txt, .parquet" in err) == (2, True)
    assert aigap("sql", "select 1 as a", "--format", "csv", "--out", str(tmp_path / "y.json"))[0] == 2


def test_an_address_is_whole_where_nobody_looks(aigap, home):
    address = "https://example.org/" + "x" * 80
    assert address in aigap("sql", f"select '{address}' as a")[1]
