"""How much did a quarter's measured AI revenue change after it was first known? Usage: hindsight.py FILE

pandas over the published file: the first and the newest version of each quarter, from the table that keeps them all.
A rise is disclosure after the fact: companies that spoke later, of the past. A fall is netting that became known later.
"""

import sys

import duckdb

with duckdb.connect(sys.argv[1], read_only=True) as connection:
    versions = connection.sql(
        "select calendar_quarter, known_from, ai_revenue_usd, companies_counted "
        "from marts.ai_revenue_gap_versions "
        "where scenario = 'measured' and ai_revenue_usd is not null "
        "order by calendar_quarter, known_from"
    ).df()

quarters = versions.groupby("calendar_quarter")
table = quarters.agg(
    versions=("known_from", "size"),
    first_known=("known_from", "first"),
    first_usd=("ai_revenue_usd", "first"),
    now_usd=("ai_revenue_usd", "last"),
    companies_first=("companies_counted", "first"),
    companies_now=("companies_counted", "last"),
)
table["times"] = (table["now_usd"] / table["first_usd"]).round(2)
# Money stays whole dollars: only this ratio is a float.
print(table.sort_index(ascending=False).head(8).to_string())
