"""A workbook read back with openpyxl, which shares no code with what wrote it.

Belongs here: sheets as rows of values, texts as they are stored. Does not belong here: assertions.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from openpyxl import Workbook
from openpyxl.utils.escape import unescape

_SPREADSHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def sheet_rows(book: Workbook, name: str) -> tuple[list[str], list[list[Any]]]:
    """Header and rows of a sheet."""
    header, *rows = ([cell.value for cell in row] for row in book[name].iter_rows())
    return header, rows


def stored_texts(path: Path) -> list[str]:
    """Every text of the workbook, as a spreadsheet shows it: what XML cannot hold is stored as _x001B_, and a text that
    reads so by itself as _x005F_x001B_; openpyxl's reader gives both back alike.
    """
    with zipfile.ZipFile(path) as archive:
        root = ElementTree.fromstring(archive.read("xl/sharedStrings.xml"))
    return [unescape(item.text or "") for item in root.iter(f"{_SPREADSHEET}t")]
