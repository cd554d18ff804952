"""The command `aigap`.

Belongs here: arguments, help, exit codes, where output goes. Does not belong here: work. Reading commands are in
warehouse; refresh, fetch, bundle and ui in orchestration.run, imported only when asked for, because Dagster and dbt
take seconds to import.

Exit codes: 0 done, 1 failed, 2 the command cannot be what was meant, 75 another refresh is running.
"""

from __future__ import annotations

import argparse
import errno
import io
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warehouse.errors import FAILED, USAGE, Mistake, WarehouseError, is_ours, reason
from warehouse.formats import FORMATS, emit, harmless, json, one_line, render
from warehouse.readers.outfile import new_file, refuse_owned
from warehouse.settings import DEFAULT_MEMORY, MEMORY_VARIABLE
from warehouse.store.decisions import VERDICTS
from warehouse.store.home import Home, find_home, read_last_refresh

if TYPE_CHECKING:
    from datetime import date

    from warehouse.readers.bars import Terminal

_INTERRUPTED = 130
#: Arguments that name what a command writes.
_WRITES = ("out", "xlsx", "package", "backup")

_ABOUT = """\
Where is all the revenue? The AI revenue gap, quarter by quarter, from public filings.

  aigap refresh                 build, check and publish the numbers (needs no network)
  aigap show                    the gap, newest quarter first
  aigap explain 2026Q2          one number, down to the filings it rests on
  aigap sql "from marts.scenarios"   any query on the published tables
"""
_ENVIRONMENT = f"""\
environment:
  AIGAP_HOME       folder of all files (default: data/ in the checkout; else where your data is kept, see aigap doctor)
  SEC_USER_AGENT   your name and e-mail, which EDGAR asks of programs (aigap fetch only)
  AIGAP_EPOCH      1: also fetch and use Epoch AI's table of AI companies' revenue reports (CC BY 4.0)
  AIGAP_ALERT_WEBHOOK   where the daemon (aigap ui) posts that a run failed (see deploy/README.md)
  AIGAP_DAGSTER_POSTGRES  PostgreSQL for Dagster's history of runs (see docs/scaling.md; default: SQLite in the home)
  {MEMORY_VARIABLE}    memory the database engine may use for a refresh (default: {DEFAULT_MEMORY})

exit codes: 0 done, 1 failed (readers keep the last good numbers), 2 usage, 75 another refresh is running
"""


# --- commands -----------------------------------------------------------------------------------


def _show(args: argparse.Namespace, home: Home) -> int:
    from warehouse.readers.read import copy_parquet, open_published
    from warehouse.readers.show import footer, forecasts_since, gap_rows, gap_sql, gap_table, headline, sentences

    # As of a past day Cahn's case and what the filings of that day gave belong side by side.
    scenario = args.scenario or ("all" if args.as_of else "measured")
    last = None if args.all else args.last or (4 if scenario == "all" else 12)
    if args.format == "parquet":
        with new_file(_out(args)) as file, open_published(home, may_write=file) as connection:
            gap_rows(connection, scenario, last, args.as_of)
            copy_parquet(connection, gap_sql(scenario, last, args.as_of), file)
        return 0
    screen = _screen(args)
    with open_published(home) as connection:
        found = gap_rows(connection, scenario, last, args.as_of)
        if args.format not in ("table", "md"):
            _put(args, render(found.columns, found.rows, args.format))
            return 0
        words = headline(connection, found, args.as_of) if scenario != "all" else ""
        words += forecasts_since(connection, found) + footer(connection, found.as_dicts()[0]["calendar_quarter"])
    table = gap_table(found, scenario == "all", args.format, screen)
    said = table + ("" if args.format == "md" else "\n") + sentences(words, args.format, screen)
    _put(args, said, is_painted=screen is not None)
    _warn_of_failed_refresh(home)
    return 0


def _screen(args: argparse.Namespace) -> Terminal | None:
    """The terminal that reads along, if one does."""
    if args.format != "table" or args.out or not sys.stdout.isatty():
        return None
    from warehouse.readers.bars import terminal

    return terminal(sys.stdout, os.environ)


def _out(args: argparse.Namespace) -> Path:
    if args.out is None:
        raise Mistake("Parquet is no text: say where to, as in --format parquet --out gap.parquet")
    return args.out


def _put(args: argparse.Namespace, text: str, *, is_painted: bool = False) -> None:
    """Where the user wants it."""
    if args.out is None:
        emit(text, is_painted=is_painted)
        return
    with new_file(args.out) as file:
        file.write_text(text, "utf-8", newline="")


def _warn_of_failed_refresh(home: Home) -> None:
    last = read_last_refresh(home)
    if last and last["outcome"] == "failed":
        message = f"{last['at']}: {last['message']}"
        _say(f"the last refresh failed ({message}); these are the last good numbers")


def _changes(args: argparse.Namespace, home: Home) -> int:
    from datetime import date

    from warehouse.readers.changes import changes, text
    from warehouse.readers.read import open_published

    until = args.until or date.today()
    with open_published(home) as connection:
        found = changes(connection, args.since, until, args.scenario)
    if args.format == "table":
        emit(text(found, f"nothing moved from {args.since} to {until}"))
    else:
        emit(render(found.columns, found.rows, args.format))
    return 0


def _diff(args: argparse.Namespace, home: Home) -> int:
    from warehouse.readers.changes import diff, markdown, text

    found = diff(args.old, args.new)
    if args.markdown:
        emit(markdown(found))
    elif args.format == "table":
        emit(text(found, "the two files give the same gap everywhere"))
    else:
        emit(render(found.columns, found.rows, args.format))
    return 0


def _verify_history(args: argparse.Namespace, home: Home) -> int:
    from orchestration import run

    return run.verify_history(home, progress=Progress())


def _explain(args: argparse.Namespace, home: Home) -> int:
    from warehouse.readers.explain import explain, flat, text
    from warehouse.readers.read import open_published

    with open_published(home) as connection:
        tree = explain(connection, args.quarter, args.scenario, args.as_of)
    if args.format == "table":
        emit(text(tree))
    elif args.format == "json":
        emit(json(tree))
    else:
        emit(render(*flat(tree), args.format))
    return 0


def _sql(args: argparse.Namespace, home: Home) -> int:
    from warehouse.readers.bounds import bounded
    from warehouse.readers.read import copy_parquet, open_published, run_select

    sql = sys.stdin.read() if args.query == "-" else args.query
    if args.format == "parquet":
        with new_file(_out(args)) as file, open_published(home, may_write=file) as connection, bounded(args.timeout):
            copy_parquet(connection, sql, file, timeout_seconds=args.timeout)
        return 0
    with open_published(home) as connection, bounded(args.timeout):
        found = run_select(connection, sql, max_rows=args.max_rows, timeout_seconds=args.timeout)
        answer = render(found.columns, found.rows, args.format)
    _put(args, answer)
    if found.is_cut:
        _say(f"only the first {args.max_rows:,} rows are shown (--max-rows)")
    return 0


def _review(args: argparse.Namespace, home: Home) -> int:
    from warehouse.readers.read import open_published
    from warehouse.readers.review import review, text, waiting

    with open_published(home) as connection:
        found, later = review(connection, decided=args.all), waiting(home, connection)
    emit(text(found, later) if args.format == "table" else render(found.columns, found.rows, args.format))
    if later and args.format != "table":
        _say(f"{len(later)} decisions are newer than these rows; the next aigap refresh builds with them")
    _warn_of_damaged_decisions(home)
    _warn_of_failed_refresh(home)
    return 0


def _warn_of_damaged_decisions(home: Home) -> None:
    from warehouse.store.decisions import load

    for line in load(home).damaged:
        _say(line)


def _decide(args: argparse.Namespace, home: Home) -> int:
    from datetime import UTC, datetime
    from getpass import getuser

    from warehouse.store.decisions import decide, is_guard, target_of

    target = target_of(args.target)
    if args.verdict != "withdraw" and not args.force:
        _refuse_unknown_target(home, target)
    try:
        by = args.by or getuser()
    except (OSError, KeyError, ImportError):
        raise Mistake("this machine does not say who you are: add --by NAME") from None
    decision, is_new = decide(home, target, args.verdict, args.why, by, datetime.now(UTC))
    if is_new:
        then = "fetch asks EDGAR" if is_guard(target) else "refresh builds"
        emit(f"decision {decision.number}: {decision}\nThe next aigap {then} with it.\n")
    else:
        emit(f"nothing new: this stands already as decision {decision.number}: {decision}\n")
    _warn_of_damaged_decisions(home)
    return 0


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


def _cite(args: argparse.Namespace, home: Home) -> int:
    from warehouse.readers.cite import footnote, text
    from warehouse.readers.read import open_published

    with open_published(home) as connection:
        note = footnote(connection, args.quarter, args.scenario, args.as_of)
    emit(text(note, args.style))
    return 0


def _page(args: argparse.Namespace, home: Home) -> int:
    from warehouse.readers.read import open_published
    from warehouse.report import write_report, write_site

    open_published(home).close()  # tables of another version are refused here, as everywhere
    if args.single_file:
        written = write_report(home.published, args.out or home.report / "ai-revenue-gap.html")
    else:
        written = write_site(home.published, args.out or home.report)
    emit(f"{written}\n")
    return 0


def _docs(args: argparse.Namespace, home: Home) -> int:
    from orchestration.models import write_docs

    emit(f"{write_docs(home)}\n")
    return 0


def _completion(args: argparse.Namespace, home: Home) -> int:
    from orchestration.completion import script

    emit(script(_parser(), args.shell))
    return 0


def _doctor(args: argparse.Namespace, home: Home) -> int:
    from datetime import date

    from warehouse.readers.doctor import FAIL, OK, examine, worst

    findings = examine(home, date.today())
    emit(render(["check", "status", "detail"], findings, args.format) if args.format != "table" else _report(findings))
    state = worst(findings)
    return FAILED if state == FAIL or (args.strict and state != OK) else 0


def _report(findings: Sequence[tuple[str, str, str]]) -> str:
    width = max(len(check) for check, _, _ in findings)
    return "".join(f"{status:4}  {one_line(check):{width}}  {one_line(detail)}\n" for check, status, detail in findings)


def _refresh(args: argparse.Namespace, home: Home) -> int:
    from orchestration import run

    return run.refresh(home, full=args.full, offline=not args.fetch, progress=Progress())


def _fetch(args: argparse.Namespace, home: Home) -> int:
    from orchestration import run

    return run.fetch(home, progress=Progress())


def _leads(args: argparse.Namespace, home: Home) -> int:
    from orchestration.leads import HEADER, leads

    found = [lead.as_row() for lead in leads(home) if args.all or lead.state == "open"]
    emit(render(list(HEADER), found, args.format))
    return 0


def _leads_accept(args: argparse.Namespace, home: Home) -> int:
    from orchestration.leads import accept

    row, path = accept(home, args.lead, dict(args.set))
    emit("".join(f"{column} = {one_line(cell)}\n" for column, cell in row.items() if cell))
    _say(f"written to {path}; it is your own figure until it stands in ingest/curated")
    return 0


def _leads_dismiss(args: argparse.Namespace, home: Home) -> int:
    from orchestration.leads import dismiss

    _say(f"{dismiss(home, args.lead, args.why).id} is dismissed")
    return 0


def _figures_check(args: argparse.Namespace, home: Home) -> int:
    from datetime import date

    from ingest.curated.figures import read_figures
    from ingest.curated.own import explain

    count, refused, doubtful = explain(args.file, read_figures(), date.today())
    notes = [(row.line, "refused", row.reason) for row in refused]
    notes += [(row.line, "in doubt", row.reason) for row in doubtful]
    emit(render(["line", "verdict", "reason"], sorted(notes), args.format))
    _say(f"{args.file}: {count} rows are good, {len(refused)} refused, {len(doubtful)} of a doubtful day")
    return FAILED if refused else 0


def _ui(args: argparse.Namespace, home: Home) -> int:
    from orchestration import run

    return run.ui(home, host=args.host, port=args.port, writable=args.writable, only=args.only)


def _bundle_build(args: argparse.Namespace, home: Home) -> int:
    from orchestration import run

    return run.bundle_build(_folder(args.from_dir), args.out)


def _bundle_verify(args: argparse.Namespace, home: Home) -> int:
    from orchestration import run

    return run.bundle_verify(_folder(args.from_dir), args.bundle)


def _export(args: argparse.Namespace, home: Home) -> int:
    if args.xlsx:
        return _workbook(args.xlsx, home)
    if args.package:
        return _package(args.package, home)
    from orchestration import run

    return run.export(home, args.backup)


def _workbook(path: Path, home: Home) -> int:
    from warehouse.readers.xlsx import write_xlsx

    return _tables_into(path, home, write_xlsx, ".xlsx", "or Excel will not open it")


def _package(path: Path, home: Home) -> int:
    from warehouse.readers.datapackage import write_package

    return _tables_into(path, home, write_package, ".zip", "for a data package is several files in one")


def _tables_into(path: Path, home: Home, write: Callable[..., Mapping[str, int]], ending: str, why: str) -> int:
    from warehouse.readers.read import open_published

    if path.suffix.lower() != ending:
        raise Mistake(f"{path} must end in {ending}, {why}")
    with new_file(path) as file, open_published(home) as connection:
        rows = write(connection, file)
    _say(f"{path}: {len(rows)} tables, {sum(rows.values()):,} rows")
    return 0


def _import(args: argparse.Namespace, home: Home) -> int:
    from orchestration import run

    return run.import_(home, args.folder, force=args.force)


def _folder(path: Path) -> Path:
    if not path.is_dir():
        raise Mistake(f"{path} is not a folder; --from takes one shaped like EDGAR (data.sec.gov/..., www.sec.gov/...)")
    return path


# --- progress -----------------------------------------------------------------------------------


class Progress:
    """How far a long command is: one line that is rewritten on a terminal, plain lines elsewhere. Goes to stderr."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()
        self._shown = 0

    def __call__(self, message: str, done: int | None = None, total: int | None = None) -> None:
        """Tell of a step.

        :param done: steps finished, out of `total`; leave both out for a line that stays.
        """
        counted = f"[{done}/{total}] " if done is not None and total is not None else ""
        line = counted + one_line(message)
        if not self._is_terminal:
            _note(line + "\n")
            return
        line = line[: max(20, _terminal_width() - 1)]
        stays = not counted or done == total
        _note("\r" + line.ljust(self._shown) + ("\n" if stays else ""))
        self._shown = 0 if stays else len(line)


def _terminal_width() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns
    except OSError:
        return 80


def _say(message: str) -> None:
    _note(f"aigap: {harmless(message)}\n")


def _note(text: str) -> None:
    """To standard error. That nobody can be told is no reason to stop."""
    with suppress(OSError, ValueError):
        sys.stderr.write(text)
        sys.stderr.flush()


# --- standard streams ---------------------------------------------------------------------------


class _Closed(io.TextIOBase):
    """Standard output where the caller closed it: an answer written to it is lost, which is a failure."""

    encoding = "utf-8"

    def write(self, text: str) -> int:
        if text:
            raise OSError(errno.EBADF, "it is closed")
        return 0


def _open_streams() -> None:
    """Give the number of a closed standard stream to nothing: it would be the next file's that is opened, and what a
    child says would be written into that."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
            os.set_inheritable(number, True)
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            stream = _Closed() if name == "stdout" else open(number, mode, closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)


# --- arguments ----------------------------------------------------------------------------------


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= 86400:
        raise argparse.ArgumentTypeError("must be more than 0 and at most a day")
    return seconds


def _cell(text: str) -> tuple[str, str]:
    column, is_given, cell = text.partition("=")
    if not is_given:
        raise argparse.ArgumentTypeError(f"{text!r} must be COLUMN=VALUE")
    return column.strip(), cell.strip()


def _day(text: str) -> date:
    from datetime import date

    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day; write it as 2024-06-20") from None


class _Version(argparse.Action):
    """Looks the version up only when asked: the look-up alone costs 20 ms."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object, **__: object) -> None:
        from importlib.metadata import version

        print(f"aigap {version('ai-revenue-gap')}")
        parser.exit()


def _as_of(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--as-of", type=_day, metavar="DAY", help="as known at the end of a past day, such as 2024-06-20"
    )


def _one_gap(command: argparse.ArgumentParser) -> None:
    written = "2026Q2, Q2 2026, 2Q26 (calendar), FY27Q2 (NVIDIA's fiscal year) or latest"
    command.add_argument("quarter", metavar="QUARTER", help=written)
    command.add_argument("--scenario", default="measured", help="which assumptions (default: measured)")
    _as_of(command)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="aigap", description=_ABOUT, epilog=_ENVIRONMENT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def options(default: str | None = None) -> argparse.ArgumentParser:
        common = argparse.ArgumentParser(add_help=False, argument_default=default)
        common.add_argument("--home", type=Path, metavar="DIR", help="folder of all files, instead of AIGAP_HOME")
        common.add_argument("--debug", action="store_true", help="on an error, print the traceback")
        return common

    output = argparse.ArgumentParser(add_help=False)
    output.add_argument("--format", choices=FORMATS, default="table", help="json and csv hold exact values, whole USD")
    # Where the answer is a query's, DuckDB can write it to a file with its own types.
    output_file = argparse.ArgumentParser(add_help=False)
    output_file.add_argument(
        "--format",
        choices=(*FORMATS, "parquet"),
        default="table",
        help="json, csv and parquet hold exact values, whole USD; parquet needs --out",
    )
    output_file.add_argument("--out", type=Path, metavar="FILE", help="write to this file, not to standard output")
    # What the command above was given must not be undone by a default of the one below it.
    below = options(argparse.SUPPRESS)
    outputs = {
        "": [options()],
        "text": [options(), output],
        "file": [options(), output_file],
        "below": [below],
    }

    def add(name: str, run: Callable[..., int], summary: str, more: str = "", *, to: Any = None, rows: str = "") -> Any:
        command = (to or commands).add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            epilog=more,
            parents=outputs[rows],
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.set_defaults(run=run)
        return command

    command = add("refresh", _refresh, "build, check and publish the numbers", _REFRESH)
    command.add_argument("--full", action="store_true", help="build from scratch, and publish even if nothing changed")
    command.add_argument("--fetch", action="store_true", help="first fetch new filings from EDGAR (see aigap fetch)")

    command = add("show", _show, "print the gap, newest quarter first", _SHOW, rows="file")
    command.add_argument("--scenario", help="which assumptions, or all (default: measured; all with --as-of)")
    command.add_argument(
        "--last", type=_positive, metavar="N", help="how many quarters (default: 12; 4 of all scenarios)"
    )
    command.add_argument("--all", action="store_true", help="every quarter")
    _as_of(command)

    command = add("explain", _explain, "print where one gap comes from, down to the filings", _EXPLAIN, rows="text")
    _one_gap(command)

    command = add("cite", _cite, "print a footnote for one gap, ready to paste", _CITE)
    _one_gap(command)
    command.add_argument(
        "--style", choices=("plain", "markdown", "bibtex"), default="plain", help="how to write it (default: plain)"
    )

    command = add("changes", _changes, "print what moved between two days, and because of what", _CHANGES, rows="text")
    command.add_argument("--since", type=_day, required=True, metavar="DAY", help="from the end of this day on")
    command.add_argument("--until", type=_day, metavar="DAY", help="to the end of this day (default: today)")
    command.add_argument("--scenario", default="measured", help="which assumptions, or all (default: measured)")

    command = add("diff", _diff, "print what two published files put differently", _DIFF, rows="text")
    command.add_argument("old", type=Path, metavar="OLD", help="a published file, such as one of generations/*.duckdb")
    command.add_argument("new", type=Path, metavar="NEW", help="the other")
    command.add_argument("--markdown", action="store_true", help='bullet points for CHANGELOG.md, "numbers changed"')

    add("verify-history", _verify_history, "rebuild every past day and compare it with the as-of tables", _VERIFY)

    command = add("sql", _sql, "run one query on the published tables, read-only", _SQL, rows="file")
    command.add_argument(
        "query", metavar="QUERY", help="one SELECT, FROM, DESCRIBE, SHOW, SUMMARIZE ...; - reads it from stdin"
    )
    command.add_argument(
        "--max-rows", type=_positive, default=10_000, metavar="N", help="rows at most (default: 10000)"
    )
    command.add_argument("--timeout", type=_seconds, default=60, metavar="SECONDS", help="stop it after (default: 60)")

    command = add("review", _review, "list what is set aside or pending, and decide on it", _REVIEW, rows="text")
    command.add_argument("--all", action="store_true", help="also what is decided")
    verdicts = command.add_subparsers(title="decisions", metavar="DECISION")
    for verdict, summary in VERDICTS.items():
        command = add(verdict, _decide, summary, _DECIDE, to=verdicts, rows="below")
        command.add_argument("target", metavar="TARGET", help="as aigap review lists it")
        command.add_argument("--why", required=True, metavar="WORDS", help="the reason, for whoever reads the number")
        command.add_argument("--by", metavar="NAME", help="who decides (default: the user of this machine)")
        command.add_argument("--force", action="store_true", help="even if nothing at hand is TARGET")
        command.set_defaults(verdict=verdict)

    add("fetch", _fetch, "fetch new filings of the watch list from EDGAR into the archive", _FETCH)

    command = add("leads", _leads, "list sentences of earnings releases that state AI revenue", _LEADS, rows="text")
    command.add_argument("--all", action="store_true", help="also those accepted or dismissed")
    actions = command.add_subparsers(title="actions", metavar="ACTION")
    command = add("accept", _leads_accept, "make a lead one of your own figures", to=actions)
    command.add_argument("lead", metavar="LEAD", help="its name, as listed")
    command.add_argument(
        "--set", type=_cell, action="append", default=[], metavar="COLUMN=VALUE", help="what the sentence does not say"
    )
    command = add("dismiss", _leads_dismiss, "remember that a lead is none", to=actions)
    command.add_argument("lead", metavar="LEAD", help="its name, as listed")
    command.add_argument("--why", required=True, metavar="TEXT", help="for whoever asks later")

    figures = commands.add_parser("figures", help="your own figures")
    actions = figures.add_subparsers(title="actions", metavar="ACTION", required=True)
    command = add(
        "check", _figures_check, "explain what is wrong with a file of figures", _CHECK, to=actions, rows="text"
    )
    command.add_argument("file", type=Path, metavar="FILE", help="a file of figures, or a scenarios.csv")

    bundle = commands.add_parser("bundle", help="build or verify the facts that ship with the project")
    actions = bundle.add_subparsers(title="actions", metavar="ACTION", required=True)
    command = add("build", _bundle_build, "build the bundle from an archive or a folder of payloads", to=actions)
    command.add_argument(
        "--from",
        dest="from_dir",
        type=Path,
        required=True,
        metavar="DIR",
        help="a home's archive, or a folder shaped like EDGAR",
    )
    command.add_argument("--out", type=Path, metavar="DIR", help="where to (default: ingest/bundle of the checkout)")
    command = add("verify", _bundle_verify, "prove that the bundle is what its sources say", to=actions)
    command.add_argument(
        "--from",
        dest="from_dir",
        type=Path,
        required=True,
        metavar="DIR",
        help="a home's archive, or a folder shaped like EDGAR",
    )
    command.add_argument("--bundle", type=Path, metavar="DIR", help="which bundle (default: ingest/bundle)")

    command = add("export", _export, "make a backup folder, an Excel workbook or a data package", _EXPORT)
    what = command.add_mutually_exclusive_group(required=True)
    what.add_argument("backup", nargs="?", type=Path, metavar="DIR", help="the backup; must not exist yet, or be empty")
    what.add_argument("--xlsx", type=Path, metavar="FILE", help="a workbook, such as gap.xlsx; replaced if it is there")
    what.add_argument("--package", type=Path, metavar="FILE", help="every table as CSV with what it means, in a .zip")
    command = add("import", _import, "verify such a folder and put it back", _IMPORT)
    command.add_argument("folder", type=Path, metavar="DIR", help="a folder that aigap export made")
    command.add_argument(
        "--force", action="store_true", help="even if what is published here is newer, or cannot come with the rest"
    )

    command = add("ui", _ui, "serve the Dagster UI on this machine", _UI)
    command.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    command.add_argument("--port", type=int, default=3000, help="port to listen on (default: 3000)")
    command.add_argument(
        "--writable", action="store_true", help="let the UI start and stop runs (read the warning below)"
    )
    command.add_argument("--only", choices=("webserver", "daemon"), help="one of the two, for a service manager")

    command = add("report", _page, "write the numbers as a site to look at, or as one page", _PAGE)
    command.add_argument(
        "--out", type=Path, metavar="PATH", help="folder of the site, or the one file (default: report/)"
    )
    command.add_argument("--single-file", action="store_true", help="one page to mail instead of the site")

    add("docs", _docs, "write what every table and column means as a page", _DOCS)

    command = add("completion", _completion, "print a script that completes this command line", _COMPLETION)
    command.add_argument("shell", metavar="SHELL", choices=("bash", "zsh", "fish"), help="bash, zsh or fish")

    command = add("doctor", _doctor, "report on versions, files and inputs", _DOCTOR, rows="text")
    command.add_argument("--strict", action="store_true", help="exit 1 on a warning too")
    return parser


_REFRESH = """\
Loads the facts that ship with the project, what was fetched, and the curated figures; builds the tables with dbt;
runs every check; publishes only if all pass. Whoever has the published file open keeps reading it. Nothing is
downloaded unless --fetch is given. If nothing changed, nothing new is published.
"""
_SHOW = """\
required = 4 x NVIDIA's data-center quarter / GPU share of cost / (1 - margin of the GPUs' users)
gap      = required - AI revenue, on the basis the scenario names

examples:
  aigap show --scenario all --last 1      every scenario of the newest quarter
  aigap show --all --format csv           every quarter, whole USD, for a spreadsheet
  aigap show --as-of 2024-06-20           as any reader could have known it that day
  aigap show --format md                  to paste, its doubt with it
  aigap show --all --format parquet --out gap.parquet

On a terminal the table is fitted to the width, with bars. NO_COLOR=1 or CLICOLOR=0 leave the colours out.
"""
_EXPLAIN = """\
Prints the gap as signed addends that sum to it to the dollar, and under each the statements it rests on:
accession, form, concept, period, day filed, address. The same in any DuckDB shell: from explain_gap('2026Q2')

examples:
  aigap explain 2026Q2
  aigap explain FY27Q2 --scenario trailing --format json
"""
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
_VERIFY = """\
For every day on which something became public: drops what was published later, rebuilds, and compares with what the
as-of tables say of that day, row for row. Takes some minutes. Exit code 1 and the rows if any day differs.
"""
_SQL = """\
Tables are in schema marts; `show all tables` lists them, `describe marts.citations` names their columns. The query
sees no file, network or setting, at most 1 GB of memory, and the time --timeout allows.

examples:
  aigap sql "from gap_with(0.4, 0.5)"                     other assumptions
  aigap sql "from gap_as_of(date '2024-06-20')"           what was known that day
  aigap sql "select ticker, calendar_quarter, capex_usd from marts.hyperscaler_capex" --format csv
  aigap sql - < query.sql
  aigap sql "from marts.citations" --format parquet --out citations.parquet     every row, whatever --max-rows says
"""
_PAGE = """\
Charts, tables and sources of what is published, as a site of static files that opens from disk and asks no network,
with a picture of each chart and every table as CSV and Parquet; with --single-file, pages and charts in one file.
Prints where it is.
"""
_DOCS = """\
One page under docs/ in the home, by dbt, with the lineage of every table; needs no server and no network to be read.
Prints where it is. Takes some seconds, and a build: run aigap refresh first.
"""
_COMPLETION = """\
  bash    source <(aigap completion bash)                   in ~/.bashrc
  zsh     source <(aigap completion zsh)                    in ~/.zshrc, after compinit
  fish    aigap completion fish > ~/.config/fish/completions/aigap.fish
"""
_FETCH = """\
Asks EDGAR (8 requests a second at most) for new 10-Q and 10-K filings, their XBRL, and company facts, and keeps every
answer in the archive. Needs SEC_USER_AGENT, as in: SEC_USER_AGENT="Jane Doe jane@example.org". Then: aigap refresh
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
_EXPORT = """\
  aigap export DIR            published file, archive, decisions, curated figures and your own
  aigap export --xlsx FILE    the published tables for Excel
  aigap export --package FILE the published tables as CSV files, with datapackage.json: columns, types, hashes

The folder is complete when it appears: plain files, and manifest.json with the SHA-256 of each. A refresh may run
meanwhile. Not in it: Dagster's history of runs, and what ships with the code.

The workbook has a sheet a table of schema marts, one that says what each column means, and first the notes a number
should not travel without. Amounts keep every digit, days are dates, sources are links, and no text is a formula.
"""
_IMPORT = """\
Every file is compared with the manifest first; one that differs is named, and nothing is changed. Archived payloads and
decisions are added to those that are here, never taken away. A backup whose published file cannot be published, such as
one of another version, or whose decisions contradict later ones of yours, changes nothing either: --force takes its
payloads, and those decisions that do not; aigap refresh then builds.
"""
_UI = """\
The UI has no login. By default it is read-only and listens on 127.0.0.1. With --writable any web page open in
your browser could start runs on it; with another --host, anyone who reaches the port can read it.
"""
_DOCTOR = """\
Exit code 0 if nothing failed, 1 if something did (or, with --strict, if there is a warning): fit for monitoring.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    _open_streams()
    args = _parser().parse_args(argv)
    try:
        home = Home(args.home.expanduser().absolute()) if args.home else find_home()
        for path in filter(None, (getattr(args, name, None) for name in _WRITES)):
            refuse_owned(path, home)
        code: int = args.run(args, home)
        emit("")
        return code
    except BrokenPipeError:
        # The reader (head, less) has gone: that is no failure.
        _give_stdout_up()
        return 0
    except KeyboardInterrupt:
        _say("stopped; readers keep what was published")
        return _INTERRUPTED
    except Mistake as error:
        return _fail(error, USAGE, args.debug)
    except WarehouseError as error:
        return _fail(error, error.exit_code, args.debug)
    except Exception as error:
        return _fail(error, FAILED, args.debug)


def _fail(error: Exception, code: int, debug: bool) -> int:
    if debug:
        raise error
    text = str(error) if is_ours(error) else f"{reason(error)} (--debug prints where)"
    _say("\n".join(text.splitlines()))
    try:
        sys.stdout.flush()
    except OSError:
        _give_stdout_up()
    return code


def _give_stdout_up() -> None:
    """What could not be written must not be tried again on the way out."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
