"""What reads the published file and says it: tables, sentences, citations, workbook, state of health.

Belongs here: read-only queries and their wording. Does not belong here: a number that no mart holds (dbt_project).
"""
