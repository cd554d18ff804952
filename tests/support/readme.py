"""What the README shows, made by running it.

Belongs here: the commands whose output stands in README.md between `<!-- name -->` and `<!-- /name -->`. `python -m
support.readme FILE` (from tests/) writes them anew from a published file. Does not belong here: the README's words.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import duckdb

from warehouse.readers.explain import explain, text
from warehouse.readers.read import open_published
from warehouse.readers.show import gap_rows, gap_table, headline
from warehouse.store.home import Home

README = Path(__file__).resolve().parents[2] / "README.md"

SHELL = """\
select calendar_quarter, required_revenue_usd, ai_revenue_usd, gap_usd, coverage_share, known_from
from marts.ai_revenue_gap where scenario = 'measured' order by calendar_quarter desc limit 4"""


def blocks(home: Home) -> dict[str, str]:
    """Name -> fenced text as it stands in the README."""
    with open_published(home) as connection:
        found = gap_rows(connection, "measured", 12)
        table = gap_table(found, with_scenario=False) + "\n" + headline(connection, found)
        tree = text(explain(connection, "2025Q2", "measured")).splitlines()
    # From here on as any reader would: a plain connection.
    with duckdb.connect(str(home.published), read_only=True) as con:
        shell = _box(con, SHELL)
        python = str(
            con.sql("from gap_as_of(date '2024-06-20')")
            .project("calendar_quarter, scenario, required_revenue_usd")
            .order("calendar_quarter desc, scenario")
            .limit(3)
        )
    return {
        "table": _fence(table),
        "shell": _fence(f"$ duckdb -readonly data/ai_revenue_gap.duckdb\nD {SHELL};\n{shell}"),
        "python": _fence(python),
        "explain": _fence("\n".join([*tree[:17], "..."])),
    }


def _box(con: duckdb.DuckDBPyConnection, sql: str) -> str:
    return str(con.sql(sql))


def _fence(body: str) -> str:
    return "```\n" + "\n".join(line.rstrip() for line in body.strip("\n").splitlines()) + "\n```"


def filled(readme: str, made: dict[str, str]) -> str:
    """The README's text with every block as made."""
    for name, block in made.items():
        readme, count = re.subn(
            rf"(<!-- {name} -->\n).*?(\n<!-- /{name} -->)", lambda m, b=block: m[1] + b + m[2], readme, flags=re.DOTALL
        )
        assert count == 1, f"README.md has no block {name}"
    return readme


if __name__ == "__main__":
    README.write_text(filled(README.read_text("utf-8"), blocks(Home(Path(sys.argv[1])))), "utf-8")
