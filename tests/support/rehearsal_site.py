"""The world of a rehearsal: EDGAR's pages as filings are listed, the press of the time, and one unattended pass.

Belongs here: what is served and written for a day, and the steps of a run. Does not belong here: what is filed, when,
and whether the outcome is right.
"""

from __future__ import annotations

import csv
import os
import random
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import date
from functools import partial
from pathlib import Path
from unittest.mock import patch

import dagster as dg
import orjson
import pyarrow as pa

from ingest.companies import Company
from ingest.edgar.client import Client
from ingest.records import FACTS
from orchestration import fetching, run, sensors
from support import render
from support.fake_edgar import FakeEdgar, filing_index
from support.rebuild import Check
from support.rehearsal_faults import Played
from support.rehearsal_filings import Arrival, Press
from support.rehearsal_history import MILLION, History, Row
from support.replay import ASKED_BY, CURATED, World
from support.tiny import facts_path, folder, list_path

#: What a press row may be, once the quarter's own is known.
PRESS = ("present", "present", "absent", "rounded", "wrong")


class Site:
    """The pages of EDGAR, rewritten as filings are listed."""

    def __init__(self, server: FakeEdgar, history: History, start: date) -> None:
        self._server = server
        self._listed: dict[str, list[Row]] = defaultdict(list)
        self._facts: dict[str, list[Row]] = defaultdict(list)
        for accession, rows in history.until(start):
            if accession in history.own:
                self._listed[rows[0]["cik"]].append(history.filing(accession))
            else:
                self._facts[rows[0]["cik"]] += rows
        for company in history.companies:
            self._write_list(company)
            self._write_facts(company, self._facts[company.cik])

    def add(self, arrival: Arrival, played: Played, *, lags: bool) -> None:
        """A filing is listed, as `played` has it; company facts carry it now, or with the next one."""
        self._forget(arrival)
        cik, accession, here = arrival.company.cik, arrival.accession, folder(arrival.accession, arrival.company.cik)
        line = {"accession": accession, "form": arrival.form, "filed_on": arrival.filed_on, "line": played.line or {}}
        line |= {"report_date": arrival.report_end, "accepted_at_received": arrival.accepted}
        line |= {"primary_document": f"{arrival.stem}.htm"}
        results: Row = {"accession": _of_8k(accession), "form": "8-K", "line": {}, "accepted_at_received": None}
        self._listed[cik] += [line, line | results]  # the results come with an 8-K and its exhibit
        self._write_list(arrival.company)
        release = folder(results["accession"], cik)
        link = f'<a href="/{release.partition("/")[2]}/results.htm">results.htm</a>'
        cells = "".join(f"<td>{cell}</td>" for cell in ("1", "Results", link, "EX-99.1"))
        self._server.pages[f"{release}/{results['accession']}-index.html"] = (
            f"<html><p>{results['accession']}</p><table><tr>{cells}</tr></table></html>".encode()
        )
        self._server.pages[f"{release}/results.htm"] = b"<html><body><p>Results of the quarter.</p></body></html>"

        write = render.inline if arrival.is_inline else render.instance
        form = arrival.form.removesuffix("/A")
        body = played.document(write(arrival.table, cik=cik, form=form, report_date=arrival.report_end))
        names = {f"{arrival.stem}.htm": "9000", f"{accession}.txt": "", "R1.htm": "900"}
        if not played.bare_index:
            names |= {f"{arrival.stem}.xsd": "500", arrival.document: str(len(body))}
        self._server.pages[f"{here}/{arrival.document}"] = body
        self._server.pages[f"{here}/index.json"] = filing_index(cik, accession, names)
        if played.answer:
            self._server.fault(here, played.answer, times=50)

        before = list(self._facts[cik])
        if not arrival.touched:
            stated = [row for row in arrival.rows if not row["dimensions"]]
            self._facts[cik] += [row | {"source_kind": "companyfacts"} for row in stated]
        self._write_facts(arrival.company, before if lags else self._facts[cik])

    def remove(self, arrival: Arrival) -> None:
        """As if it had never been filed."""
        self._forget(arrival)
        self._write_list(arrival.company)
        self._write_facts(arrival.company, self._facts[arrival.company.cik])

    def heal(self) -> None:
        """EDGAR answers as it should again."""
        self._server._scripts.clear()

    def _forget(self, arrival: Arrival) -> None:
        cik, gone = arrival.company.cik, (arrival.accession, _of_8k(arrival.accession))
        self._listed[cik] = [line for line in self._listed[cik] if line["accession"] not in gone]
        self._facts[cik] = [row for row in self._facts[cik] if row["accession"] not in gone]

    def _write_list(self, company: Company) -> None:
        lines = sorted(self._listed[company.cik], key=lambda r: (r["filed_on"], r["accession"]), reverse=True)
        answer = orjson.loads(render.submissions(company.cik, lines))
        for number, line in enumerate(lines):
            for name, value in line.get("line", {}).items():
                answer["filings"]["recent"][name][number] = value
        self._server.pages[list_path(company.cik)] = orjson.dumps(answer)

    def _write_facts(self, company: Company, rows: list[Row]) -> None:
        body = orjson.dumps({"cik": int(company.cik), "entityName": company.name, "facts": {}})
        if rows:
            table = pa.Table.from_pylist([{name: row.get(name) for name in FACTS.names} for row in rows], FACTS)
            body = render.company_facts(table)
        self._server.pages[facts_path(company.cik)] = body


def _of_8k(accession: str) -> str:
    return f"{accession[:-6]}7{accession[-5:]}"


# --- the press ------------------------------------------------------------------------------------


def write_press(path: Path, said: Iterable[Press], after: date, seed: int) -> None:
    """NVIDIA's figures of data-center revenue known after a day: present, absent, rounded or wrong, as drawn for each
    quarter; with them those of quarters to come."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names, kept = list(rows[0]), []
    for row in [*rows, *(dict.fromkeys(names, "") | one.row for one in said)]:
        how = random.Random(f"{seed} {row['period_end']}").choice(PRESS)
        if row["metric"] != "data_center_revenue" or row["known_on"] <= str(after):
            how = "present"
        if how == "rounded":
            row |= {"value": str(round(int(row["value"]) / 100 / MILLION) * 100 * MILLION), "qualifier": "rounded_100m"}
        elif how == "wrong":
            row |= {"value": str(int(row["value"]) * 27 // 25)}
        if how != "absent":
            kept.append(row)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept)


# --- a pass ---------------------------------------------------------------------------------------


class RehearsalWorld(World):
    """A world whose passes start with the sensor and end at the gate."""

    def evening_of(self, day: date, said: Iterable[Press], after: date, seed: int) -> None:
        """It is `day`, on EDGAR's clock and in the curated files."""
        self.becomes(day)
        shutil.copy(CURATED / "scenarios.csv", self.root / "curated")  # the method is ours, whatever the year
        write_press(self.root / "curated" / "nvidia_revenue.csv", said, after, seed)

    def tick(self) -> dg.RunRequest | dg.SkipReason:
        """What the sensor says this evening."""
        sensor = sensors.new_filing_sensor(self.home, self.edgar, self.inputs, self._clock)
        with (
            patch.object(sensors, "Client", partial(Client, sleep=self._clock.sleep)),
            patch.dict(os.environ, SEC_USER_AGENT=ASKED_BY),
            dg.build_sensor_context(self._instance, None) as context,
        ):
            return sensor(context)

    def whole_job(self) -> None:
        """The job itself, under Dagster and dbt.

        :raises WarehouseError: it failed; says at which check.
        """
        politely = partial(Client, clock=self._clock, sleep=self._clock.sleep)
        with patch.object(fetching, "Client", politely), patch.dict(os.environ, SEC_USER_AGENT=ASKED_BY):
            run.refresh(self.home, offline=False, edgar=self.edgar, inputs=self.inputs)

    def failed_checks(self, checks: Iterable[Check]) -> list[str]:
        """What a check says that fails: its name and a row."""
        with self.build_file() as connection:
            failed = [check for check in checks if not check.passes(connection)]
            return [f"{c.name} {connection.execute(c.sql).fetchone() if c.sql else ''}" for c in failed]

    def keep(self) -> Callable[[], None]:
        """How to undo what happens next to the archive and the build file."""
        home, kept = self.home, self.root / "kept"
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir()
        shutil.copy(home.build, kept)
        with suppress(FileNotFoundError):
            shutil.copytree(home.archive, kept / "archive")

        def undo() -> None:
            shutil.copy(kept / home.build.name, home.build)
            shutil.rmtree(home.archive, ignore_errors=True)
            with suppress(FileNotFoundError):
                shutil.copytree(kept / "archive", home.archive)

        return undo
