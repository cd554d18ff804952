"""The views of the site, one file each, found by being here.

Belongs here: what a view shows, in SQL, and how, as a Vega-Lite specification. Does not belong here: derivation
(dbt_project), parts that views share (spec.py).

To add one: a module with `TOPIC` (a page of pages.TOPICS), `ORDER` on it, `START = True` where the start page has it
too, and `chart(connection)`, which returns a Chart. Nothing else names it.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import duckdb

from warehouse.report.pages import TOPICS
from warehouse.report.spec import Chart


class View(NamedTuple):
    """A module of this folder: what it draws and where it stands."""

    topic: str
    order: int
    is_on_start: bool
    chart: Callable[[duckdb.DuckDBPyConnection], Chart]
    marts: frozenset[str]


def _view(name: str) -> View:
    module = importlib.import_module(f"{__name__}.{name}")
    read = re.findall(r"\bmarts\.(\w+)", Path(module.__file__ or "").read_text("utf-8"))
    return View(module.TOPIC, module.ORDER, getattr(module, "START", False), module.chart, frozenset(read))


def _place(view: View) -> tuple[int, int]:
    return list(TOPICS).index(view.topic), view.order


#: In the order of pages and on each.
VIEWS: tuple[View, ...] = tuple(sorted((_view(found.name) for found in pkgutil.iter_modules(__path__)), key=_place))
