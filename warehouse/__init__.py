"""The DuckDB files: raw tables, publishing, read-only queries.

Belongs here: everything that opens a DuckDB file. Does not belong here: parsing, derivation (dbt_project), Dagster.
"""
