"""The future, played: filings arrive day by day from a starting day on, and each day's published file is judged.

Belongs here: what comes on which day, with which faults, one run after another, and the figures. Does not belong here:
what is filed (rehearsal_filings), what may be wrong with it (rehearsal_faults), the world it comes to (rehearsal_site),
what is right (rehearsal_judge).

A run is the job's own steps with the SQL that dbt compiled, in a tenth of the time; every so many it is the whole job
under Dagster and dbt. A run that is blocked is undone, and its filings are left out of what follows, so one fault does
not hide the next. Everything is drawn from the seed and the starting day.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from ingest.edgar.fetch import DOCUMENT_KINDS
from ingest.shipping import Bundle
from support.fake_edgar import FakeEdgar
from support.rebuild import blocking_checks
from support.rehearsal_faults import FAULTS, LATER, PUBLISHED, SAME_DAY, SET_ASIDE, Fault, Played
from support.rehearsal_filings import Arrival, Future, Press
from support.rehearsal_history import History
from support.rehearsal_judge import Judge
from support.rehearsal_site import RehearsalWorld, Site
from support.replay import bundle_before
from warehouse.errors import WarehouseError


@dataclass
class Figures:
    """What came of one starting day; the columns of docs/rehearsal.md.

    `set_aside`: a value of it was, by name, and an amendment came for it. `blocked`: its run published nothing.
    `wrong`: numbers that do not follow from the filings, history that changed, filings whose facts are not there.
    """

    start: date
    arrivals: int = 0
    published: int = 0
    set_aside: int = 0
    blocked: int = 0
    wrong: int = 0
    runs: int = 0
    under_dagster: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Play:
    """What to play."""

    start: date
    seed: int
    quarters: int = 8
    #: The share of filings with a fault.
    faults: float = 0.35
    #: Runs from one under Dagster to the next.
    whole_job_every: int = 40
    #: Filings of so many days come in one run.
    days_per_run: int = 1


class Rehearsal:
    """One starting day, played to its end."""

    def __init__(self, play: Play, history: History, bundle: Bundle, manifest: Path, dbt: Path, root: Path) -> None:
        self.play, self.history = play, history
        self.figures = Figures(play.start)
        self._rng = random.Random(f"{play.seed} {play.start}")
        self._future = Future(history, play.start, self._rng)
        self._bundle, self._manifest, self._dbt, self._root = bundle, manifest, dbt, root
        self._checks = list(blocking_checks(manifest))
        self._played: dict[str, tuple[Fault, Played]] = {}
        self._press: list[Press] = []

    def run(self) -> Figures:
        """Everything that comes, judged."""
        with FakeEdgar(etags_on_data=True) as server:
            self._begin(server)
            for number, (day, batch) in enumerate(self._days()):
                self._arrive(day, batch, whole=number % self.play.whole_job_every == 1)
        return self.figures

    def _begin(self, server: FakeEdgar) -> None:
        """The warehouse as it stood on the starting day."""
        start, facts = self.play.start, self._bundle.facts
        thin = pc.or_(
            pc.is_in(facts["source_kind"], pa.array(DOCUMENT_KINDS)),
            pc.is_in(facts["concept"], pa.array(sorted(self.history.concepts))),
        )
        inputs = bundle_before(
            replace(self._bundle, facts=facts.filter(thin)), start + timedelta(1), self._root / "bundle"
        )
        self._world = RehearsalWorld(self._root, server, inputs, self._manifest)
        shutil.copytree(self._dbt, self._world.home.root / "dbt", ignore=shutil.ignore_patterns("build.json"))
        self._site = Site(server, self.history, start)
        self._becomes(start)
        self._world.load()
        self._world.run_models()
        failed = self._world.failed_checks(self._checks)
        assert not failed, f"the state of {start} does not pass: {failed}"
        self._world.publish()
        self._judge = Judge(self._world.home, self.history, start)

    def _becomes(self, day: date) -> None:
        said = [one for one in self._press if one.day <= day]
        self._world.evening_of(day, said, self.play.start, self.play.seed)

    # What comes on which day ------------------------------------------------------------------

    def _days(self) -> Iterator[tuple[date, list[Arrival]]]:
        """The filings of each run; what EDGAR had before the start and nobody fetched comes first, in one."""
        waiting = self._future.arrivals(self.play.quarters)
        if before := [a for a in waiting if a.day <= self.play.start]:
            yield self.play.start + timedelta(1), before
        waiting = [a for a in waiting if a.day > self.play.start]
        self._press = [said for arrival in waiting for said in self._future.press(arrival)]
        for arrival in list(waiting):
            waiting += self._draw(arrival)
        waiting.sort(key=lambda a: (a.day, a.form, a.accession))
        while waiting:
            until = waiting[0].day + timedelta(self.play.days_per_run - 1)
            batch = [a for a in waiting if a.day <= until]
            waiting = waiting[len(batch) :]
            yield until, sorted(batch, key=lambda a: (a.filed_on, a.form, a.accession))

    def _draw(self, arrival: Arrival) -> list[Arrival]:
        """Perhaps a fault; returns the amendment that it calls for."""
        if not arrival.company.metrics or self._rng.random() >= self.play.faults:
            return []
        sound = replace(arrival, rows=[dict(row) for row in arrival.rows])
        for fault in self._rng.sample(FAULTS, len(FAULTS)):
            played = fault.play(arrival, self._rng)
            if played is not None:
                arrival.fault = fault.name
                self._played[arrival.accession] = (fault, played)
                days = 0 if fault is SAME_DAY else self._rng.choice((7, 14, 20))
                needs_one = fault is SAME_DAY or fault.outcome == SET_ASIDE
                return [self._future.amendment(sound, days)] if needs_one else []
        return []

    # One run ----------------------------------------------------------------------------------

    def _arrive(self, day: date, batch: list[Arrival], *, whole: bool) -> None:
        """Listed on `day`, published in one run; what hides on the first day comes with the next."""
        self.figures.arrivals += len(batch)
        for arrival in batch:
            _, played = self._fault_of(arrival)
            self._site.add(arrival, played, lags=self._rng.random() < 0.3)
        hidden = [a for a in batch if self._fault_of(a)[0] == LATER]
        if self._one_run(day, batch, hidden, whole):
            self._site.heal()
            if hidden := [a for a in hidden if not self._judge.at_hand(a)]:
                for arrival in hidden:
                    self._site.add(arrival, Played(), lags=False)
                self._one_run(day + timedelta(1), hidden, [], False)
        self._site.heal()

    def _fault_of(self, arrival: Arrival) -> tuple[str, Played]:
        """What must come of it, and how it looks on its first day."""
        fault, played = self._played.get(arrival.accession, (None, Played()))
        return (fault.outcome if fault else PUBLISHED), played

    def _one_run(self, day: date, listed: list[Arrival], hidden: list[Arrival], whole: bool) -> bool:
        """One run on `day`; of what is listed, `hidden` may wait. False where it was blocked, and undone."""
        self.figures.runs += 1
        self._becomes(day)
        undo = self._world.keep()
        if reason := self._blocked(len(listed) > len(hidden), whole):
            undo()
            for arrival in listed:
                self._site.remove(arrival)
            self.figures.blocked += len(listed)
            self._say(day, listed, f"blocked by {reason}")
            return False
        waiting = [a for a in hidden if not self._judge.at_hand(a)]
        due = [a for a in listed if a not in waiting]
        for problem in self._judge.after(day, due):
            self.figures.wrong += 1
            self._say(day, due, problem)
        for arrival in due:
            is_aside = self._fault_of(arrival)[0] == SET_ASIDE
            self.figures.set_aside += is_aside
            self.figures.published += not is_aside
        for arrival in [*waiting, *(a for a in due if self._fault_of(a)[0] == SET_ASIDE)]:
            if self._judge.unnamed(arrival):
                self._say(day, [arrival], "marts.review does not name what waits or is set aside, and what to do")
        return True

    def _blocked(self, must_start: bool, whole: bool) -> str:
        """Why the run did not end in a published file; empty if it did."""
        try:
            said = self._world.tick()
            if must_start and isinstance(said, dg.SkipReason):
                return f"the sensor, which says: {said.skip_message}"
            if whole:
                self.figures.under_dagster += 1
                self._world.whole_job()
                return ""
            self._world.fetch()
            self._world.load()
            self._world.run_models()
            if failed := self._world.failed_checks(self._checks):
                return ", ".join(failed)
            self._world.publish()
        except (WarehouseError, duckdb.Error) as error:
            return f"{type(error).__name__}: {str(error).splitlines()[0]}"
        except Exception as error:  # a traceback where a reason should stand is what this looks for
            return f"an error without a reason, {type(error).__name__}: {str(error)[:200]}"
        return ""

    def _say(self, day: date, arrivals: Iterable[Arrival], what: str) -> None:
        several = [str(arrival) for arrival in arrivals]
        names = "; ".join(several[:4]) + f" and {len(several) - 4} more" * (len(several) > 4)
        self.figures.problems.append(f"seed {self.play.seed}, start {self.play.start}, {day}: {what}; of {names}")
