"""Commands by which a person decides: on what was set aside, on leads, on figures of one's own.

Belongs here: arguments, help, what is said. Does not belong here: what follows from a decision (the next refresh).
"""

from __future__ import annotations

from pathlib import Path

import click

from orchestration.commands.reading import warn_of_failed_refresh
from orchestration.commands.shape import THERE, Group, cell, rows
from orchestration.commands.terminal import put_rows, say
from warehouse.errors import FAILED, Mistake
from warehouse.formats import emit, one_line
from warehouse.store.decisions import VERDICTS
from warehouse.store.home import Home

# --- help ---------------------------------------------------------------------------------------

_REVIEW = """\
What was received and is not used as it stands: a value that cannot be right, a filing whose facts are still to come.
For each: where, what is stated, why, what can be done. Everything else is published without it. To decide:

  aigap review accept 0001045810-26-000081/data_center_revenue --why "the press release says the same"
  aigap review reject 0001045810-26-000081 --why "filed in thousands; a 10-Q/A is announced"

A decision is never edited. The newest word holds, from its day on: tables as of an earlier day stay what they were.
"""
_DECIDE = """\
TARGET is ACCESSION (the whole filing), ACCESSION/METRIC, ACCESSION/METRIC/PERIOD-END, or what aigap fetch held back:
submissions/CIK, companyfacts/CIK. The decision is added to decisions.jsonl in the home, where every refresh reads it;
it is in every aigap export, and aigap explain shows it.

  accept     it is right as filed, whatever the checks of plausibility say
  reject     it is not to be used, although no check objects
  withdraw   there is no decision after all

examples:
  aigap review accept 0001045810-26-000081/data_center_revenue/2026-07-26 --why "the press release says the same"
  aigap review accept submissions/0001045810 --why "EDGAR took a misfiled 10-Q off the list"
  aigap review withdraw 0001045810-26-000081 --why "the 10-Q/A is there"
"""
_LEADS = """\
Reads the earnings exhibits that aigap fetch keeps of companies with reads_exhibits in the watch list. A lead enters no
number by itself: accept it, and it is a row of your own figures (figures/leads.csv in the home), with its citation.

examples:
  aigap leads --format json
  aigap leads accept l0123456789ab --set "company=Microsoft (AI business)" --set period_end=2026-03-31
  aigap leads dismiss l0123456789ab --why "the cloud as a whole, not its AI"
"""
_CHECK = """\
Your own figures are CSV files in figures/ of the home, your scenarios a scenarios.csv there, both with the header and
the rules of ingest/curated (its README names the columns). They need no change to the checkout, are marked as your own
wherever they show, and never move the shipped headline: a scenario of yours counts them whose ai_revenue_basis is
own:estimated_run_rate (or own: before another). Exit code 1 if a row is refused.

  aigap figures check data/figures/mine.csv
"""

# --- what was set aside -------------------------------------------------------------------------


@click.group(cls=Group, epilog=_REVIEW, invoke_without_command=True)
@click.option("--all", "is_all", is_flag=True, help="also what is decided")
@rows
def review(home: Home, is_all: bool, style: str) -> None:
    """List what is set aside or pending, and decide on it."""
    from warehouse.readers import review as reader
    from warehouse.readers.read import open_published

    with open_published(home) as connection:
        found, later = reader.review(connection, decided=is_all), reader.waiting(home, connection)
    if style == "table":
        emit(reader.text(found, later))
    else:
        put_rows(found.columns, found.rows, style)
        if later:
            say(f"{len(later)} decisions are newer than these rows; the next aigap refresh builds with them")
    _warn_of_damaged_decisions(home)
    warn_of_failed_refresh(home)


def _warn_of_damaged_decisions(home: Home) -> None:
    from warehouse.store.decisions import load

    for line in load(home).damaged:
        say(line)


def _verdict(verdict: str, summary: str) -> click.Command:
    """`aigap review VERDICT`."""

    @review.command(verdict, help=f"{summary[0].upper()}{summary[1:]}.", epilog=_DECIDE)
    @click.argument("target", help="as aigap review lists it")
    @click.option("--why", required=True, metavar="WORDS", help="the reason, for whoever reads the number")
    @click.option("--by", metavar="NAME", help="who decides  [default: the user of this machine]")
    @click.option("--force", is_flag=True, help="even if nothing at hand is TARGET")
    def decide_on(home: Home, target: str, why: str, by: str | None, force: bool) -> None:
        _decide(home, verdict, target, why, by, force)

    return decide_on


for _name, _summary in VERDICTS.items():
    _verdict(_name, _summary)


def _decide(home: Home, verdict: str, stated: str, why: str, by: str | None, force: bool) -> None:
    from datetime import UTC, datetime
    from getpass import getuser

    from warehouse.store.decisions import decide, is_guard, target_of

    target = target_of(stated)
    if verdict != "withdraw" and not force:
        _refuse_unknown_target(home, target)
    try:
        by = by or getuser()
    except (OSError, KeyError, ImportError):
        raise Mistake("this machine does not say who you are: add --by NAME") from None
    decision, is_new = decide(home, target, verdict, why, by, datetime.now(UTC))
    if is_new:
        then = "fetch asks EDGAR" if is_guard(target) else "refresh builds"
        emit(f"decision {decision.number}: {decision}\nThe next aigap {then} with it.\n")
    else:
        emit(f"nothing new: this stands already as decision {decision.number}: {decision}\n")
    _warn_of_damaged_decisions(home)


def _refuse_unknown_target(home: Home, target: str) -> None:
    from warehouse.readers.review import nearest
    from warehouse.store.decisions import is_guard

    if is_guard(target):
        from ingest.companies import watch_list

        kind, cik = target.split("/")
        near = None if cik in {c.cik for c in watch_list()} else [f"{kind}/{c.cik} ({c.name})" for c in watch_list()]
    else:
        near = nearest(home, target)
    if near is not None:
        hint = f"; nearest: {', '.join(near)}" if near else ""
        raise Mistake(f"nothing at hand is {target}{hint}; --force writes it down all the same")


# --- leads --------------------------------------------------------------------------------------


@click.group(cls=Group, epilog=_LEADS, invoke_without_command=True)
@click.option("--all", "is_all", is_flag=True, help="also those accepted or dismissed")
@rows
def leads(home: Home, is_all: bool, style: str) -> None:
    """List sentences of earnings releases that state AI revenue."""
    from orchestration.leads import HEADER, leads

    put_rows(list(HEADER), [lead.as_row() for lead in leads(home) if is_all or lead.state == "open"], style)


@leads.command()
@click.argument("lead", help="its name, as listed")
@click.option("--set", "cells", type=cell, multiple=True, metavar="COLUMN=VALUE", help="what the sentence does not say")
def accept(home: Home, lead: str, cells: tuple[tuple[str, str], ...]) -> None:
    """Make a lead one of your own figures."""
    from orchestration import leads

    row, path = leads.accept(home, lead, dict(cells))
    emit("".join(f"{column} = {one_line(cell)}\n" for column, cell in row.items() if cell))
    say(f"written to {path}; it is your own figure until it stands in ingest/curated")


@leads.command()
@click.argument("lead", help="its name, as listed")
@click.option("--why", required=True, metavar="TEXT", help="for whoever asks later")
def dismiss(home: Home, lead: str, why: str) -> None:
    """Remember that a lead is none."""
    from orchestration import leads

    say(f"{leads.dismiss(home, lead, why).id} is dismissed")


# --- figures of one's own -----------------------------------------------------------------------


@click.group(cls=Group)
def figures(home: Home) -> None:
    """Your own figures."""


@figures.command(epilog=_CHECK)
@click.argument("file", type=THERE, help="a file of figures, or a scenarios.csv")
@rows
def check(home: Home, file: Path, style: str) -> int:
    """Explain what is wrong with a file of figures."""
    from datetime import date

    from ingest.curated.figures import read_figures
    from ingest.curated.own import explain

    count, refused, doubtful = explain(file, read_figures(), date.today())
    notes = [(row.line, "refused", row.reason) for row in refused]
    notes += [(row.line, "in doubt", row.reason) for row in doubtful]
    put_rows(["line", "verdict", "reason"], sorted(notes), style)
    say(f"{file}: {count} rows are good, {len(refused)} refused, {len(doubtful)} of a doubtful day")
    return FAILED if refused else 0
