"""Commands that make the numbers: fetch, refresh, prove, serve. The work is in orchestration.run, imported only when
asked for, because Dagster and dbt take seconds.

Belongs here: arguments and help. Does not belong here: work.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from orchestration.commands.shape import FILE, NEW_FILE, Command, Group
from orchestration.commands.shape import day as parsed_day
from orchestration.commands.terminal import Progress, say
from warehouse.errors import Mistake
from warehouse.formats import emit
from warehouse.store.home import Home

# --- help ---------------------------------------------------------------------------------------

_REFRESH = """\
Loads the facts that ship with the project, what was fetched, and the curated figures; builds the tables with dbt;
runs every check; publishes only if all pass. Whoever has the published file open keeps reading it. Nothing is
downloaded unless --fetch is given. Where no input, code, setting or day has changed, it says so and ends.
"""
_FETCH = """\
Asks EDGAR (8 requests a second at most) for new 10-Q and 10-K filings, their XBRL, and company facts, and keeps every
answer in the archive. Needs SEC_USER_AGENT, as in: SEC_USER_AGENT="Jane Doe jane@example.org". Then: aigap refresh
"""
_VERIFY = """\
For every day on which something became public: drops what was published later, rebuilds, and compares with what the
as-of tables say of that day, row for row. Takes some minutes. Exit code 1 and the rows if any day differs.
"""
_AS_OF = """\
Drops what was published after that day, derives everything anew, and writes a DuckDB file like the published one:
also the tables that keep no versions. Takes some ten seconds, and a build: run aigap refresh first.

\b
  aigap as-of 2024-06-20 essay.duckdb     what a reader of the essay could have known
"""
_UI = """\
The UI has no login. By default it is read-only and listens on 127.0.0.1. With --writable any web page open in
your browser could start runs on it; with another --host, anyone who reaches the port can read it.
"""
_BULK = """\
The zip is read in several processes and bounded memory into Parquet by year of filing under bulk/ in the home. A load
that was stopped goes on where it was; of a newer zip only what is new is read. A damaged member is named and left out,
and the exit code is then 1.
"""
_DOCS = """\
One page under docs/ in the home, by dbt, with the lineage of every table; needs no server and no network to be read.
Prints where it is. Takes some seconds, and a build: run aigap refresh first.
"""

# --- commands -----------------------------------------------------------------------------------


@click.command(cls=Command, epilog=_REFRESH)
@click.option("--full", is_flag=True, help="build from scratch, and publish even if nothing changed")
@click.option("--fetch", is_flag=True, help="first fetch new filings from EDGAR (see aigap fetch)")
def refresh(home: Home, full: bool, fetch: bool) -> int:
    """Build, check and publish the numbers."""
    from orchestration import unchanged

    if not (full or fetch) and (said := unchanged.skip(home)):
        say(said)
        return 0

    from orchestration import run

    return run.refresh(home, full=full, offline=not fetch, progress=Progress())


@click.command(cls=Command, epilog=_FETCH)
def fetch(home: Home) -> int:
    """Fetch new filings of the watch list from EDGAR into the archive."""
    from orchestration import run

    return run.fetch(home, progress=Progress())


@click.command("verify-history", cls=Command, epilog=_VERIFY)
def verify_history(home: Home) -> int:
    """Rebuild every past day and compare it with the as-of tables."""
    from orchestration import run

    return run.verify_history(home, progress=Progress())


@click.command("as-of", cls=Command, epilog=_AS_OF)
@click.argument("day", type=parsed_day, metavar="DAY", help="a past day, such as 2024-06-20")
@click.argument("file", type=FILE, metavar="FILE", help="a new one outside the home, name.duckdb")
def as_of(home: Home, day: date, file: Path) -> int:
    """Write every table as it was known on a past day to a file of its own."""
    from orchestration import run

    return run.as_of(home, day, file)


@click.command(cls=Command, epilog=_UI)
@click.option("--host", default="127.0.0.1", help="address to listen on")
@click.option("--port", type=click.IntRange(1, 65535), metavar="N", default=3000, help="port to listen on")
@click.option("--writable", is_flag=True, help="let the UI start and stop runs (read the warning below)")
@click.option("--only", type=click.Choice(["webserver", "daemon"]), help="one of the two, for a service manager")
def ui(home: Home, host: str, port: int, writable: bool, only: str | None) -> int:
    """Serve the Dagster UI on this machine."""
    from orchestration import run

    return run.ui(home, host=host, port=port, writable=writable, only=only)


@click.command(cls=Command, epilog=_DOCS)
def docs(home: Home) -> None:
    """Write what every table and column means as a page."""
    from orchestration.models import write_docs

    emit(f"{write_docs(home)}\n")


# --- the facts that ship with the project ---------------------------------------------------------


@click.group(cls=Group)
def bundle(home: Home) -> None:
    """Build or verify the facts that ship with the project."""


_from = click.option(
    "--from", "source", type=FILE, required=True, metavar="DIR", help="a home's archive, or a folder shaped like EDGAR"
)


@bundle.command()
@_from
@click.option("--out", type=NEW_FILE, metavar="DIR", help="where to  [default: ingest/bundle of the checkout]")
def build(home: Home, source: Path, out: Path | None) -> int:
    """Build the bundle from an archive or a folder of payloads."""
    from orchestration import run

    return run.bundle_build(_folder(source), out)


@bundle.command()
@_from
@click.option("--bundle", "sealed", type=FILE, metavar="DIR", help="which bundle  [default: ingest/bundle]")
def verify(home: Home, source: Path, sealed: Path | None) -> int:
    """Prove that the bundle is what its sources say."""
    from orchestration import run

    return run.bundle_verify(_folder(source), sealed)


def _folder(path: Path) -> Path:
    if not path.is_dir():
        raise Mistake(f"{path} is not a folder; --from takes one shaped like EDGAR (data.sec.gov/..., www.sec.gov/...)")
    return path


# --- the facts of every filer -----------------------------------------------------------------------


@click.group(cls=Group)
def bulk(home: Home) -> None:
    """Load the facts of every filer from SEC's bulk files, and make tables of them."""


@bulk.command(cls=Command, epilog=_BULK)
@click.argument("file", type=FILE, metavar="FILE", help="the zip, as the SEC publishes it")
@click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="processes  [default: one a processor]")
def load(home: Home, file: Path, jobs: int | None) -> int:
    """Add what is new in companyfacts.zip or a Financial Statement Data Set."""
    from orchestration.bulk import bulk_load

    return bulk_load(file, home, Progress(), jobs)


@bulk.command("build", cls=Command)
def build_universe(home: Home) -> int:
    """Make the tables of every filer (ai_revenue_gap_universe.duckdb)."""
    from orchestration.bulk import bulk_build

    return bulk_build(home, Progress())
