"""Where is all the AI revenue? The gap, quarter by quarter, for Python: every number with its filing and its day.

    import aigap

    aigap.gap()                                  the headline, every quarter, as a pandas DataFrame
    aigap.gap(gpu_share=0.40, margin=0.55)       with other assumptions, nothing rebuilt
    aigap.as_of("2024-06-20")                    as an honest reader could have known it that day
    aigap.explain("2026Q2")                      every addend, down to accession, concept, period and address
    aigap.sources(aigap.capex("MSFT"))           the statements a frame rests on
    aigap.plot(aigap.capex())                    a chart; also aigap.capex().plot(backend="aigap")
    aigap.connect().sql("from marts.coverage")   everything else, in SQL

What is read is the published file of `home` (a path), by default that of AIGAP_HOME: `aigap refresh` makes it. Columns
ending in `_usd` are whole US dollars and exact, shares run from 0 to 1, days are days. `frame.attrs` says the unit and
meaning of every column and how to cite what one has.

Importing this loads neither DuckDB nor pandas; the first frame does. Belongs here: what others may rely on. Does not
belong here: how it is done (frames.py, charts.py).
"""

from aigap.charts import Chart, plot
from aigap.frames import as_of, capex, cite, connect, explain, gap, revenue, sources, table
from warehouse.errors import Mistake, NotPublished
from warehouse.errors import WarehouseError as Error

__all__ = [
    "Chart",
    "Error",
    "Mistake",
    "NotPublished",
    "as_of",
    "capex",
    "cite",
    "connect",
    "explain",
    "gap",
    "plot",
    "revenue",
    "sources",
    "table",
]
