"""The command `aigap`.

Belongs here: the list of commands, what becomes of an error, exit codes. Does not belong here: a command (the files
beside this one, by what one does: reading, running, deciding, keeping), work (warehouse, orchestration.run).

Exit codes: 0 done, 1 failed, 2 the command cannot be what was meant, 75 another refresh is running.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click
from click.exceptions import NoSuchCommand

from orchestration.commands.shape import COMPLETE, Group, State
from orchestration.commands.terminal import give_stdout_up, note, open_streams, say
from warehouse.errors import FAILED, USAGE, WarehouseError, is_ours, reason
from warehouse.formats import emit
from warehouse.settings import DEFAULT_MEMORY, MEMORY_VARIABLE

_INTERRUPTED = 130

_ABOUT = """\
Where is all the revenue? The AI revenue gap, quarter by quarter, from public filings.

\b
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


#: Command -> the file beside this one that has it, in the order of the help. A file is imported when one of its
#: commands is asked for: whoever reads waits for it.
_COMMANDS = {
    "refresh": "running",
    "show": "reading",
    "explain": "reading",
    "cite": "reading",
    "changes": "reading",
    "diff": "reading",
    "as-of": "running",
    "verify-history": "running",
    "sql": "reading",
    "review": "deciding",
    "fetch": "running",
    "leads": "deciding",
    "figures": "deciding",
    "bundle": "running",
    "bulk": "running",
    "export": "keeping",
    "import": "keeping",
    "ui": "running",
    "report": "reading",
    "docs": "running",
    "completion": "keeping",
    "doctor": "keeping",
}


class _Aigap(Group):
    """The command with all others below it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        there = vars(import_module(f"{__package__}.{_COMMANDS[cmd_name]}")).values()
        return next(found for found in there if isinstance(found, click.Command) and found.name == cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except NoSuchCommand as error:
            raise NoSuchCommand(error.command_name, possibilities=_COMMANDS, ctx=ctx) from None


@click.group(cls=_Aigap, help=_ABOUT, epilog=_ENVIRONMENT)
@click.version_option(package_name="ai-revenue-gap", message="%(prog)s %(version)s", help="print the version and exit")
def aigap() -> None: ...


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    open_streams()
    state = State()
    try:
        if asked := os.environ.get(COMPLETE):
            from click.shell_completion import shell_complete

            return shell_complete(aigap, {}, "aigap", COMPLETE, asked)
        # Not click's own main(), which answers a closed pipe and Ctrl-C in its way.
        with aigap.make_context("aigap", list(sys.argv[1:] if argv is None else argv), obj=state) as context:
            code: int | None = aigap.invoke(context)
        emit("")
        return code or 0
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        note(f"{error.message}\n")
        return USAGE
    except click.UsageError as error:
        if error.ctx:
            note(f"{error.ctx.get_usage()}\n")
        text = error.format_message()
        say(text[0].lower() + text[1:])
        return USAGE
    except BrokenPipeError:
        # The reader (head, less) has gone: that is no failure.
        give_stdout_up()
        return 0
    except KeyboardInterrupt:
        say("stopped; readers keep what was published")
        return _INTERRUPTED
    except WarehouseError as error:
        return _fail(error, error.exit_code, state.debug)
    except Exception as error:
        return _fail(error, FAILED, state.debug)


def _fail(error: Exception, code: int, debug: bool) -> int:
    if debug:
        raise error
    text = str(error) if is_ours(error) else f"{reason(error)} (--debug prints where)"
    say("\n".join(text.splitlines()))
    try:
        sys.stdout.flush()
    except OSError:
        give_stdout_up()
    return code
