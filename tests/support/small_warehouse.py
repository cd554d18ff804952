"""A build file with hand-made marts: the published tables' names and columns, a few rows whose sums are known.

2026Q2, measured: required 1,424,368 M - AI revenue 100,000 M = gap 1,324,368 M (USD).
"""

from __future__ import annotations

import atexit
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from functools import cache
from pathlib import Path

from warehouse.readers.read import open_published, query
from warehouse.store import macros
from warehouse.store.home import Home
from warehouse.store.load import open_build
from warehouse.store.publish import BuildInfo, Published, publish

#: Adds one to every gap and parameter: a reader tells generations apart by it, and a torn one from a whole one.
STEP = "update marts.ai_revenue_gap set gap_usd = gap_usd + 1; update marts.scenarios set value = value + 1"
READ = "select max(gap_usd) - 1354368000000, (select max(value) - 0.5 from marts.scenarios) from marts.ai_revenue_gap"

INFO = BuildInfo(bundle_hash="b" * 64, curated_hash="c" * 64, checks_passed=3)

#: The one rule by which a quarter is read, as the real file has it.
_QUARTERS = re.search(
    r"create or replace macro marts.calendar_quarter_of\(.*?\n\);\n",
    Path(macros.__file__).with_name("reader_macros.sql").read_text("utf-8"),
    re.DOTALL,
)[0]
MACROS = f"""
{_QUARTERS}
create or replace macro marts.explain_gap(quarter) as table
    select component.component, component.signed_usd, citation.accession, citation.source_url
    from (select *, unnest(fact_ids) as fact_id from marts.ai_revenue_gap_components where calendar_quarter = quarter)
        as component
    left join marts.citations as citation on component.fact_id = citation.fact_id
    order by component.component_order, citation.fact_id;

create or replace macro marts.gap_with(gpu_share_of_tco, end_user_gross_margin) as table
    with input as (
        select calendar_quarter, run_rate_usd, cast(gpu_share_of_tco as decimal(9, 6)) as share
        from marts.ai_revenue_gap where scenario = 'measured'
    )
    select *, cast(run_rate_usd / share as bigint) as spend_usd from input order by calendar_quarter;

create or replace macro marts.ai_revenue_gap_as_of(as_of_date) as table
    select * exclude (known_to) from marts.ai_revenue_gap_versions
    where known_from <= as_of_date and (known_to is null or known_to > as_of_date);

create or replace macro marts.gap_as_of(as_of_date) as table
    from marts.ai_revenue_gap_as_of(as_of_date);

create or replace macro marts.ai_revenue_totals_as_of(as_of_date) as table
    select * from marts.ai_revenue_totals where known_from <= as_of_date;

create or replace macro marts.ai_revenue_bridge_as_of(as_of_date) as table
    select * from marts.ai_revenue_bridge where as_of_date >= date '2026-08-26';
"""

_MARTS = """
create schema marts;

create table marts.ai_revenue_gap (
    calendar_quarter varchar not null, scenario varchar not null, run_rate_basis varchar not null,
    ai_revenue_basis varchar not null, is_like_for_like boolean not null, run_rate_usd bigint not null,
    gpu_share_of_tco decimal(9, 6) not null, data_center_spend_usd bigint not null,
    end_user_gross_margin decimal(9, 6) not null, required_revenue_usd bigint not null, ai_revenue_usd bigint,
    gap_usd bigint, coverage_share decimal(18, 6), known_from date not null, fact_ids varchar[] not null,
    primary key (calendar_quarter, scenario)
);
insert into marts.ai_revenue_gap values
    ('2026Q1', 'measured', 'actual_run_rate', 'measured_run_rate', true, 300984000000, 0.5, 601968000000, 0.5,
     1203936000000, null, null, null, '2026-05-20', ['x1']),
    ('2026Q2', 'measured', 'actual_run_rate', 'measured_run_rate', true, 356092000000, 0.5, 712184000000, 0.5,
     1424368000000, 100000000000, 1324368000000, 0.070206, '2026-08-26', ['c1', 's1', 'x2']),
    ('2026Q2', 'cahn_method', 'actual_run_rate', 'assumed', false, 356092000000, 0.5, 712184000000, 0.5,
     1424368000000, 70000000000, 1354368000000, 0.049145, '2026-08-26', ['s1', 'x2']);
alter table marts.ai_revenue_gap add column ai_revenue_end varchar default 'central';
comment on table marts.ai_revenue_gap is 'The gap; it''s by calendar quarter and scenario.';
comment on column marts.ai_revenue_gap.gap_usd is 'required_revenue_usd - ai_revenue_usd, whole USD.';

create table marts.ai_revenue_gap_versions as
    select * exclude (fact_ids), null::date as known_to, fact_ids from marts.ai_revenue_gap;
insert into marts.ai_revenue_gap_versions
    select * replace (gap_usd - 5000000000 as gap_usd, date '2026-07-01' as known_from, known_from as known_to)
    from marts.ai_revenue_gap_versions where calendar_quarter = '2026Q2' and scenario = 'measured';

create table marts.ai_revenue_totals (
    calendar_quarter varchar, ai_revenue_basis varchar, low_usd bigint, central_usd bigint, high_usd bigint,
    companies_counted bigint, max_staleness_days bigint, stale_usd bigint, known_from date, fact_ids varchar[]
);
insert into marts.ai_revenue_totals values
    ('2026Q2', 'measured_run_rate', 90000000000, 100000000000, 120000000000, 3, 120, 7000000000, '2026-08-26', ['c1']);
create table marts.ai_revenue_bridge (
    calendar_quarter varchar, ai_revenue_basis varchar, company varchar, before_usd bigint, growth_usd bigint,
    catch_up_usd bigint, entrant_usd bigint, exit_usd bigint, netting_usd bigint, after_usd bigint, fact_ids varchar[]
);
insert into marts.ai_revenue_bridge values
    ('2026Q2', 'measured_run_rate', 'Example', 60000000000, 30000000000, 0, 0, 0, -40000000, 89960000000, ['c1']),
    ('2026Q2', 'measured_run_rate', 'Late', 1000000000, 0, 40000000, 0, 0, 0, 1040000000, ['c1']),
    ('2026Q2', 'measured_run_rate', 'New', 0, 0, 0, 9000000000, 0, 0, 9000000000, ['c1']);
create table marts.ai_revenue_benchmarks (
    calendar_quarter varchar, benchmark varchar, ai_revenue_basis varchar, benchmark_usd bigint, known_from date
);
insert into marts.ai_revenue_benchmarks values
    ('2026Q2', 'A', 'measured_run_rate', 63000000000, '2026-05-17'),
    ('2026Q2', 'B', 'measured_run_rate', 175000000000, '2026-06-25');

create table marts.forecast_errors (
    scenario varchar, calendar_quarter varchar, forecast_known_from date, forecast_run_rate_usd bigint,
    actual_known_from date, actual_run_rate_usd bigint, error_usd bigint, fact_ids varchar[]
);

create table marts.ai_revenue_gap_components (
    calendar_quarter varchar, scenario varchar, component_order integer, component varchar, signed_usd bigint,
    value_kind varchar, formula varchar, fact_ids varchar[]
);
insert into marts.ai_revenue_gap_components values
    ('2026Q2', 'measured', 1, 'nvidia_data_center_run_rate', 356092000000, 'derived', '4 x quarter', ['x2']),
    ('2026Q2', 'measured', 2, 'rest_of_data_center', 356092000000, 'assumed', 'run rate / share - run rate', ['s1']),
    ('2026Q2', 'measured', 3, 'end_user_margin', 712184000000, 'assumed', 'spend / (1 - margin) - spend', ['s1']),
    ('2026Q2', 'measured', 4, 'ai_revenue:Example', -100000000000, 'reported', 'stated run rate', ['c1']);

create table marts.citations (
    fact_id varchar primary key, company varchar, metric varchar, value decimal(38, 10), unit varchar,
    accession varchar, form varchar, concept varchar, dimensions varchar, period_start date, period_end date,
    filed_on date, source_kind varchar, source_title varchar, source_url varchar, sha256 varchar, confidence varchar
);
insert into marts.citations values
    ('c1', 'Example', 'annualized_run_rate', 100000000000, 'USD', null, null, null, '', null, '2026-06-30',
     '2026-07-15', 'company_statement', '=HYPERLINK("http://evil.example")' || chr(27) || '[31m',
     'https://example.org/a', null, 'high'),
    ('s1', 'scenario measured', 'gpu_share_of_tco', 0.5, null, null, null, null, '', null, null, '2023-09-20',
     'assumption', 'AI''s $200B Question', 'https://example.org/b', null, 'high'),
    ('x1', 'NVIDIA', 'data_center_revenue', 75246000000, 'USD', '0001045810-26-000052', '10-Q', 'us-gaap:Revenues',
     'srt:ProductOrServiceAxis=nvda:DataCenterMember', '2026-01-26', '2026-04-26', '2026-05-20', 'xbrl', '10-Q',
     'https://www.sec.gov/x1', repeat('1', 64), 'high'),
    ('x2', 'NVIDIA', 'data_center_revenue', 89023000000, 'USD', '0001045810-26-000081', '10-Q', 'us-gaap:Revenues',
     'srt:ProductOrServiceAxis=nvda:DataCenterMember', '2026-04-27', '2026-07-26', '2026-08-26', 'xbrl', '10-Q',
     'https://www.sec.gov/x2', repeat('2', 64), 'high');
alter table marts.citations add column known_from date;
update marts.citations set known_from = filed_on;
create table marts.ai_revenue_series_versions (
    company varchar, calendar_quarter varchar, ai_revenue_basis varchar, low_usd bigint, central_usd bigint,
    high_usd bigint, known_from date, known_to date
);

create table marts.nvidia_data_center_revenue (
    calendar_quarter varchar primary key, fiscal_quarter varchar, period_start date, period_end date,
    data_center_usd bigint, compute_usd bigint, networking_usd bigint, hyperscale_usd bigint,
    ai_clouds_industrial_enterprise_usd bigint, total_revenue_usd bigint, value_kind varchar, source_kind varchar,
    known_from date, fact_ids varchar[]
);
insert into marts.nvidia_data_center_revenue (calendar_quarter, fiscal_quarter, data_center_usd) values
    ('2026Q1', 'FY27Q1', 75246000000), ('2026Q2', 'FY27Q2', 89023000000);

create table marts.customer_concentration (
    period_start date, period_end date, customer_label varchar, customer_kind varchar, basis varchar,
    share decimal(9, 6), accession varchar, known_from date
);
create table marts.microsoft_share_of_nvidia (
    calendar_quarter varchar, low_share decimal(9, 6), central_share decimal(9, 6), high_share decimal(9, 6),
    method varchar, value_kind varchar, known_from date, fact_ids varchar[]
);
create table marts.hyperscaler_capex (
    ticker varchar, calendar_quarter varchar, fiscal_quarter varchar, period_start date, period_end date,
    capex_basis varchar, capex_usd bigint, value_kind varchar, source_kind varchar, known_from date, fact_ids varchar[]
);
create table marts.ai_revenue (
    company varchar, calendar_quarter varchar, layer varchar, run_rate_usd bigint, trailing_12m_usd bigint,
    overlap_usd bigint, counted_usd bigint, staleness_days bigint, confidence varchar, known_from date,
    fact_ids varchar[]
);
create table marts.scenarios (
    scenario varchar, parameter varchar, value decimal(38, 10), known_from date, source_url varchar, note varchar
);
insert into marts.scenarios values
    ('measured', 'gpu_share_of_tco', 0.5, '2023-09-20', 'https://example.org/b', 'x'),
    ('measured', 'end_user_gross_margin', 0.5, '2023-09-20', 'https://example.org/b', 'y');
create table marts.coverage (
    company varchar, metric varchar, calendar_quarter varchar, is_present boolean, reason_missing varchar
);
"""

_RAW = """
insert into raw.payloads values
    (repeat('2', 64), 'https://www.sec.gov/x2', '0001045810-26-000081', 'inline_xbrl', 10, null, 'parsed', null),
    (repeat('3', 64), 'https://www.sec.gov/x3', '0001045810-26-000082', 'inline_xbrl', 10, null, 'quarantined', 'html'),
    (repeat('4', 64), 'https://www.sec.gov/x4', null, 'submissions', 10, null, 'parsed', null);
"""


@cache
def _build_file() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        with open_build(home) as connection:
            connection.execute(_MARTS)
            connection.execute(_RAW)
        return home.build.read_bytes()


def small_home(root: Path) -> Home:
    """A home whose build file is as a refresh leaves it: closed, checks passed. Its path has a space in it."""
    home = Home(root / "a home")
    home.root.mkdir(parents=True)
    home.build.write_bytes(_build_file())
    return home


def change_build(home: Home, sql: str) -> None:
    """Change the build file, as a refresh with other inputs would."""
    with open_build(home) as connection:
        connection.execute(sql)


def publish_small(home: Home, *, force: bool = False) -> Published:
    """Publish it with macros that the small marts support."""
    return publish(home, INFO, force=force, macros=MACROS)


@cache
def _published() -> Home:
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    home = small_home(Path(folder.name))
    publish_small(home)
    return home


def published_home(root: Path) -> Home:
    """A small home that is published: made once a process, and copied."""
    home = Home(root / "a home")
    shutil.copytree(_published().root, home.root, symlinks=True)
    return home


def steps_read(home: Home) -> list[int]:
    """How many STEPs the published file has taken, as two of its tables say: the same number twice if it is whole."""
    with open_published(home) as connection:
        (row,) = query(connection, READ).rows
        return [int(value) for value in row]


def publish_elsewhere(
    home: Home, *, force: bool = True, env: dict[str, str] | None = None, waits: bool = False
) -> subprocess.Popen[str]:
    """The same in a process of its own, which may be killed.

    :param waits: it says "ready" once it has nothing left to import, and publishes when told by a line.
    """
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from support.small_warehouse import publish_small\n"
        "from warehouse.errors import WarehouseError\n"
        "from warehouse.store.home import Home\n"
        "if sys.argv[4] == 'waits': print('ready', flush=True); sys.stdin.readline()\n"
        "try: print(publish_small(Home(Path(sys.argv[2])), force=sys.argv[3] == 'force').generation)\n"
        "except WarehouseError as error: print(error, file=sys.stderr); sys.exit(error.exit_code)\n"
    )
    how = ["force" if force else "plain", "waits" if waits else "at once"]
    return subprocess.Popen(
        [sys.executable, "-c", code, str(Path(__file__).parents[1]), str(home.root), *how],
        stdin=subprocess.PIPE if waits else None,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=env,
    )


_READER = (
    "import sys; from pathlib import Path; from warehouse.store.home import Home\n"
    "from warehouse.readers.read import open_published, query\n"
    "home, sql = Home(Path(sys.argv[1])), sys.argv[2]\n"
    "for _ in sys.stdin:\n"
    "    with open_published(home) as c: a, b = query(c, sql).rows[0]\n"
    "    print(int(a), int(b), flush=True)\n"
)


class Readers:
    """Two processes that open the published file, read it and close it, over and over, for as long as the block lasts.

    :ivar counts: reads by process.
    :ivar errors: what a read that failed said; its process ends with it.
    :ivar torn: reads of which two tables say different steps.
    :ivar backwards: reads of an older step than the one before.
    """

    def __init__(self, home: Home, pause: float = 0.2) -> None:
        # Without a pause the two would leave a publisher no core of two.
        self._home, self._pause, self._stop = home, pause, threading.Event()
        self._threads = [threading.Thread(target=self._read, args=(number,)) for number in range(2)]
        self.counts = [0, 0]
        self.errors: list[str] = []
        self.torn: list[str] = []
        self.backwards: list[str] = []

    @property
    def problems(self) -> list[str]:
        return self.errors + self.torn + self.backwards

    def __enter__(self) -> Readers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def _read(self, number: int) -> None:
        process = subprocess.Popen(
            [sys.executable, "-c", _READER, str(self._home.root), READ],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        last = 0
        while not self._stop.is_set():
            process.stdin.write("\n")
            process.stdin.flush()
            line = process.stdout.readline().split()
            if len(line) != 2:
                self.errors.append(process.communicate()[1])
                return
            one, other = map(int, line)
            if one != other:
                self.torn.append(f"{one} and {other}")
            if one < last:
                self.backwards.append(f"{one} after {last}")
            last = one
            self.counts[number] += 1
            time.sleep(self._pause)
        process.communicate()
