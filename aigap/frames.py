"""The published tables as pandas DataFrames.

Belongs here: which query a frame is, the type of each column, what a frame says of itself. Does not belong here:
arithmetic (every number is a row of a mart or a reader's macro), charts.

Types, chosen so that nothing is lost: whole dollars and counts `Int64`, shares `Float64` (six decimals, never summed
here), days `datetime64[s]`, calendar quarters `period[Q-DEC]`, yes or no `boolean`, text `str`; a decimal that is wider
than both, such as the stated value of a citation, stays a decimal with all its digits. Missing is `<NA>`.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warehouse.errors import Mistake
from warehouse.store.home import Home, find_home

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa

    Where = str | Path | None
    Day = str | date

_UNITS = {"_usd": "USD, whole dollars", "_share": "share, 0 to 1", "_days": "days", "_percent": "percent"}
_SHARES = ("share", "margin")


def connect(home: Where = None) -> duckdb.DuckDBPyConnection:
    """A read-only DuckDB connection to what is published, with the macros (`from gap_as_of(date '2024-06-20')`).

    It keeps the generation it opened whatever is published after, sees no other file and no network, and must be
    closed. To join tables of your own, open the published file with `duckdb.connect(path, read_only=True)`.

    :param home: the folder of aigap's files; by default AIGAP_HOME, else the one `aigap refresh` uses.
    :raises NotPublished: there is nothing, or it is damaged. :raises Error: its tables are of another version.
    """
    from warehouse.readers.read import open_published

    return open_published(Home(Path(home).expanduser().absolute()) if home is not None else find_home())


def gap(
    scenario: str = "measured",
    *,
    as_of: Day | None = None,
    gpu_share: float | str | Decimal | None = None,
    margin: float | str | Decimal | None = None,
    home: Where = None,
) -> pd.DataFrame:
    """The AI revenue gap, one row a calendar quarter and scenario, oldest first; columns of marts.ai_revenue_gap.

    `gap_usd` = `required_revenue_usd` - `ai_revenue_usd`, whole dollars. Required is what one year's chips must earn
    over their life, not every year. Source of the method: Cahn, Sequoia, 2023 and 2024.

    :param scenario: which assumptions, or all.
    :param as_of: as known at the end of this day, "2024-06-20".
    :param gpu_share: chips as a share of a data center's cost, 0 to 1.
    :param margin: gross margin of the chips' users, 0 to 1. With either, the gap is computed anew from `measured`
        (columns of gap_with); what is left out of the two is 0.5, as Cahn has it.
    :raises Mistake: no such scenario, day or share. :raises NotPublished: nothing is published.
    """
    from warehouse.readers.show import gap_rows, gap_sql

    if gpu_share is not None or margin is not None:
        if as_of is not None or scenario != "measured":
            raise Mistake("shares of your own go with scenario measured as known now: leave scenario and as_of out")
        shares = f"{_share('gpu_share', gpu_share, 0)}, {_share('margin', margin, 1)}"
        wanted = f"from marts.gap_with({shares}) order by calendar_quarter"
        with closing(connect(home)) as connection:
            return _frame(connection, wanted, "ai_revenue_gap", "gap_usd")
    day = None if as_of is None else _day(as_of)
    with closing(connect(home)) as connection:
        gap_rows(connection, scenario, 1, day)  # says which scenarios there are
        wanted = f"from ({gap_sql(scenario, None, day)}) order by calendar_quarter, scenario"
        return _frame(connection, wanted, "ai_revenue_gap", "gap_usd", "scenario")


def revenue(*, as_of: Day | None = None, home: Where = None) -> pd.DataFrame:
    """NVIDIA's data-center revenue, one row a calendar quarter, oldest first; whole dollars a quarter.

    Source: NVIDIA's filings, and its press releases until the filing is there (`source_kind`).

    :param as_of: as known at the end of this day.
    :raises Mistake: no such day. :raises NotPublished: nothing is published.
    """
    mart = "nvidia_data_center_revenue"
    with closing(connect(home)) as connection:
        return _frame(
            connection, f"from {_source(connection, mart, as_of)} order by calendar_quarter", mart, "data_center_usd"
        )


def capex(*tickers: str, as_of: Day | None = None, home: Where = None) -> pd.DataFrame:
    """Capital expenditure, one row a company, calendar quarter and basis; whole dollars a quarter.

    `capex_basis` differs from company to company: do not add across it. Source: the companies' filings.

    :param tickers: only these, such as "MSFT", "GOOGL"; none for all.
    :param as_of: as known at the end of this day.
    :raises Mistake: a ticker that is not there, names those that are; no such day.
    :raises NotPublished: nothing is published.
    """
    from warehouse.readers.read import literal

    wanted = [ticker.strip().upper() for ticker in tickers]
    where = f"where ticker in ({', '.join(map(literal, wanted))})" if wanted else ""
    order = "order by ticker, calendar_quarter, capex_basis"
    with closing(connect(home)) as connection:
        source = _source(connection, "hyperscaler_capex", as_of)
        found = _frame(connection, f"from {source} {where} {order}", "hyperscaler_capex", "capex_usd", "ticker")
        if missing := set(wanted).difference(found["ticker"]):
            there = ", ".join(_names(connection, f"select distinct ticker from {source} order by 1"))
            raise Mistake(f"there is no capex of {', '.join(sorted(missing))}; there is: {there}")
    return found


def explain(quarter: str, scenario: str = "measured", *, home: Where = None) -> pd.DataFrame:
    """One gap down to what it rests on: a row for each signed addend and statement; the addends sum to the gap.

    An addend with three statements stands on three rows: sum `signed_usd` over `drop_duplicates("component")`. `value`
    is what the source states in `unit`, every digit.

    :param quarter: 2026Q2, or NVIDIA's FY27Q2. :param scenario: which assumptions.
    :raises Mistake: no such quarter or scenario; says which there are. :raises NotPublished: nothing is published.
    """
    from warehouse.readers.explain import explain as tree_of
    from warehouse.readers.read import literal

    with closing(connect(home)) as connection:
        label = literal(tree_of(connection, quarter, scenario)["calendar_quarter"])
        wanted = f"from marts.explain_gap({label}) where scenario = {literal(scenario)}"
        return _frame(connection, wanted, "citations")


def as_of(day: Day, table: str = "ai_revenue_gap", *, home: Where = None) -> pd.DataFrame:
    """A table as any reader could have known it at the end of a past day; columns of the table, oldest quarter first.

    :param day: "2024-06-20", or a date. :param table: a mart with a history, such as hyperscaler_capex.
    :raises Mistake: no such day, or a table without history; names those that have one.
    :raises NotPublished: nothing is published.
    """
    with closing(connect(home)) as connection:
        return _frame(connection, f"from {_source(connection, table, day)} order by all", table)


def sources(of: pd.DataFrame | Iterable[str] | None = None, *, home: Where = None) -> pd.DataFrame:
    """Statements: accession, form, concept, period, day filed, address and hash; columns of marts.citations.

    :param of: a frame with `fact_ids` (or `fact_id`), or such ids themselves; None for every statement.
    :raises Mistake: an id that is no statement's. :raises NotPublished: nothing is published.
    """
    from warehouse.readers.read import literal

    wanted = None if of is None else sorted(_ids(of))
    within = "true" if wanted is None else f"fact_id in ({', '.join(map(literal, wanted)) or 'null'})"
    with closing(connect(home)) as connection:
        found = _frame(connection, f"from marts.citations where {within} order by fact_id", "citations")
    if missing := set(wanted or ()).difference(found["fact_id"]):
        raise Mistake(f"{len(missing)} ids are of no statement that is published here, {min(missing)!r} for one")
    return found


def table(name: str, *, home: Where = None) -> pd.DataFrame:
    """Any published table, whole, in a fixed order.

    :param name: of a mart, such as coverage or ai_revenue_totals.
    :raises Mistake: there is no such table; names those there are. :raises NotPublished: nothing is published.
    """
    with closing(connect(home)) as connection:
        names = _names(connection, "select table_name from duckdb_tables() where schema_name = 'marts' order by 1")
        if (plain := name.removeprefix("marts.")) not in names:
            raise Mistake(f"there is no table {name!r}; there are: {', '.join(names)}")
        return _frame(connection, f"from marts.{plain} order by all", plain)


def cite(quarter: str, scenario: str = "measured", style: str = "plain", *, home: Where = None) -> str:
    """A footnote for one gap: number, day, filings, and its doubt.

    :param quarter: 2026Q2, or NVIDIA's FY27Q2. :param scenario: which assumptions.
    :param style: plain, markdown or bibtex.
    :raises Mistake: no such quarter, scenario or style. :raises NotPublished: nothing is published.
    """
    from warehouse.readers.cite import footnote, text

    if style not in ("plain", "markdown", "bibtex"):
        raise Mistake(f"there is no style {style!r}; there are: plain, markdown, bibtex")
    with closing(connect(home)) as connection:
        return text(footnote(connection, quarter, scenario), style)


# --- what was asked for ---------------------------------------------------------------------------


def _day(day: Day) -> date:
    if isinstance(day, datetime):
        return day.date()
    try:
        return day if isinstance(day, date) else date.fromisoformat(day)
    except (TypeError, ValueError):
        raise Mistake(f"{day!r} is no day; write it as 2024-06-20") from None


def _share(name: str, given: float | str | Decimal | None, but: int) -> str:
    """:param but: the end of 0 to 1 that it may not be: the gap would be without bound."""
    try:
        share = Decimal(str(given if given is not None else "0.5"))
    except InvalidOperation:
        raise Mistake(f"{name} is {given!r}, which is no number") from None
    if not (share.is_finite() and 0 <= share <= 1) or share == but:
        raise Mistake(f"{name} is {given!r}, and must be a share between 0 and 1")
    return f"{share:f}"


def _names(connection: duckdb.DuckDBPyConnection, sql: str) -> list[str]:
    from warehouse.readers.read import query

    return [row[0] for row in query(connection, sql).rows]


def _source(connection: duckdb.DuckDBPyConnection, mart: str, day: Day | None) -> str:
    """A mart, or what it was as known at the end of a day: a mart with a history has a macro of its name."""
    if day is None:
        return f"marts.{mart}"
    tables = _names(connection, "select table_name from duckdb_tables() where schema_name = 'marts' order by 1")
    marts = [name.removesuffix("_versions") for name in tables if name.endswith("_versions")]
    if mart not in marts:
        raise Mistake(f"{mart!r} cannot be had as of a day; these can: {', '.join(marts)}")
    return f"marts.{mart}_as_of(date '{_day(day)}')"


def _ids(of: pd.DataFrame | Iterable[str]) -> set[str]:
    columns = getattr(of, "columns", None)
    if columns is None:
        return {of} if isinstance(of, str) else set(of)
    cited = [name for name in columns if name == "fact_id" or name.endswith("fact_ids")]
    if not cited:
        raise Mistake("this frame has no fact_ids: it cites nothing by itself")
    values = [value for name in cited for value in of[name]]  # type: ignore[index]
    lists = [value if isinstance(value, list) else [value] for value in values]
    return {fact_id for ids in lists for fact_id in ids if isinstance(fact_id, str)}


# --- frames ---------------------------------------------------------------------------------------


def _frame(
    connection: duckdb.DuckDBPyConnection, sql: str, mart: str, y: str | None = None, by: str | None = None
) -> pd.DataFrame:
    """The answer to one query, typed, with what it says of itself in `attrs`.

    :param mart: whose comments say what the columns mean. :param y: what a chart of it shows. :param by: one line each.
    """
    import pandas as pd

    from warehouse.readers.read import arrow, literal, query

    answer = arrow(connection, sql)
    # What the mart itself says of a column comes last, and so holds.
    comments = query(
        connection,
        "select column_name, comment from duckdb_columns() where schema_name = 'marts' and comment is not null "
        f"order by table_name = {literal(mart)}, table_name",
    )
    build = query(connection, "from meta.build").as_dicts()[0]
    frame = pd.DataFrame({field.name: _typed(answer[field.name], field) for field in answer.schema})
    meaning = dict(comments.rows)
    frame.attrs = {
        "table": f"marts.{mart}",
        "units": {field.name: unit for field in answer.schema if (unit := _unit(field))},
        "columns": {name: meaning[name] for name in frame.columns if meaning.get(name)},
        "citation": _citation(mart, build),
        "plot": {"y": y, "by": by},
    }
    return frame


def _typed(column: pa.ChunkedArray, field: pa.Field) -> Any:
    import pandas as pd
    import pyarrow as pa

    kind = field.type
    if field.name == "calendar_quarter":
        return pd.array(column.to_pylist(), dtype="period[Q-DEC]")
    if pa.types.is_integer(kind):
        return pd.array(column.to_pylist(), dtype="Int64")
    if pa.types.is_decimal(kind):
        if kind.precision <= 18 and kind.scale:
            return pd.array([None if v is None else float(v) for v in column.to_pylist()], dtype="Float64")
        return pd.array(column, dtype=pd.ArrowDtype(kind))
    if pa.types.is_date(kind):
        return pd.array(column.to_pylist(), dtype="datetime64[s]")
    if pa.types.is_boolean(kind):
        return pd.array(column.to_pylist(), dtype="boolean")
    if pa.types.is_list(kind):
        return pd.Series(column.to_pylist(), dtype="object")
    return pd.array(column.to_pylist(), dtype="str")


def _unit(field: pa.Field) -> str | None:
    import pyarrow as pa

    if pa.types.is_date(field.type):
        return "day"
    for ending, unit in _UNITS.items():
        if field.name.endswith(ending):
            return unit
    if pa.types.is_decimal(field.type) and any(word in field.name for word in _SHARES):
        return _UNITS["_share"]
    return None


def _citation(mart: str, build: dict[str, Any]) -> str:
    filing = f"newest filing {build['newest_filing_on']} ({build['newest_accession']})"
    return (
        f"ai-revenue-gap {build['aigap_version']}, marts.{mart}, generation {build['generation']} of "
        f"{build['built_at']:%Y-%m-%d}, {filing}, content hash {build['content_hash']}. Each row's fact_ids name its "
        "statements: aigap.sources(frame)"
    )
