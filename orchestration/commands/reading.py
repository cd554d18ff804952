"""Commands that read what is published, and import nothing that takes time until they are asked.

Belongs here: arguments, help, where an answer goes. Does not belong here: the answers (warehouse).
"""

from __future__ import annotations

import os
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestration.commands.shape import (
    FILE,
    NEW_FILE,
    QUARTER,
    Command,
    as_of,
    day,
    one_gap,
    rows,
    rows_or_file,
    seconds,
)
from orchestration.commands.terminal import as_called, put, put_rows, rendered, say
from warehouse.errors import Mistake
from warehouse.formats import emit, json
from warehouse.readers.outfile import new_file
from warehouse.store.home import Home, read_last_refresh

if TYPE_CHECKING:
    import duckdb

    from warehouse.readers.bars import Terminal

# --- help ---------------------------------------------------------------------------------------

_SHOW = """\
data-center spend = NVIDIA's run rate / GPU share
required          = data-center spend / (1 - end-user margin)
gap               = required - AI revenue, on the basis the scenario names

examples:
  aigap show 2026Q2 --scenario all        one quarter, under every scenario
  aigap show --scenario all --last 1      every scenario of the newest quarter
  aigap show --all --format csv           every quarter, whole USD, for a spreadsheet
  aigap show --as-of 2024-06-20           as any reader could have known it that day
  aigap show --format md                  to paste, its doubt with it
  aigap show --all --out gap.parquet      the format is what the name ends in

On a terminal the table is fitted to the width, with bars. NO_COLOR=1 or CLICOLOR=0 leave the colours out.
"""
_EXPLAIN = """\
Prints the gap as signed addends that sum to it to the dollar, and under each the statements it rests on:
accession, form, concept, period, day filed, address. The same in any DuckDB shell: from explain_gap('2026Q2')

examples:
  aigap explain 2026Q2
  aigap explain FY27Q2 --scenario trailing --format json
"""
_CITE = """\
The footnote has the number, the day since which it is known, the filings it rests on with accession and address, which
publish of which version computed it, and its doubt.

examples:
  aigap cite 2026Q2
  aigap cite FY27Q2 --style markdown
  aigap cite 2024Q4 --scenario cahn_2024 --style bibtex >> references.bib
"""
_CHANGES = """\
Compares the gap as known at the end of two days, and names the statements that are new behind each change.

examples:
  aigap changes --since 2026-06-01
  aigap changes --since 2023-09-20 --until 2024-06-20 --scenario cahn_method
"""
_DIFF = """\
Compares the gap by current knowledge of two published files: + a statement that is new, - one that is gone.

  aigap diff data/generations/ai_revenue_gap-000001.duckdb data/generations/ai_revenue_gap-000002.duckdb --markdown
"""
_SQL = """\
Tables are in schema marts; `show all tables` lists them, `describe marts.citations` names their columns. The query
sees no file, network or setting, at most 1 GB of memory, and the time --timeout allows.

examples:
  aigap sql "from gap_with(0.4, 0.5)"                     other assumptions
  aigap sql "from gap_as_of(date '2024-06-20')"           what was known that day
  aigap sql "select ticker, calendar_quarter, capex_usd from marts.hyperscaler_capex" --format csv
  aigap sql - < query.sql
  aigap sql "from marts.citations" --out citations.parquet     every row, whatever --max-rows says
"""
_PAGE = """\
Charts, tables and sources of what is published, as a site of static files that opens from disk and asks no network,
with a picture of each chart and every table as CSV and Parquet; with --single-file, pages and charts in one file.
Prints where it is.
"""
_PAGE_OR_SITE = "the site is a folder, the page of --single-file a file"

# --- commands -----------------------------------------------------------------------------------


@click.command(cls=Command, epilog=_SHOW)
@click.argument("quarter", required=False, help=f"this one alone: {QUARTER}")
@click.option("--scenario", help="which assumptions, or all  [default: measured; all with --as-of]")
@click.option(
    "--last", type=click.IntRange(min=1), metavar="N", help="how many quarters  [default: 12; 4 of all scenarios]"
)
@click.option("--all", "is_all", is_flag=True, help="every quarter")
@as_of
@rows_or_file
def show(
    home: Home,
    quarter: str | None,
    scenario: str | None,
    last: int | None,
    is_all: bool,
    as_of: date | None,
    style: str,
    out: Path | None,
) -> int:
    """Print the gap, newest quarter first."""
    from warehouse.readers.read import copy_parquet, open_published
    from warehouse.readers.show import footer, forecasts_since, gap_rows, gap_sql, gap_table, headline, sentences

    if quarter and (last or is_all):
        raise Mistake("one quarter or several: leave out either QUARTER or --last and --all")
    # As of a past day Cahn's case and what the filings of that day gave belong side by side.
    scenario = scenario or ("all" if as_of else "measured")
    last = None if is_all or quarter else last or (4 if scenario == "all" else 12)
    if style == "parquet" and out:
        with new_file(out) as file, open_published(home, may_write=file) as connection:
            label = quarter and _label(connection, quarter, as_of)
            gap_rows(connection, scenario, last, as_of, label)
            copy_parquet(connection, gap_sql(scenario, last, as_of, label), file)
        return 0
    screen = _screen(style, out)
    with open_published(home) as connection:
        label = quarter and _label(connection, quarter, as_of)
        found = gap_rows(connection, scenario, last, as_of, label)
        if style not in ("table", "md"):
            put_rows(found.columns, found.rows, style, out)
            return 0
        words = headline(connection, found, as_of) if scenario != "all" else ""
        words += forecasts_since(connection, found)
        end = footer(connection, found.as_dicts()[0]["calendar_quarter"])
    words += as_called(end) if style == "table" and not out else end
    table = gap_table(found, scenario == "all", style, screen)
    said = table + ("" if style == "md" else "\n") + sentences(words, style, screen)
    put(said, out, is_painted=screen is not None)
    warn_of_failed_refresh(home)
    return 0


def _label(connection: duckdb.DuckDBPyConnection, quarter: str, as_of: date | None) -> str:
    from warehouse.readers.explain import calendar_quarter

    return calendar_quarter(connection, quarter, as_of)


def _screen(style: str, out: Path | None) -> Terminal | None:
    """The terminal that reads along, if one does."""
    if style != "table" or out or not sys.stdout.isatty():
        return None
    from warehouse.readers.bars import terminal

    return terminal(sys.stdout, os.environ)


def warn_of_failed_refresh(home: Home) -> None:
    """Say so where the last refresh published nothing."""
    last = read_last_refresh(home)
    if last and last["outcome"] == "failed":
        say(f"the last refresh failed ({last['at']}: {last['message']}); these are the last good numbers")


@click.command(cls=Command, epilog=_EXPLAIN)
@one_gap
@rows
def explain(home: Home, quarter: str, scenario: str, as_of: date | None, style: str) -> None:
    """Print where one gap comes from, down to the filings."""
    from warehouse.readers import explain as reader
    from warehouse.readers.read import open_published

    with open_published(home) as connection:
        tree = reader.explain(connection, quarter, scenario, as_of)
    if style == "table":
        emit(reader.text(tree))
    elif style == "json":
        emit(json(tree))
    else:
        put_rows(*reader.flat(tree), style)


@click.command(cls=Command, epilog=_CITE)
@one_gap
@click.option("--style", type=click.Choice(["plain", "markdown", "bibtex"]), default="plain", help="how to write it")
def cite(home: Home, quarter: str, scenario: str, as_of: date | None, style: str) -> None:
    """Print a footnote for one gap, ready to paste."""
    from warehouse.readers.cite import footnote, text
    from warehouse.readers.read import open_published

    with open_published(home) as connection:
        note = footnote(connection, quarter, scenario, as_of)
    emit(text(note, style))


@click.command(cls=Command, epilog=_CHANGES)
@click.option("--since", type=day, required=True, metavar="DAY", help="from the end of this day on")
@click.option("--until", type=day, metavar="DAY", help="to the end of this day  [default: today]")
@click.option("--scenario", default="measured", help="which assumptions, or all")
@rows
def changes(home: Home, since: date, until: date | None, scenario: str, style: str) -> None:
    """Print what moved between two days, and because of what."""
    from warehouse.readers import changes as reader
    from warehouse.readers.read import open_published

    until = until or date.today()
    with open_published(home) as connection:
        found = reader.changes(connection, since, until, scenario)
    if style == "table":
        emit(reader.text(found, f"nothing moved from {since} to {until}"))
    else:
        put_rows(found.columns, found.rows, style)


@click.command(cls=Command, epilog=_DIFF)
@click.argument("old", type=FILE, help="a published file, such as one of generations/*.duckdb")
@click.argument("new", type=FILE, help="the other")
@click.option("--markdown", is_flag=True, help='bullet points for CHANGELOG.md, "numbers changed"')
@rows
def diff(home: Home, old: Path, new: Path, markdown: bool, style: str) -> None:
    """Print what two published files put differently."""
    from warehouse.readers import changes as reader

    found = reader.diff(old, new)
    if markdown:
        emit(reader.markdown(found))
    elif style == "table":
        emit(reader.text(found, "the two files give the same gap everywhere"))
    else:
        put_rows(found.columns, found.rows, style)


@click.command(cls=Command, epilog=_SQL)
@click.argument("query", help="one SELECT, FROM, DESCRIBE, SHOW, SUMMARIZE ...; - reads it from stdin")
@click.option("--max-rows", type=click.IntRange(min=1), default=10_000, metavar="N", help="rows at most")
@click.option("--timeout", type=seconds, default=60, metavar="SECONDS", help="stop it after")
@rows_or_file
def sql(home: Home, query: str, max_rows: int, timeout: float, style: str, out: Path | None) -> None:
    """Run one query on the published tables, read-only."""
    from warehouse.readers.bounds import bounded
    from warehouse.readers.read import copy_parquet, open_published, run_select

    query = sys.stdin.read() if query == "-" else query
    if style == "parquet" and out:
        with new_file(out) as file, open_published(home, may_write=file) as connection, bounded(timeout):
            copy_parquet(connection, query, file, timeout_seconds=timeout)
        return
    with open_published(home) as connection, bounded(timeout):
        found = run_select(connection, query, max_rows=max_rows, timeout_seconds=timeout)
        answer = rendered(found.columns, found.rows, style, out)
    put(answer, out)
    if found.is_cut:
        say(f"only the first {max_rows:,} rows are shown (--max-rows)")


@click.command(cls=Command, epilog=_PAGE)
@click.option("--out", type=NEW_FILE, metavar="PATH", help="folder of the site, or the file  [default: report/]")
@click.option("--single-file", is_flag=True, help="one page to mail instead of the site")
def report(home: Home, out: Path | None, single_file: bool) -> None:
    """Write the numbers as a site to look at, or as one page."""
    from warehouse.readers.read import open_published
    from warehouse.report import refuse_others, write_report, write_site

    if out and not out.expanduser().absolute().parent.is_dir():
        raise Mistake(f"there is no folder {out.expanduser().absolute().parent}")
    if out and single_file != (out.suffix.lower() in (".html", ".htm")):
        raise Mistake(f"{out} {'must' if single_file else 'may not'} end in .html: " + _PAGE_OR_SITE)
    if out and not single_file:
        refuse_others(out.expanduser().absolute())
    open_published(home).close()  # tables of another version are refused here, as everywhere
    if single_file:
        written = write_report(home.published, out or home.report / "ai-revenue-gap.html")
    else:
        written = write_site(home.published, out or home.report)
    emit(f"{written}\n")
