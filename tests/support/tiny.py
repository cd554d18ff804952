"""Payloads of one small invented company, as EDGAR would serve them, for tests without real ones.

Belongs here: the smallest documents that the parsers accept. Does not belong here: assertions.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

import orjson

from ingest.companies import Company
from support.fake_edgar import filing_index, submissions

CIK = "0000000042"
COMPANY = Company("TINY", CIK, "Tiny Inc", "reference", 12, ())
OTHER = Company("OTHR", "0000000077", "Other Inc", "reference", 12, ())


class Report(NamedTuple):
    """One filing: its revenue (whole USD) is that of the 91 days to 30 days before it was filed."""

    accession: str
    form: str = "10-Q"
    filed: str = "2026-08-27"
    revenue: int = 100
    inline: bool = False

    @property
    def end(self) -> date:
        return date.fromisoformat(self.filed) - timedelta(days=30)

    @property
    def start(self) -> date:
        return self.end - timedelta(days=90)

    @property
    def stem(self) -> str:
        return f"tiny-{self.end:%Y%m%d}"

    @property
    def document(self) -> str:
        return self.stem + (".htm" if self.inline else "_htm.xml")


_CONTEXT = """<xbrli:context id="c"><xbrli:entity><xbrli:identifier scheme="http://www.sec.gov/CIK">{cik}\
</xbrli:identifier></xbrli:entity><xbrli:period><xbrli:startDate>{start}</xbrli:startDate>\
<xbrli:endDate>{end}</xbrli:endDate></xbrli:period></xbrli:context>
<xbrli:unit id="u"><xbrli:measure>iso4217:USD</xbrli:measure></xbrli:unit>"""
_NAMES = """xmlns:xbrli="http://www.xbrl.org/2003/instance" xmlns:iso4217="http://www.xbrl.org/2003/iso4217" \
xmlns:dei="http://xbrl.sec.gov/dei/2024" xmlns:us-gaap="http://fasb.org/us-gaap/2024\""""


def instance(report: Report, cik: str = CIK) -> bytes:
    """The extracted instance: one cover fact, one revenue."""
    context = _CONTEXT.format(cik=cik, start=report.start, end=report.end)
    return f"""<?xml version="1.0" encoding="utf-8"?>
<xbrli:xbrl {_NAMES}>
{context}
<dei:DocumentType contextRef="c">{report.form}</dei:DocumentType>
<us-gaap:Revenues contextRef="c" unitRef="u" decimals="0">{report.revenue}</us-gaap:Revenues>
</xbrli:xbrl>
""".encode()


def inline(report: Report, cik: str = CIK) -> bytes:
    """The same facts as an inline document."""
    context = _CONTEXT.format(cik=cik, start=report.start, end=report.end)
    return f"""<?xml version="1.0" encoding="utf-8"?>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:ix="http://www.xbrl.org/2013/inlineXBRL" {_NAMES}>
<body><div style="display:none"><ix:header><ix:resources>
{context}
</ix:resources></ix:header></div>
<p><ix:nonNumeric name="dei:DocumentType" contextRef="c">{report.form}</ix:nonNumeric>
<ix:nonFraction name="us-gaap:Revenues" contextRef="c" unitRef="u" decimals="0" scale="0">{report.revenue}\
</ix:nonFraction></p></body></html>
""".encode()


def company_facts(reports: Sequence[Report], cik: str = CIK) -> bytes:
    """Company facts of these filings."""
    facts = [
        dict(start=str(r.start), end=str(r.end), val=r.revenue, accn=r.accession, form=r.form, filed=r.filed)
        for r in reports
    ]
    units = {"Revenues": {"label": "Revenues", "description": None, "units": {"USD": facts}}}
    return orjson.dumps({"cik": int(cik), "entityName": "Tiny Inc", "facts": {"us-gaap": units}})


def folder(accession: str, cik: str = CIK) -> str:
    """The path of a filing's folder."""
    return f"www.sec.gov/Archives/edgar/data/{int(cik)}/{accession.replace('-', '')}"


def facts_path(cik: str = CIK) -> str:
    """The path of a company's facts."""
    return f"data.sec.gov/api/xbrl/companyfacts/CIK{cik}.json"


def list_path(cik: str = CIK) -> str:
    """The path of a company's list of filings."""
    return f"data.sec.gov/submissions/CIK{cik}.json"


def site(reports: Sequence[Report], cik: str = CIK) -> dict[str, bytes]:
    """Every page EDGAR has of a company with these filings (oldest first): path -> body."""
    listed = [(r.accession, r.form, r.filed, f"{r.stem}.htm") for r in reversed(reports)]
    pages = {list_path(cik): submissions(cik, listed), facts_path(cik): company_facts(reports, cik)}
    for report in reports:
        names = {
            f"{report.stem}.htm": "2000",
            f"{report.stem}.xsd": "500",
            f"{report.stem}_lab.xml": "900",
            "R1.htm": "",
        }
        body = (inline if report.inline else instance)(report, cik)
        pages[f"{folder(report.accession, cik)}/{report.document}"] = body
        names[report.document] = str(len(body))
        pages[f"{folder(report.accession, cik)}/index.json"] = filing_index(cik, report.accession, names)
    return pages


Q1 = Report("0000000042-26-000001", filed="2026-05-28", revenue=100)
Q2 = Report("0000000042-26-000002", filed="2026-08-27", revenue=120)
Q3 = Report("0000000042-26-000003", filed="2026-11-19", revenue=150)
