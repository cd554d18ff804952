"""The pages: a site of static files, and the same in one file, made from the published file.

Belongs here: everything between the marts and those files: charts/ what is drawn, spec.py what drawings share,
digits.py their numbers, carry.py and pages.py what a page carries and how it looks, site.py which files there are.
Sentences are those of every reader (warehouse/readers/words.py). Does not belong here: derivation (dbt_project),
other ways to read.

Charts are Vega-Lite specifications written as plain dicts and carried as JSON, with the JavaScript bundle that
vl-convert brings. Altair would write the same JSON from objects: two packages and a second vocabulary more, and none
of its conveniences (data frames, notebook display) has a use here, where rows come from SQL. A test compiles the
specifications, which is what Altair's schema check would have been for.

What a page promises: it loads nothing but what lies beside it, the one file nothing at all (the content policy forbids
it, without eval: Vega runs its expression interpreter); no text of a source becomes markup; every number in it is
exact, rounded only when shown; the same published file gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path

import duckdb

from warehouse.errors import Mistake, NotPublished, reason
from warehouse.report import carry, pages, site
from warehouse.report.carry import json_for_script
from warehouse.report.charts import VIEWS
from warehouse.store.home import replace_file

__all__ = ["is_current", "json_for_script", "refuse_others", "render", "write_report", "write_site"]


def write_report(published: Path, out: Path) -> Path:
    """Write the one-file page of `published` (a published DuckDB file, opened read-only) to `out`, and return `out`.

    Missing folders are made. The file is replaced in one step: whoever has the page open never sees half of one.

    :raises NotPublished: `published` cannot be opened.
    """
    with _opened(published) as connection:
        page = render(connection)
    out.parent.mkdir(parents=True, exist_ok=True)
    replace_file(out, page.encode())
    return out


def write_site(published: Path, folder: Path, *, is_whole: bool = True) -> Path:
    """Write the site of `published` into `folder`, and return its start page, which is replaced last.

    :param is_whole: with pictures of every chart and the tables as files, which take seconds.
    :raises NotPublished: `published` cannot be opened.
    """
    with _opened(published) as connection:
        return site.write(connection, folder, is_whole=is_whole)


@contextmanager
def _opened(published: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    if not published.exists():
        raise NotPublished(f"{published} does not exist: nothing has been published yet; run aigap refresh")
    try:
        connection = duckdb.connect(str(published), read_only=True)
    except duckdb.Error as error:
        raise NotPublished(f"{published} cannot be opened: {str(error).splitlines()[0]}; run aigap refresh") from error
    with connection:
        yield connection


def refuse_others(folder: Path) -> None:
    """Refuse a folder that holds something and no site of ours: three folders in it are made anew.

    :raises Mistake: it does, or is no folder.
    """
    page = folder / "index.html"
    try:
        is_ours = 'name="generator" content="aigap ' in page.read_text("utf-8")[:4096] if page.is_file() else False
        if folder.exists() and not is_ours and any(folder.iterdir()):
            raise Mistake(f"{folder} holds other files, and is no site made here: name a new folder")
    except (OSError, UnicodeDecodeError) as error:
        raise Mistake(f"{folder} cannot be the folder of a site ({reason(error)}): name a new one") from error


def is_current(published: Path, out: Path) -> bool:
    """Whether `out` is a page that this program made of `published` as it is now; False where that cannot be told."""
    try:
        with duckdb.connect(str(published), read_only=True) as connection:
            stamp = pages.stamp(connection)
        with out.open(encoding="utf-8") as page:
            return stamp != "" and f'name="generator" content="{stamp}"' in page.read(4096)
    except (OSError, UnicodeDecodeError, duckdb.Error):
        return False


def render(connection: duckdb.DuckDBPyConnection) -> str:
    """The one file as text, from a connection to a published file."""
    charts = [view.chart(connection) for view in VIEWS]
    common = carry.common(connection)
    carried, sources = carry.with_sources(charts, carry.citations(connection))
    script, bundle, known = pages.script(), pages.vega(), pages.known(connection)
    return pages.fill(
        {
            "policy": escape(pages.own_policy(bundle, script)),
            "stamp": pages.stamp(connection),
            "title": "Where is all the revenue?",
            "head": f"<style>{pages.style()}</style>",
            "topics": "",
            "headline": escape(common.headline),
            "doubt": escape(common.doubt),
            "figures": '<dl class="figures" id="figures"></dl>',
            "intro": pages.statements(connection),
            "nav": pages.navigation(charts),
            "charts": "".join(pages.figure(chart, known) for chart in charts),
            "colophon": pages.colophon(connection),
            "scripts": f'<script>{bundle}</script>\n<script type="application/json" id="data">'
            f"{json_for_script({**common.data, 'root': '', 'citations': sources, 'charts': carried})}</script>\n"
            f"<script>{script}</script>",
        }
    )
