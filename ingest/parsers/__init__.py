"""Bytes as the SEC serves them to records: list of filings, company facts, XBRL, text of an exhibit.

Belongs here: pure functions from bytes. Does not belong here: where the bytes come from (ingest.edgar), which facts
count (dbt_project).
"""
