"""The published tables as one Excel workbook, for people who live in spreadsheets.

Belongs here: sheets, cell types, links, the notes a number must not travel without. Does not belong here: which
numbers.

Exact: an amount is a number where a spreadsheet keeps all its digits (15, and no amount here has more than 13), else
text. A day is a date. Text is text: nothing is a formula, on opening or on editing the cell. XlsxWriter is imported
only when a workbook is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from warehouse.errors import WarehouseError
from warehouse.formats import harmless, plain
from warehouse.readers.read import Rows, query
from warehouse.readers.show import footer, gap_rows, headline

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

_SHEET_NAME = 31
_CELL_TEXT = 32_767
_ADDRESS = 2_079
_DIGITS = 15
#: The order in which one would read them; tables that are not named here follow by name.
_FIRST = (
    "ai_revenue_gap",
    "ai_revenue_gap_components",
    "nvidia_data_center_revenue",
    "hyperscaler_capex",
    "ai_revenue",
    "microsoft_share_of_nvidia",
    "customer_concentration",
    "scenarios",
    "citations",
)
_CAVEATS = (
    "The two shares (chips of a data center's cost, gross margin of their users) are assumptions: compare the "
    "scenarios measured, low and high.",
    "AI revenue is what public sources let us count, netted for what companies pay each other; where no amount was "
    "published the netted share is assumed. Between two statements a run rate is interpolated, after the last it is "
    "carried: see is_carried and staleness_days of ai_revenue_series.",
    "Microsoft's share of NVIDIA's sales is an estimate, always: NVIDIA has never named Microsoft.",
    "capex_basis differs from company to company; do not add across it.",
    "known_from is the day a version of a number was public; the tables ending in _versions hold every version.",
    "What is missing is a row of sheet coverage with the reason.",
    "Money is in whole dollars, a share between 0 and 1 (shown in percent). Every digit is kept: a number that would "
    "not fit a spreadsheet's 15 digits would stand as text.",
    "fact_ids name rows of sheet citations. newest_source links to the statement that made this version of the row "
    "known.",
    "Text from sources is inert: nothing in this workbook is a formula.",
)


def write_xlsx(connection: duckdb.DuckDBPyConnection, path: Path) -> dict[str, int]:
    """Write every table of schema marts to a workbook, one sheet each, after a sheet of notes.

    Same published file, same bytes: the workbook carries the day of the publish, not of its writing.

    :param path: written as it is; see outfile.new_file for writing it whole or not at all.
    :return: table -> rows.
    :raises WarehouseError: XlsxWriter is not installed.
    """
    try:
        import xlsxwriter
    except ImportError as error:
        raise WarehouseError(
            "aigap export --xlsx needs XlsxWriter, which is not here: run make gap, which installs what is missing "
            "(or write aigap sql ... --format csv)"
        ) from error
    tables = _tables(connection)
    sheets = _sheet_names(list(tables))
    built_at = query(connection, "select built_at from meta.build").rows[0][0]
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(str(path), options) as book:
        book.set_properties({"title": "The AI revenue gap", "created": built_at.astimezone(UTC).replace(tzinfo=None)})
        cells = _Cells(book)
        _write_notes(cells, connection, tables, sheets)
        rows, sources = {}, _sources(connection)
        for table in tables:
            found = _rows(connection, table, sources)
            _write_table(cells, sheets[table], found)
            rows[table] = len(found.rows)
        columns = query(
            connection,
            "select table_name, column_name, data_type, comment as meaning from duckdb_columns() "
            "where schema_name = 'marts' order by table_name, column_index",
        )
        _write_table(cells, "columns", columns)
    return rows


def _tables(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Table -> what a row of it is, in reading order."""
    found = query(connection, "select table_name, comment from duckdb_tables() where schema_name = 'marts' order by 1")
    known = {name: comment or "" for name, comment in found.rows}
    return {name: known[name] for name in [*(n for n in _FIRST if n in known), *(n for n in known if n not in _FIRST)]}


def _sheet_names(tables: Sequence[str]) -> dict[str, str]:
    """A sheet's name has 31 characters at most; what is longer is shortened, and stays unlike the others."""
    names: dict[str, str] = {}
    for table in tables:
        name = table if len(table) <= _SHEET_NAME else table.replace("_versions", "_v")[:_SHEET_NAME]
        number = 1
        while name in ("notes", "columns", *names.values()):
            number += 1
            name = f"{table[: _SHEET_NAME - 3]}_{number}"
        names[table] = name
    return names


def _sources(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[str, str | None, str | None]]:
    """Statement -> (day filed, title, address)."""
    found = query(connection, "select fact_id, filed_on, source_title, source_url from marts.citations").rows
    return {fact_id: (str(filed_on), title, url) for fact_id, filed_on, title, url in found}


def _rows(connection: duckdb.DuckDBPyConnection, table: str, sources: dict[str, Any]) -> Rows:
    """All rows in a fixed order; those that cite statements with the newest one: title and address."""
    found = query(connection, f"from marts.{table} order by all")
    cited = next((i for i, name in enumerate(found.columns) if name in ("fact_ids", "fact_id")), None)
    if cited is None or "source_url" in found.columns:
        return found
    rows = []
    for row in found.rows:
        ids = row[cited] if isinstance(row[cited], list) else [row[cited]]
        newest = max((sources[i] for i in ids if i in sources), default=("", None, None), key=lambda s: s[0])
        rows.append((*row, *newest[1:]))
    return Rows([*found.columns, "newest_source", "newest_source_url"], rows)


# --- sheets -------------------------------------------------------------------------------------


def _write_notes(
    cells: _Cells, connection: duckdb.DuckDBPyConnection, tables: dict[str, str], sheets: dict[str, str]
) -> None:
    sheet = cells.book.add_worksheet("notes")
    sheet.set_column(0, 0, 36)
    sheet.set_column(1, 1, 110)
    place = 0
    for heading, lines in _notes(connection, tables, sheets):
        sheet.write_string(place, 0, heading, cells.head)
        for left, right in lines:
            place += 1
            if left in sheets.values():
                sheet.write_url(place, 0, f"internal:'{left}'!A1", cells.link, left)
            elif left:
                sheet.write_string(place, 0, harmless(left))
            sheet.write_string(place, 1, harmless(right), cells.wrapped)
        place += 2


def _notes(
    connection: duckdb.DuckDBPyConnection, tables: dict[str, str], sheets: dict[str, str]
) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Headings with lines of two cells under each."""
    found = gap_rows(connection, "measured", None)
    *says, _ = (headline(connection, found) + footer(connection, found.as_dicts()[0]["calendar_quarter"])).splitlines()
    yield "The AI revenue gap", [("", line) for line in says]
    yield "Before you quote a number", [("", line) for line in _CAVEATS]
    yield "Sheets", [(sheets[table], f"marts.{table}: {says}") for table, says in tables.items()]
    build = query(connection, "from meta.build").as_dicts()[0]
    yield "Made from", [(name, plain(value)) for name, value in build.items()]


def _write_table(cells: _Cells, name: str, found: Rows) -> None:
    """Rows under a header that stays in sight. An address is a link; newest_source is one, to the column after it."""
    sheet = cells.book.add_worksheet(name)
    columns = [column for column in found.columns if column != "newest_source_url"]
    for place, column in enumerate(columns):
        sheet.write_string(0, place, column, cells.head)
        sheet.set_column(place, place, _column_width(column, [row[place] for row in found.rows[:200]]))
    for line, row in enumerate(found.rows, 1):
        for place, column in enumerate(columns):
            address = row[place + 1] if column == "newest_source" else row[place] if column.endswith("_url") else None
            if not (address and cells.write_link(sheet, line, place, address, plain(row[place]))):
                cells.write(sheet, line, place, row[place], column)
    sheet.freeze_panes(1, 0)
    if found.rows:
        sheet.autofilter(0, 0, len(found.rows), len(columns) - 1)


def _column_width(name: str, values: Sequence[Any]) -> float:
    longest = max((len(f"{v:,}" if isinstance(v, int) else plain(v)) for v in values), default=0)
    return min(60, max(len(name) + 3, longest + 1))


# --- cells --------------------------------------------------------------------------------------


class _Cells:
    """Writes single values, each as what it is."""

    def __init__(self, book: Workbook) -> None:
        self.book = book
        self.head = book.add_format({"bold": True, "bottom": 1})
        self.link = book.add_format({"font_color": "#0563C1", "underline": 1})
        self.wrapped = book.add_format({"text_wrap": True, "valign": "top"})
        self._formats: dict[str, Format] = {}
        #: Excel's own mark for text that looks like a formula: editing the cell leaves it text.
        self._inert = book.add_format({"quote_prefix": True})

    def _format(self, pattern: str) -> Format:
        if pattern not in self._formats:
            self._formats[pattern] = self.book.add_format({"num_format": pattern})
        return self._formats[pattern]

    def write(self, sheet: Worksheet, line: int, place: int, value: Any, column: str = "") -> None:
        """One value: whole number, share, day, yes or no, or text; nothing for NULL."""
        if value is None:
            return
        if isinstance(value, bool):
            sheet.write_boolean(line, place, value)
        elif isinstance(value, (int, Decimal)):
            self._write_number(sheet, line, place, value, column)
        elif isinstance(value, datetime):
            moment = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
            sheet.write_datetime(line, place, moment, self._format("yyyy-mm-dd hh:mm:ss"))
        elif isinstance(value, date) and value.year >= 1900:
            sheet.write_datetime(line, place, value, self._format("yyyy-mm-dd"))
        else:
            self._write_text(sheet, line, place, plain(value))

    def _write_number(self, sheet: Worksheet, line: int, place: int, value: int | Decimal, column: str) -> None:
        exact = Decimal(value)
        if len(exact.normalize().as_tuple().digits) > _DIGITS:
            self._write_text(sheet, line, place, plain(value))
        elif "share" in column or "margin" in column:
            # 15 digits survive the way into a double and back.
            sheet.write_number(line, place, float(exact), self._format("0.0%"))
        elif exact == exact.to_integral_value():
            sheet.write_number(line, place, int(exact), self._format("#,##0"))
        else:
            sheet.write_number(line, place, float(exact), self._format("General"))

    def _write_text(self, sheet: Worksheet, line: int, place: int, text: str) -> None:
        text = harmless(text)
        if len(text) > _CELL_TEXT:
            note = f"... (cut: {len(text):,} characters)"
            text = text[: _CELL_TEXT - len(note)] + note
        sheet.write_string(line, place, text, self._inert if text.startswith(tuple("=+-@\t\r\n")) else None)

    def write_link(self, sheet: Worksheet, line: int, place: int, address: str, text: str) -> bool:
        """A link under `text`; false, and nothing written, where the address is none for the web."""
        if not (re.fullmatch(r"https?://[^\s\"<>]+", address) and address.isprintable()) or len(address) > _ADDRESS:
            return False
        return sheet.write_url(line, place, address, self.link, harmless(text or address)) == 0
