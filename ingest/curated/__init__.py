"""What no filing tags: figures, payments, scenarios, rates, corrections, as rows with their source, and their seal.

Belongs here: the rows that ship and what reads them. Does not belong here: filed facts (ingest.parsers).
"""
