"""How a command is made: what all of them share, and the kinds of words they take.

Belongs here: the options of every command, types of arguments, help as it is laid out. Does not belong here: any
command.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from orchestration.commands.terminal import as_called
from warehouse.errors import Mistake
from warehouse.formats import FORMATS
from warehouse.readers.outfile import refuse_owned
from warehouse.store.home import Home, find_home

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
Decorator = Callable[[Decorated], Decorated]

#: By this a shell asks what can come next; click's name for it.
COMPLETE = "_AIGAP_COMPLETE"
#: What a file's ending says of its format.
ENDINGS = {".csv": "csv", ".json": "json", ".md": "md", ".txt": "table", ".parquet": "parquet"}


class State:
    """What a user said of the whole run, before or after the name of the command."""

    folder: Path | None = None
    debug = False

    def home(self) -> Home:
        """The home to work in.

        :raises WarehouseError: there is none.
        """
        return Home(self.folder.expanduser().absolute()) if self.folder else find_home()


class NewFile(click.Path):
    """A path that the command writes: none of aigap's own files."""


FILE = click.Path(path_type=Path)
THERE = click.Path(exists=True, dir_okay=False, path_type=Path)
NEW_FILE = NewFile(path_type=Path)


def day(text: str) -> date:
    """An ISO day."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no day; write it as 2024-06-20") from None


def seconds(text: str) -> float:
    """A time to wait, at most a day."""
    try:
        number = float(text)
    except ValueError:
        number = 0
    if not 0 < number <= 86400:
        raise click.BadParameter(f"{text!r} must be a number, more than 0 and at most a day")
    return number


def cell(text: str) -> tuple[str, str]:
    """COLUMN=VALUE."""
    column, is_given, value = text.partition("=")
    if not is_given:
        raise click.BadParameter(f"{text!r} must be COLUMN=VALUE")
    return column.strip(), value.strip()


# --- options that several commands have ---------------------------------------------------------


def _common() -> list[click.Parameter]:
    def keep(name: str) -> Callable[..., None]:
        def kept(context: click.Context, _: click.Parameter, value: Any) -> None:
            # What one command was given must not be undone by a default of the one below it.
            if value and context.obj:
                setattr(context.obj, name, value)

        return kept

    home, debug = "folder of all files, instead of AIGAP_HOME", "on an error, print the traceback"
    shared: dict[str, Any] = {"expose_value": False}
    return [
        click.Option(["--home"], type=FILE, metavar="DIR", help=home, callback=keep("folder"), **shared),
        click.Option(["--debug"], is_flag=True, help=debug, callback=keep("debug"), **shared),
    ]


def rows(command: Decorated) -> Decorated:
    """--format, of an answer in text."""
    text = "json and csv hold exact values, whole USD"
    return click.option("--format", "style", type=click.Choice(FORMATS), default="table", help=text)(command)


def rows_or_file(command: Decorated) -> Decorated:
    """--format and --out; parquet too: where the answer is a query's, DuckDB can write it with its own types. The
    command gets both settled: a file's name says its format."""

    @wraps(command)
    def settled(*args: Any, style: str | None, out: Path | None, **kwargs: Any) -> Any:
        return command(*args, style=_settled(style, out), out=out, **kwargs)

    text = "json, csv and parquet hold exact values, whole USD; parquet needs --out  [default: table, or as FILE ends]"
    written = f"write to this file, not to standard output; its ending says the format: {' '.join(ENDINGS)}"
    kinds = click.Choice([*FORMATS, "parquet"])
    to_file = click.option("--out", type=NEW_FILE, metavar="FILE", help=written)(settled)
    return click.option("--format", "style", type=kinds, help=text)(to_file)  # type: ignore[return-value]


def _settled(style: str | None, out: Path | None) -> str:
    if out is None:
        if style == "parquet":
            raise Mistake("Parquet is no text: say where to, as in --format parquet --out gap.parquet")
        return style or "table"
    meant = ENDINGS.get(out.suffix.lower())
    is_text = meant == "table" and style != "parquet"  # a .txt holds whatever text it is told to
    if style and meant and style != meant and not is_text:
        raise Mistake(f"{out} is named as {meant}, and --format says {style}: leave one of the two out")
    if not style and not meant:
        raise Mistake(f"{out} does not say its format: end it in {', '.join(ENDINGS)}, or add --format")
    return style or str(meant)


def as_of(command: Decorated) -> Decorated:
    """--as-of."""
    text = "as known at the end of a past day, such as 2024-06-20"
    return click.option("--as-of", type=day, metavar="DAY", help=text)(command)


#: How a quarter may be written, wherever one is asked for.
QUARTER = "2026Q2, Q2 2026, 2Q26 (calendar), FY27Q2 (NVIDIA's fiscal year) or latest"


def one_gap(command: Decorated) -> Decorated:
    """Quarter, scenario and --as-of."""
    command = click.option("--scenario", default="measured", help="which assumptions")(as_of(command))
    return click.argument("quarter", help=QUARTER)(command)


# --- commands -----------------------------------------------------------------------------------


class _Ours(click.Command):
    """A command that works in a home: its function gets it first."""

    def __init__(self, *args: Any, callback: Callable[..., Any] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, callback=callback and self._at_home(callback), **kwargs)  # type: ignore[misc]
        self.params += _common()
        self.context_settings = {"help_option_names": ["-h", "--help"], "show_default": True, "max_content_width": 110}

    def _at_home(self, run: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(run)
        def called(**given: Any) -> Any:
            context = click.get_current_context()
            if context.invoked_subcommand:
                return 0
            home = context.obj.home()
            for param in self.params:
                if isinstance(param.type, NewFile) and param.name and (path := given[param.name]):
                    refuse_owned(path, home)
            return run(home, **given)

        return called

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx  # the parser raises some without
            raise

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_usage(ctx.command_path, " ".join(self.collect_usage_pieces(ctx)), "usage: ")

    def get_short_help_str(self, limit: int = 45) -> str:
        return (self.help or "").partition("\n")[0].rstrip(".")

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if self.epilog:
            formatter.write(f"\n{self.epilog}")

    def get_help(self, ctx: click.Context) -> str:
        return as_called(super().get_help(ctx))


class Command(_Ours):
    """One command."""


class Group(_Ours, click.Group):
    """A command with others below it, listed in the order in which they were made."""

    command_class = Command
    group_class = type

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)
