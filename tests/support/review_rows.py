"""marts.review for the small build file: one row of each state, with the columns that the mart promises."""

from __future__ import annotations

REVIEW = """
create or replace table marts.review (
    target varchar, state varchar, kind varchar, company varchar, ticker varchar, metric varchar,
    calendar_quarter varchar, period_end date, accession varchar, form varchar, filed_on date, stated varchar,
    reason varchar, decided_by varchar, decided_on date, why varchar, what_to_do varchar
);
insert into marts.review values
    ('0001045810-26-000081/networking_revenue/2026-07-26', 'set_aside', 'value', 'NVIDIA', 'NVDA', 'networking_revenue',
     '2026Q2', '2026-07-26', '0001045810-26-000081', '10-Q', '2026-08-26', '14000000',
     'a thousandth of the quarter before', null, null, null, 'compare with the filing, then accept or reject'),
    ('0001652044-26-000077', 'pending', 'filing', 'Alphabet', 'GOOGL', null, null, null, '0001652044-26-000077', '10-Q',
     '2026-07-24', null, 'EDGAR lists no XBRL for it yet', null, null, null, 'aigap fetch asks again'),
    ('0001045810-26-000081/data_center_revenue', 'accepted', 'value', 'NVIDIA', 'NVDA', 'data_center_revenue', '2026Q2',
     '2026-07-26', '0001045810-26-000081', '10-Q', '2026-08-26', '89023000000', 'six times the year before',
     'Jane Doe', '2026-08-27', 'the press release says the same', 'nothing'),
    ('0001045810-26-000052/data_center_revenue/2026-04-26', 'rejected', 'value', 'NVIDIA', 'NVDA',
     'data_center_revenue', '2026Q2', '2026-04-26', '0001045810-26-000052', '10-Q', '2026-05-20', '75246000000', null,
     'Jane Doe', '2026-08-28', 'filed in thousands', 'withdraw once the 10-Q/A is there');
"""

#: What only has a concept, or only an address: listed, and nothing to decide on.
ODD = """
insert into marts.review values
    ('0001045810-26-000081', 'set_aside', 'fact', 'NVIDIA', 'NVDA', 'us-gaap:Revenues', null, '2026-07-26',
     '0001045810-26-000081', null, null, '1e19', 'more than any amount', null, null, null, 'an amended filing'),
    ('https://data.sec.gov/submissions/CIK0001045810.json', 'set_aside', 'payload', null, null, null, null, null, null,
     null, null, 'https://data.sec.gov/submissions/CIK0001045810.json', 'a page of HTML', null, null, null,
     'aigap fetch gets it again');
"""
