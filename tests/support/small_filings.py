"""A few filings of one small company: rows of the raw tables, and what the models make of them.

Belongs here: the shape of such rows. Does not belong here: amounts that matter to a test.
"""

from __future__ import annotations

from support.chain import chain

CIK = "0000000001"
CAPEX, REVENUE = "us-gaap:PaymentsToAcquireProductiveAssets", "us-gaap:Revenues"
PART = "srt:ProductOrServiceAxis=t:PartMember"
COMPANY = dict(cik=CIK, ticker="TEST", company="Test", role="hyperscaler", fiscal_year_end_month=12)


def concept(metric, concept, dimensions="", part_of="", required=False, max_step=5):
    return dict(
        cik=CIK, metric=metric, concept=concept, dimensions=dimensions, priority=1, is_required=required,
        same_as=concept, part_of=part_of, max_step=max_step,
    )  # fmt: skip


CONCEPTS = [
    concept("capex_cash_gross", CAPEX),
    concept("total_revenue", REVENUE),
    concept("data_center_revenue", REVENUE, PART, part_of="total_revenue"),
]


def fact(accession, filed_on, start, end, value, concept=CAPEX, dimensions="", form="10-Q", **more):
    return dict(
        fact_id=f"x-{accession}-{concept}-{dimensions}-{start}-{end}", cik=CIK, accession=accession, form=form,
        filed_on=filed_on, concept=concept, dimensions=dimensions, unit="USD", period_start=start, period_end=end,
        value=value, source_kind="xbrl_instance", source_url="https://example.org", sha256="0" * 64, **more,
    )  # fmt: skip


def filing(accession, filed_on, report_date, known_at=None):
    return dict(cik=CIK, accession=accession, filed_on=filed_on, report_date=report_date, known_from=filed_on,
                known_at=known_at)  # fmt: skip


def decision(number, target, verdict, day):
    return dict(number=number, target=target, verdict=verdict, why="because", decided_by="somebody",
                decided_at=f"{day} 12:00:00+00", decided_on=day)  # fmt: skip


def runner(models, shapes):
    """run(query, facts, table=rows, ...): the answer to a query once the models are made of these rows."""

    def run(query, facts, **raw):
        given = {"companies": [COMPANY], "metric_concepts": CONCEPTS, "xbrl_facts": facts, **raw}
        with chain(models, shapes, given) as con:
            return con.execute(query).fetchall()

    return run


SHARE, PURE = "us-gaap:ConcentrationRiskPercentage1", "pure"
NVIDIA = "0001045810"
OF_CUSTOMER_A = (
    "srt:MajorCustomersAxis=nvda:CustomerAMember;"
    "us-gaap:ConcentrationRiskByBenchmarkAxis=us-gaap:SalesRevenueNetMember;"
    "us-gaap:ConcentrationRiskByTypeAxis=us-gaap:CustomerConcentrationRiskMember"
)


def customer_share(accession, share):
    """What a filing of NVIDIA says of Customer A's part of a quarter's revenue."""
    return fact(accession, "2025-07-30", "2025-04-01", "2025-06-30", share, SHARE, OF_CUSTOMER_A) | dict(
        cik=NVIDIA, unit=PURE
    )
