"""The future, played: filings arrive day by day from a starting day on, and after each day the published file is judged.

Belongs here: the EDGAR of a day, one unattended pass (sensor, fetch, load, models, checks, publish), what must hold
after it, and the figures. Does not belong here: what is filed (rehearsal_filings), what is wrong with it
(rehearsal_faults), what follows from it by hand (rehearsal_oracle).

A pass runs the job's own steps with the SQL that dbt compiled, in a tenth of the time; every so many passes it is the
whole job under Dagster and dbt. A pass that is blocked is undone, and its filings are left out of what follows, so one
fault does not hide the next.
"""

from __future__ import annotations

import csv
import os
import random
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import dagster as dg
import duckdb
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from ingest.bundle import Bundle
from ingest.companies import Company
from ingest.edgar.client import Client
from ingest.edgar.fetch import DOCUMENT_KINDS
from ingest.records import FACTS
from orchestration import fetching, run, sensors
from orchestration.history import VERSIONED_MARTS
from support import render
from support.fake_edgar import FakeEdgar, filing_index
from support.rebuild import Check, blocking_checks
from support.rehearsal_faults import FAULTS, LATER, PUBLISHED, SET_ASIDE, Fault, Played
from support.rehearsal_filings import MILLION, Arrival, Future, History, Press, Row, quarter_at, quarter_end, quarter_start
from support.rehearsal_oracle import Pencil, Stated, by_metric
from support.replay import ASKED_BY, CURATED, World, bundle_before, curated_until, processed
from support.tiny import facts_path, folder, list_path
from warehouse.errors import WarehouseError

Key = tuple[str, str, date]  # ticker, metric, last day of the quarter
Numbers = dict[Key, tuple[int, str, date]]  # amount, source_kind, first day
#: What a press row may be, once the quarter's own is known.
PRESS = ("present", "present", "absent", "rounded", "wrong")


@dataclass
class Figures:
    """What came of one starting day; the columns of the table in docs/reliability.md."""

    start: date
    arrivals: int = 0
    published: int = 0
    set_aside: int = 0
    blocked: int = 0
    wrong: int = 0
    under_dagster: int = 0
    days: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Play:
    """What to play. `faults`: the share of filings with one. `whole_job_every`: passes from one Dagster run to the next."""

    start: date
    seed: int
    quarters: int = 8
    faults: float = 0.35
    whole_job_every: int = 40
    #: Filings of so many days come in one pass.
    days_per_pass: int = 1


# --- EDGAR on a day -------------------------------------------------------------------------------


class Site:
    """The pages of EDGAR, rewritten as filings are listed."""

    def __init__(self, server: FakeEdgar, history: History, start: date) -> None:
        self._server, self._history = server, history
        self._listed: dict[str, list[Row]] = defaultdict(list)
        self._facts: dict[str, list[Row]] = defaultdict(list)
        for accession, rows in history.own.items():
            if rows[0]["filed_on"] <= start:
                self._listed[rows[0]["cik"]].append(history.filing(accession))
        for rows in history.other.values():
            if rows[0]["filed_on"] <= start:
                self._facts[rows[0]["cik"]] += rows
        for company in history.companies:
            self._write_list(company)
            self._write_facts(company, [])

    def add(self, arrival: Arrival, played: Played, *, lags: bool) -> None:
        """A filing is listed, as `played` has it; company facts carry it now, or with the next one."""
        cik, accession = arrival.company.cik, arrival.accession
        line = {"accession": accession, "form": arrival.form, "filed_on": arrival.filed_on, "line": played.line or {}}
        line |= {"report_date": arrival.report_end, "accepted_at_received": arrival.accepted}
        line["primary_document"] = arrival.stem + ".htm"
        self._listed[cik] = [*(one for one in self._listed[cik] if one["accession"] != accession), line]
        # The results come with an 8-K, which is not read.
        noise = dict(line, accession=_of_8k(accession), form="8-K", line={}, accepted_at_received=None)
        if noise["accession"] not in {one["accession"] for one in self._listed[cik]}:
            self._listed[cik].append(noise)
        write = render.inline if arrival.is_inline else render.instance
        body = write(arrival.table, cik=cik, form=arrival.form.removesuffix("/A"), report_date=arrival.report_end)
        body = played.document(body)
        names = {f"{arrival.stem}.htm": "9000", f"{accession}.txt": "", "R1.htm": "900"}
        if not played.bare_index:
            names |= {f"{arrival.stem}.xsd": "500", arrival.document: str(len(body))}
        here = folder(accession, cik)
        self._server.pages[f"{here}/{arrival.document}"] = body
        self._server.pages[f"{here}/index.json"] = filing_index(cik, accession, names)
        if played.answer:
            self._server.fault(here, played.answer, times=50)
        self._write_list(arrival.company)
        stated = [dict(r, source_kind="companyfacts") for r in arrival.rows if not r["dimensions"] and not arrival.touched]
        if not lags:
            self._write_facts(arrival.company, stated)
        self._facts[cik] = [r for r in self._facts[cik] if r["accession"] != accession] + stated

    def remove(self, arrival: Arrival) -> None:
        cik, accession = arrival.company.cik, arrival.accession
        gone = (accession, _of_8k(accession))
        self._listed[cik] = [line for line in self._listed[cik] if line["accession"] not in gone]
        self._facts[cik] = [row for row in self._facts[cik] if row["accession"] != accession]
        self._write_list(arrival.company)
        self._write_facts(arrival.company, [])

    def _write_list(self, company: Company) -> None:
        lines = sorted(self._listed[company.cik], key=lambda r: (r["filed_on"], r["accession"]), reverse=True)
        answer = orjson.loads(render.submissions(company.cik, lines))
        for number, line in enumerate(lines):
            for name, value in line.get("line", {}).items():
                answer["filings"]["recent"][name][number] = value
        self._server.pages[list_path(company.cik)] = orjson.dumps(answer)

    def _write_facts(self, company: Company, more: list[Row]) -> None:
        rows = [{name: row.get(name) for name in FACTS.names} for row in (*self._facts[company.cik], *more)]
        empty = orjson.dumps({"cik": int(company.cik), "entityName": company.name, "facts": {}})
        body = render.company_facts(pa.Table.from_pylist(rows, FACTS)) if rows else empty
        self._server.pages[facts_path(company.cik)] = body


def _of_8k(accession: str) -> str:
    return f"{accession[:-6]}{int(accession[-6:]) % 800_000:06d}"


# --- the world ------------------------------------------------------------------------------------


class RehearsalWorld(World):
    """A world whose passes start with the sensor and end at the gate."""

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


# --- the rehearsal --------------------------------------------------------------------------------


class Rehearsal:
    """One starting day, played to its end."""

    def __init__(self, play: Play, history: History, bundle: Bundle, manifest: Path, dbt: Path, root: Path) -> None:
        self.play, self.history = play, history
        self.rng = random.Random(f"{play.seed} {play.start}")
        self.figures = Figures(play.start)
        self._root, self._manifest, self._dbt, self._bundle = root, manifest, dbt, bundle
        self._checks = list(blocking_checks(manifest))
        self._pencil, self._played = Pencil(), {}
        self._press: list[tuple[Press, str]] = []
        self._lost: set[str] = set()

    def run(self) -> Figures:
        """Everything that comes, judged."""
        with FakeEdgar(etags_on_data=True) as server:
            self._begin(server)
            for number, (day, batch) in enumerate(self._days()):
                self._pass(day, batch, whole=number % self.play.whole_job_every == 1)
        return self.figures

    # Before the first day ---------------------------------------------------------------------

    def _begin(self, server: FakeEdgar) -> None:
        start = self.play.start
        thin = pc.or_(
            pc.is_in(self._bundle.facts["source_kind"], pa.array(DOCUMENT_KINDS)),
            pc.is_in(self._bundle.facts["concept"], pa.array(sorted({r["concept"] for r in self.history.all_rows()}))),
        )
        bundle = replace(self._bundle, facts=self._bundle.facts.filter(thin))
        folder_ = bundle_before(bundle, start + timedelta(1), self._root / "bundle")
        self.world = RehearsalWorld(self._root, server, folder_, self._manifest)
        shutil.copytree(self._dbt, self.world.home.root / "dbt", ignore=shutil.ignore_patterns("build.json"))
        self._site = Site(server, self.history, start)
        for rows in (*self.history.own.values(), *self.history.other.values()):
            if rows[0]["filed_on"] <= start:
                company = self.history.company(rows[0]["cik"])
                self._pencil.note(company, by_metric(company, rows), rows[0]["filed_on"])
        self.future = Future(self.history, start, self.rng)
        self._becomes(start)
        self.world.load()
        self.world.run_models()
        failed = self.world.failed_checks(self._checks)
        assert not failed, f"the state of {start} does not pass: {failed}"
        self.world.publish()
        self._numbers, self._versions = self._read()
        self._day = start

    def _becomes(self, day: date) -> None:
        self.world.becomes(day)
        folder_ = self.world.root / "curated"
        shutil.copy(CURATED / "scenarios.csv", folder_)  # the method is ours, whatever the year
        self._write_press(folder_ / "nvidia_revenue.csv", day)

    def _write_press(self, path: Path, day: date) -> None:
        """NVIDIA's rows of quarters after the start as drawn for each: present, absent, rounded or wrong."""
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        names = list(rows[0])
        kept = []
        made = [
            dict.fromkeys(names, "")
            | {"company": "NVIDIA", "ticker": "NVDA", "metric": said.metric, "value": str(said.usd), "unit": "USD"}
            | {"qualifier": "exact", "period_type": "quarter", "period_start": str(said.start)}
            | {"period_end": str(said.end), "known_on": str(said.day), "known_on_basis": "published"}
            | {"source_kind": "press_release", "source_title": "Results", "confidence": "high"}
            | {"source_url": f"https://nvidianews.nvidia.com/news/{said.end}"}
            for said in self._press
            if said.day <= day
        ]
        for row in [*rows, *made]:
            how = random.Random(f"{self.play.seed} {row['period_end']}").choice(PRESS)
            if row["metric"] == "data_center_revenue" and row["known_on"] > str(self.play.start):
                if how == "absent":
                    continue
                if how == "rounded":
                    row |= {"value": str(round(int(row["value"]) / 100 / MILLION) * 100 * MILLION)}
                    row |= {"qualifier": "rounded_100m"}
                elif how == "wrong":
                    row |= {"value": str(int(row["value"]) * 27 // 25)}
            kept.append(row)
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, names, lineterminator="\n")
            writer.writeheader()
            writer.writerows(kept)

    # What comes on which day ------------------------------------------------------------------

    def _days(self) -> Iterator[tuple[date, list[Arrival]]]:
        """The filings by the day of their pass, faults drawn; what an earlier day brought about comes among them."""
        waiting = self.future.arrivals(self.play.quarters)
        first = [a for a in waiting if a.day <= self.play.start]
        if first:  # what EDGAR had before the start and nobody fetched
            yield self.play.start + timedelta(1), first
        waiting = [a for a in waiting if a.day > self.play.start]
        self._press = [said for a in waiting for said in self.future.press(a)]
        while waiting:
            waiting.sort(key=lambda a: (a.day, a.accession))
            until = waiting[0].day + timedelta(self.play.days_per_pass - 1)
            batch = [a for a in waiting if a.day <= until]
            waiting = [a for a in waiting if a.day > until]
            for arrival in list(batch):
                follow_ups = self._draw(arrival)
                batch += [a for a in follow_ups if a.day <= until]
                waiting += [a for a in follow_ups if a.day > until]
            late = [a for a in batch if a.day > until]
            waiting += late
            yield until, [a for a in batch if a not in late]

    def _draw(self, arrival: Arrival) -> list[Arrival]:
        """Perhaps a fault; returns the amendments that it calls for."""
        if arrival.fault or not arrival.company.metrics or self.rng.random() >= self.play.faults:
            return []
        sound = replace(arrival, rows=[dict(row) for row in arrival.rows])
        for fault in self.rng.sample(FAULTS, len(FAULTS)):
            if (played := fault.play(arrival, self.rng)) is not None:
                arrival.fault = fault.name
                self._played[arrival.accession] = (fault, played)
                return [*self._amendments(arrival, sound, fault)]
        return []

    def _amendments(self, arrival: Arrival, sound: Arrival, fault: Fault) -> Iterator[Arrival]:
        same_day = fault.play.__name__ == "_twice" if hasattr(fault.play, "__name__") else False
        if not same_day and fault.outcome != SET_ASIDE:
            return
        filed_on = arrival.filed_on if same_day else arrival.filed_on + timedelta(self.rng.choice((7, 14, 20)))
        accession = self.future.new_accession(arrival.company, filed_on)
        about = {"accession": accession, "form": arrival.form + "/A", "filed_on": filed_on}
        later = sound.accepted.replace("16:31", "16:58").replace("20:31", "20:58").replace(str(arrival.filed_on), str(filed_on))
        rows = [row | about for row in sound.rows]
        yield replace(sound, **about, rows=rows, accepted=later, is_real=False, fault="amendment")

    # One pass ---------------------------------------------------------------------------------

    def _pass(self, day: date, batch: list[Arrival], *, whole: bool) -> None:
        """Listed on `day`, published in one run; what hides on the first day comes with the next."""
        batch.sort(key=lambda a: (a.filed_on, a.form, a.accession))
        self.figures.arrivals += len(batch)
        hidden = [a for a in batch if self._outcome(a) == LATER]
        for arrival in batch:
            self._site.add(arrival, self._fault_of(arrival)[1], lags=self.rng.random() < 0.3)
        if self._one_run(day, batch, [a for a in batch if a not in hidden], whole):
            self.world.server._scripts.clear()
            for arrival in hidden:
                self._site.add(arrival, Played(), lags=False)
            if hidden:
                self._one_run(day + timedelta(1), hidden, hidden, False)

    def _fault_of(self, arrival: Arrival) -> tuple[Fault | None, Played]:
        return self._played.get(arrival.accession, (None, Played()))

    def _outcome(self, arrival: Arrival) -> str:
        fault, _ = self._fault_of(arrival)
        return fault.outcome if fault else PUBLISHED

    def _one_run(self, day: date, listed: list[Arrival], due: list[Arrival], whole: bool) -> bool:
        """One run on `day`; of what is listed, `due` must come in. False where it was blocked, and undone."""
        self.figures.days += 1
        self._becomes(day)
        undo = self._keep()
        problem = self._blocked(due, whole)
        if problem:
            undo()
            self.figures.blocked += len(due)
            self._lost |= {a.accession for a in listed}
            for arrival in listed:
                self._site.remove(arrival)
            self._say(day, listed, f"blocked by {problem}")
            return False
        self._judge(day, due)
        return True

    def _blocked(self, due: list[Arrival], whole: bool) -> str:
        """Why the run did not end in a published file; empty if it did."""
        try:
            said = self.world.tick()
            if due and not isinstance(said, dg.RunRequest):
                return f"the sensor, which says: {said.skip_message}"
            if whole:
                self.figures.under_dagster += 1
                self.world.whole_job()
                return ""
            self.world.fetch()
            self.world.load()
            self.world.run_models()
            if failed := self.world.failed_checks(self._checks):
                return ", ".join(failed)
            self.world.publish()
        except (WarehouseError, duckdb.Error) as error:
            return f"{type(error).__name__}: {str(error).splitlines()[0]}"
        except Exception as error:  # a traceback where a reason should stand is what this looks for
            return f"an error without a reason, {type(error).__name__}: {str(error)[:200]}"
        return ""

    def _keep(self) -> Callable[[], None]:
        """How to undo a run."""
        home, kept = self.world.home, self._root / "kept"
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir()
        shutil.copy(home.build, kept)
        with suppress(FileNotFoundError):
            shutil.copytree(home.archive, kept / "archive")

        def undo() -> None:
            shutil.copy(kept / home.build.name, home.build)
            shutil.rmtree(home.archive, ignore_errors=True)
            if (kept / "archive").exists():
                shutil.copytree(kept / "archive", home.archive)

        return undo

    # What must hold ---------------------------------------------------------------------------

    def _judge(self, day: date, due: list[Arrival]) -> None:
        before, versions = self._numbers, self._versions
        self._before = before
        self._numbers, self._versions = self._read()
        at_hand = processed(self.world.home)
        allowed: dict[Key, set[int | None]] = defaultdict(set)
        expected: dict[Key, set[int]] = {}
        bad: set[Key] = set()
        for arrival in due:
            if arrival.accession not in at_hand and not self._is_gone(arrival):
                self._wrong(day, [arrival], "its facts are not in the published file")
            self._expect(arrival, allowed, expected, bad)
        self._compare(day, due, before, allowed, expected, bad)
        self._history(day, due, versions, min([a.filed_on for a in due] + [self._day + timedelta(1)]))
        self._day = day
        for arrival in due:
            if self._outcome(arrival) == SET_ASIDE:
                self._is_named(day, arrival)
                self.figures.set_aside += 1
            else:
                self.figures.published += 1

    @staticmethod
    def _is_gone(arrival: Arrival) -> bool:
        """True where no fact of the filing is left that could be used."""
        return len(arrival.touched) == len(arrival.rows)

    def _expect(self, arrival: Arrival, allowed: dict, expected: dict, bad: set[Key]) -> None:
        """What the filing's own quarter must be, and which values its comparatives allow for others."""
        company, touched = arrival.company, [id(row) for row in arrival.touched]
        new = by_metric(company, [row for row in arrival.rows if id(row) not in touched])
        spoilt = by_metric(company, arrival.touched)
        number = quarter_at(company, arrival.report_end)
        metrics = {way.metric for way in company.metrics} | {
            "capex_cash_net_of_proceeds",
            "capex_including_finance_leases",
        }
        for n in range(number - 12, number + 1):
            period = (quarter_start(company, n), quarter_end(company, n))
            for metric in metrics:
                key = (company.ticker, metric, period[1])
                values = self._pencil.quarter(company, metric, period, new)
                parts = partial(self._sum, company, metric)
                allowed[key] |= values | self._pencil.in_doubt(company, metric, period, new, parts)
                if n == number and values:
                    expected[key] = values
                if metric in spoilt or (n == number and arrival.touched and not values):
                    bad.add(key)
                    allowed[key].add(None)
        self._pencil.note(company, new, arrival.filed_on)

    def _sum(self, company: Company, metric: str, since: date, until: date) -> int | None:
        """What the quarters that were published before this run add up to; None where one is missing."""
        last, total = quarter_at(company, until - timedelta(1)), 0
        while quarter_start(company, last) >= since:
            known = self._before.get((company.ticker, metric, quarter_end(company, last)))
            if known is None:
                return None
            total, last = total + known[0], last - 1
        return total

    def _compare(
        self, day: date, due: list[Arrival], before: Numbers, allowed: dict, expected: dict, bad: set[Key]
    ) -> None:
        for key in sorted(before.keys() | self._numbers.keys()):
            was, now = before.get(key), self._numbers.get(key)
            usd = now[0] if now else None
            if key in expected and key not in bad and usd not in expected[key]:
                self._wrong(day, due, f"{key} is {usd}; the filing gives {sorted(expected[key])}")
            elif (was and was[0]) != usd and usd not in allowed[key]:
                if now and now[1] == "press_release":
                    continue  # a press row of the day, or the one that stands in for what was set aside
                self._wrong(day, due, f"{key} was {was and was[0]} and is {usd}; allowed {sorted(map(str, allowed[key]))}")

    def _history(self, day: date, due: list[Arrival], before: dict[str, set[str]], since: date) -> None:
        """What was known before the day of the filings is as it was, but for the end of what they replace."""
        for mart, rows in before.items():
            old = {row for row in rows if row[0] < since}
            now = {row for row in self._versions[mart] if row[0] < since}
            if lost := old ^ now:
                self._wrong(day, due, f"{mart} of days before {since} changed: {min(lost)}")

    def _is_named(self, day: date, arrival: Arrival) -> None:
        with duckdb.connect(str(self.world.home.published), read_only=True) as con:
            try:
                rows = con.execute(
                    "select company, reason, what_to_do from marts.review where accession = ?", [arrival.accession]
                ).fetchall()
            except duckdb.Error:
                rows = []
        if not rows or any(None in row for row in rows):
            self._say(day, [arrival], f"set aside without a name: marts.review says {rows}")

    def _read(self) -> tuple[Numbers, dict[str, set]]:
        numbers: Numbers = {}
        nvidia = ("data_center", "compute", "networking", "hyperscale", "ai_clouds_industrial_enterprise")
        columns = [(f"{name}_usd", f"{name}_revenue") for name in nvidia] + [("total_revenue_usd", "total_revenue")]
        with duckdb.connect(str(self.world.home.published), read_only=True) as con:
            for column, metric in columns:
                query = f"select 'NVDA', '{metric}', period_end, {column}, source_kind, period_start "
                query += f"from marts.nvidia_data_center_revenue where {column} is not null"
                numbers |= {row[:3]: row[3:] for row in con.execute(query).fetchall()}
            query = (
                "select ticker, 'capex_' || capex_basis, period_end, capex_usd, source_kind, period_start "
                "from marts.hyperscaler_capex"
            )
            numbers |= {row[:3]: row[3:] for row in con.execute(query).fetchall()}
            versions = {
                mart: set(
                    con.execute(
                        f"select known_from, v::varchar from (select * exclude (known_to) from marts.{mart}_versions) as v"
                    ).fetchall()
                )
                for mart in VERSIONED_MARTS
            }
        return numbers, versions

    # Words ------------------------------------------------------------------------------------

    def _wrong(self, day: date, arrivals: Iterable[Arrival], what: str) -> None:
        self.figures.wrong += 1
        self._say(day, arrivals, what)

    def _say(self, day: date, arrivals: Iterable[Arrival], what: str) -> None:
        several = [str(arrival) for arrival in arrivals]
        names = "; ".join(several[:4]) + f" and {len(several) - 4} more" * (len(several) > 4)
        self.figures.problems.append(f"seed {self.play.seed}, start {self.play.start}, {day}: {what}; of {names}")
