"""T72 by surface: text that a source could choose acts nowhere, be it terminal, log, page or workbook.

That it is kept exact where a program reads it (JSON, CSV into a file) is in tests/faults/test_security.py.
"""

import json
import logging
import shutil

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.checks import NOTHING_QUARANTINED, warn_if_any
from orchestration.console import LOGGED, LOGGERS
from support.report_marts import write_marts
from support.review_rows import REVIEW
from support.small_warehouse import change_build, publish_small, small_home
from support.terminal import ESCAPE, on_terminal
from support.workbook import stored_texts
from warehouse.formats import harmless, one_line
from warehouse.formats import json as as_json
from warehouse.readers.read import open_published
from warehouse.readers.xlsx import write_xlsx
from warehouse.report import write_report
from warehouse.store.home import Home, record_refresh

#: A terminal's title and screen, the same in one byte of C1, a link, text turned round, text that is not seen, a page
#: break, a return over what stands there.
EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m\x1b]8;;http://evil.example\x1b\\x\u202egnp.exe\u2066\u200b\u2028\u00ad\x0c\rover"


def evil_sql(text=EVIL):
    return f"decode(from_hex('{text.encode().hex()}'))"


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A home where every text that a source could choose is hostile, published twice."""
    home = small_home(tmp_path_factory.mktemp("harmless"))
    change_build(home, REVIEW)
    publish_small(home)
    change_build(
        home,
        f"""
        update marts.citations set source_title = {evil_sql()}, company = company || {evil_sql()}, form = {evil_sql()},
            source_url = 'https://example.org/' || {evil_sql()};
        update marts.review set reason = {evil_sql()}, company = {evil_sql()}, why = {evil_sql()};
        update marts.ai_revenue_gap_components set formula = {evil_sql()};
        insert into marts.coverage values ({evil_sql()}, {evil_sql()}, '2026Q2', false, {evil_sql()});
        update marts.ai_revenue_gap set gap_usd = gap_usd + 1, ai_revenue_usd = ai_revenue_usd - 1,
            fact_ids = list_append(fact_ids, 'x1');
        """,
    )
    publish_small(home)
    return home


@pytest.fixture
def home(template, tmp_path):
    home = Home(shutil.copytree(template.root, tmp_path / "a home", symlinks=True))
    record_refresh(home, "failed", EVIL, "2026-11-22T07:00:00Z")
    return home


def is_harmless(text):
    return all(c.isprintable() or c == "\n" for c in text)


_CITED = "select source_title, company, source_url from marts.citations"


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        ["sql", _CITED],
        *(["sql", _CITED, "--format", style] for style in ("md", "csv", "json")),
        ["sql", f"explain select '{EVIL}'"],
        ["explain", "2026Q2"],
        *(["explain", "2026Q2", "--format", style] for style in ("md", "csv", "json")),
        *(["cite", "2026Q2", "--style", style] for style in ("plain", "markdown", "bibtex")),
        *(["review", "--all", "--format", style] for style in ("table", "md", "csv", "json")),
        ["diff", "generations/ai_revenue_gap-000001.duckdb", "generations/ai_revenue_gap-000002.duckdb"],
        ["show", "--format", "md"],
        ["show", "--format", "csv"],
    ],
)
def test_no_command_hands_it_to_a_terminal(home, command):
    command = [str(home.root / part) if part.startswith("generations/") else part for part in command]
    shown = on_terminal(home, *command)
    assert shown
    assert is_harmless(shown), command


def test_colours_of_our_own_are_all_that_a_terminal_gets(home):
    assert is_harmless(ESCAPE.sub("", on_terminal(home, "show", "--scenario", "all")))


def test_what_is_said_on_standard_error_is_harmless(home, capsys):
    from orchestration.commands.main import main

    assert main(["show", "--home", str(home.root)]) == 0
    said = capsys.readouterr().err
    assert "the last refresh failed" in said
    assert is_harmless(said)


def test_the_log_of_a_run_is_harmless(capfd):
    @dg.op
    def tells(context):
        context.log.warning(EVIL)
        raise ValueError(EVIL)

    @dg.job(logger_defs=LOGGERS)
    def run():
        tells()

    assert not run.execute_in_process(raise_on_error=False, run_config=LOGGED).success
    said = capfd.readouterr()
    assert harmless(EVIL) in ESCAPE.sub("", said.out + said.err)
    assert is_harmless(ESCAPE.sub("", said.out + said.err))


def test_a_checks_result_is_text_without_links_or_markup():
    found = [f"[click](http://evil.example) <b>{EVIL}", "x"]
    result = warn_if_any(NOTHING_QUARANTINED, found)
    shown = result.metadata["found"].value
    assert is_harmless(shown)
    assert is_harmless(result.description)
    assert r"\[click\]" in shown
    assert "&lt;b&gt;" in shown


def test_the_workbook_is_harmless(home, tmp_path):
    with open_published(home) as connection:
        write_xlsx(connection, tmp_path / "gap.xlsx")
    texts = stored_texts(tmp_path / "gap.xlsx")
    assert any("gnp.exe" in text for text in texts)
    assert all(map(is_harmless, texts))


@pytest.mark.slow
def test_the_page_is_harmless(tmp_path):
    import duckdb

    marts = write_marts(tmp_path / "published.duckdb")
    with duckdb.connect(str(marts)) as connection:
        connection.execute(f"update marts.citations set source_title = {evil_sql()}, company = {evil_sql()}")
    page = write_report(marts, tmp_path / "index.html").read_text("utf-8")
    start = page.index('<script id="data"') if '<script id="data"' in page else page.index('id="data"')
    carried = json.loads(page[page.index(">", start) + 1 : page.index("</script>", start)])
    texts = []

    def collect(value):
        if isinstance(value, str):
            texts.append(value)
        for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            collect(inner)

    collect(carried["citations"])
    assert any("gnp.exe" in text for text in texts)
    assert all(map(is_harmless, texts))


@given(st.text())
def test_json_hands_nothing_to_a_terminal_and_reads_back_as_it_was(text):
    shown = as_json({text: [text]})
    assert is_harmless(shown)
    assert json.loads(shown) == {text: [text]}


@given(st.text())
def test_one_line_is_one_line_that_acts_on_nobody(text):
    shown = one_line(text)
    assert len(shown.splitlines()) <= 1
    assert is_harmless("".join(shown.split()))
    assert one_line(shown) == shown
    assert harmless(text).count("\n") == text.count("\n")


def test_ordinary_spaces_of_every_width_stay_text():
    assert one_line("R&D\u00a0cost\u2009%\u3000全") == "R&D\u00a0cost\u2009%\u3000全"


def test_the_filter_leaves_what_dagster_knows_of_a_record():
    record = logging.LogRecord("dagster", logging.INFO, __file__, 1, "%s said", ("\x1b[2J",), None)
    record.dagster_meta = {"step_key": "x"}
    logger = LOGGERS["console"].logger_fn(
        dg.build_init_logger_context(logger_config={"name": "dagster", "log_level": "INFO"})
    )
    assert logger.filter(record)
    assert (record.getMessage(), record.dagster_meta) == ("\\x1b[2J said", {"step_key": "x"})
