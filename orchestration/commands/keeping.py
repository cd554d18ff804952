"""Commands that look after the files: backup, workbook, data package, health, completion.

Belongs here: arguments, help, what is said. Does not belong here: work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path

import click

from orchestration.commands.shape import COMPLETE, FILE, NEW_FILE, Command, rows
from orchestration.commands.terminal import as_called, put_rows, say
from warehouse.errors import FAILED, Mistake
from warehouse.formats import emit, one_line
from warehouse.readers.outfile import new_file
from warehouse.store.home import Home

# --- help ---------------------------------------------------------------------------------------

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
_COMPLETION = """\
  bash    source <(aigap completion bash)                   in ~/.bashrc
  zsh     source <(aigap completion zsh)                    in ~/.zshrc, after compinit
  fish    aigap completion fish > ~/.config/fish/completions/aigap.fish
"""
_DOCTOR = """\
Exit code 0 if nothing failed, 1 if something did (or, with --strict, if there is a warning): fit for monitoring.
"""

# --- commands -----------------------------------------------------------------------------------


@click.command(cls=Command, epilog=_EXPORT)
@click.argument(
    "backup", metavar="[DIR]", type=NEW_FILE, required=False, help="the backup; must not exist yet, or be empty"
)
@click.option("--xlsx", type=NEW_FILE, metavar="FILE", help="a workbook, such as gap.xlsx; replaced if it is there")
@click.option("--package", type=NEW_FILE, metavar="FILE", help="every table as CSV with what it means, in a .zip")
def export(home: Home, backup: Path | None, xlsx: Path | None, package: Path | None) -> int:
    """Make a backup folder, an Excel workbook or a data package."""
    if sum(asked is not None for asked in (backup, xlsx, package)) != 1:
        raise click.UsageError("one of DIR, --xlsx FILE and --package FILE is needed, and no two of them")
    if xlsx:
        from warehouse.readers.xlsx import write_xlsx

        return _tables_into(xlsx, home, write_xlsx, ".xlsx", "or Excel will not open it")
    if package:
        from warehouse.readers.datapackage import write_package

        return _tables_into(package, home, write_package, ".zip", "for a data package is several files in one")
    from orchestration import run

    assert backup is not None
    return run.export(home, backup)


def _tables_into(path: Path, home: Home, write: Callable[..., Mapping[str, int]], ending: str, why: str) -> int:
    from warehouse.readers.read import open_published

    if path.suffix.lower() != ending:
        raise Mistake(f"{path} must end in {ending}, {why}")
    with new_file(path) as file, open_published(home) as connection:
        rows = write(connection, file)
    say(f"{path}: {len(rows)} tables, {sum(rows.values()):,} rows")
    return 0


@click.command("import", cls=Command, epilog=_IMPORT)
@click.argument("folder", metavar="DIR", type=FILE, help="a folder that aigap export made")
@click.option("--force", is_flag=True, help="even if what is published here is newer, or cannot come with the rest")
def import_(home: Home, folder: Path, force: bool) -> int:
    """Verify such a folder and put it back."""
    from orchestration import run

    return run.import_(home, folder, force=force)


@click.command(cls=Command, epilog=_DOCTOR)
@click.option("--strict", is_flag=True, help="exit 1 on a warning too")
@rows
def doctor(home: Home, strict: bool, style: str) -> int:
    """Report on versions, files and inputs."""
    from warehouse.readers.doctor import FAIL, OK, examine, worst

    findings = examine(home, date.today())
    if style == "table":
        emit(as_called(_listed(findings)))
    else:
        put_rows(["check", "status", "detail"], findings, style)
    state = worst(findings)
    return FAILED if state == FAIL or (strict and state != OK) else 0


def _listed(findings: Sequence[tuple[str, str, str]]) -> str:
    width = max(len(check) for check, _, _ in findings)
    return "".join(f"{status:4}  {one_line(check):{width}}  {one_line(detail)}\n" for check, status, detail in findings)


@click.command(cls=Command, epilog=_COMPLETION)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(home: Home, shell: str) -> None:
    """Print a script that completes this command line."""
    from click.shell_completion import get_completion_class

    made = get_completion_class(shell)
    assert made is not None
    root = click.get_current_context().find_root()
    emit(made(root.command, {}, "aigap", COMPLETE).source() + "\n")
