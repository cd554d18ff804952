"""How fast the parsers are, beside edgartools and beside lxml alone: `python benchmarks/bench_parsers.py`.

A script, not a test: times depend on the machine, ratios much less. Both sides of a comparison run
in turns in one process, so that both meet the same noise; the medians are compared. Memory is the
growth of the peak resident set over one call, each in a process of its own.

What each side does:

- instance to table: ours is bytes to a pyarrow table of the numeric facts, every duplicate resolved;
  edgartools' is its instance parser and then `facts.to_dataframe()`, which has the text facts too.
- company facts to rows: ours is bytes to a pyarrow table with exact decimals; edgartools' is its own
  loading (orjson), `EntityFactsParser.parse_company_facts` and `to_dataframe()`.
- inline document: ours alone, as MB of HTML a second; edgartools reads inline documents unscaled.

Needs the real payloads (see --from) and the development dependencies.
"""

from __future__ import annotations

import argparse
import gzip
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from lxml import etree

from ingest.parsers.companyfacts import parse_companyfacts
from ingest.parsers.xbrl import facts_table, parse_inline, parse_instance

FILINGS = "www.sec.gov/Archives/edgar/data"
INSTANCES = (
    f"{FILINGS}/1045810/000104581024000029/nvda-20240128_htm.xml.gz",
    f"{FILINGS}/320193/000032019323000106/aapl-20230930_htm.xml.gz",
    f"{FILINGS}/1018724/000101872423000004/amzn-20221231_htm.xml.gz",
)
INLINES = (
    f"{FILINGS}/1045810/000104581025000209/nvda-20250727.htm.gz",
    f"{FILINGS}/1652044/000165204425000062/goog-20250630.htm.gz",
    f"{FILINGS}/320193/000032019325000073/aapl-20250628.htm.gz",
    f"{FILINGS}/1318605/000162828025035806/tsla-20250630.htm.gz",
)
COMPANYFACTS = (
    "data.sec.gov/api/xbrl/companyfacts/CIK0001045810.json.gz",
    "data.sec.gov/api/xbrl/companyfacts/CIK0000320193.json.gz",
)

Call = Callable[[bytes], Any]


def _table(document: Any) -> Any:
    return facts_table(
        document,
        cik=document.entity,
        accession="0000000000-00-000000",
        form="10-K",
        filed_on=date(2030, 1, 1),
        source_url="",
        sha256="",
    )


def our_instance(data: bytes) -> Any:
    """Instance to table."""
    return _table(parse_instance(data))


def our_inline(data: bytes) -> Any:
    """Inline document to table."""
    return _table(parse_inline(data))


def our_companyfacts(data: bytes) -> Any:
    """Company facts to table."""
    return parse_companyfacts(data, "", "")


def edgartools_instance(data: bytes) -> Any:
    """Instance to table, by edgartools."""
    from edgar.xbrl.xbrl import XBRL

    xbrl = XBRL()
    xbrl.parser.parse_instance_content(data.decode())
    return xbrl.facts.to_dataframe()


def edgartools_companyfacts(data: bytes) -> Any:
    """Company facts to table, by edgartools."""
    import orjson
    from edgar.entity.parser import EntityFactsParser

    facts = EntityFactsParser.parse_company_facts(orjson.loads(data))
    assert facts is not None
    return facts.to_dataframe()


def bare_lxml(data: bytes) -> Any:
    """What reading the bytes costs by itself."""
    return etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True, collect_ids=False))


CALLS: dict[str, Call] = {
    call.__name__: call
    for call in (
        our_instance,
        our_inline,
        our_companyfacts,
        edgartools_instance,
        edgartools_companyfacts,
        bare_lxml,
    )
}


def times_in_turns(data: bytes, names: tuple[str, ...], rounds: int) -> dict[str, list[float]]:
    """Seconds of each call in each round, all taking turns."""
    times: dict[str, list[float]] = {name: [] for name in names}
    for at in range(rounds + 1):
        for name in names:
            start = time.perf_counter()
            CALLS[name](data)
            if at:  # the first round warms up
                times[name].append(time.perf_counter() - start)
    return times


def _resident(field: str) -> int:
    """A field of /proc/self/status in bytes."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024


_RESOURCES = (
    '<xbrli:context id="c"><xbrli:entity><xbrli:identifier scheme="http://www.sec.gov/CIK">0000000001</xbrli:identifier>'
    "</xbrli:entity><xbrli:period><xbrli:instant>2025-01-01</xbrli:instant></xbrli:period></xbrli:context>"
    '<xbrli:unit id="u"><xbrli:measure>iso4217:USD</xbrli:measure></xbrli:unit>'
)
_FACT = 'contextRef="c" unitRef="u" decimals="0"'
_NAMESPACES = 'xmlns:xbrli="http://www.xbrl.org/2003/instance" xmlns:a="urn:a"'
#: One fact in each form: what a first call costs for being the first.
SMALLEST = {
    "instance": f"<xbrli:xbrl {_NAMESPACES}>{_RESOURCES}<a:B {_FACT}>1</a:B></xbrli:xbrl>",
    "inline": f'<html {_NAMESPACES} xmlns:ix="http://www.xbrl.org/2013/inlineXBRL"><ix:resources>{_RESOURCES}</ix:resources>'
    f'<ix:nonFraction name="a:B" {_FACT}>1</ix:nonFraction></html>',
    "companyfacts": '{"cik":1,"entityName":"A","facts":{"a":{"B":{"label":"B","description":"B","units":{"USD":['
    '{"end":"2025-01-01","val":1,"accn":"0000000001-25-000001","fy":2025,"fp":"Q1","form":"10-Q","filed":"2025-01-02"}]}'
    "}}}}",
}


def _print_growth(name: str, path: Path) -> None:
    """In a child process: print by how many bytes one call raises the peak resident set.

    A call with a single fact comes first, so that imports and the start of Arrow do not count.
    """
    data = gzip.decompress(path.read_bytes())
    CALLS[name](SMALLEST[name.rpartition("_")[2]].encode())
    before = _resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # resets VmHWM to the present size
    CALLS[name](data)
    print(_resident("VmHWM") - before)


def peak_growth(name: str, path: Path) -> float:
    """MB by which one call raises the peak resident set, in a fresh process."""
    command = [sys.executable, __file__, "--growth", name, str(path)]
    environment = {**os.environ, "EDGAR_LOCAL_DATA_DIR": os.environ.get("TMPDIR", "/tmp")}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return int(done.stdout.split()[-1]) / 1e6


def _report(root: Path, relative: str, ours: str, theirs: str | None, rounds: int) -> None:
    path = root / relative
    data = gzip.decompress(path.read_bytes())
    with_lxml = not relative.endswith(".json.gz")
    names = (ours, *((theirs,) if theirs else ()), *(("bare_lxml",) if with_lxml else ()))
    times = times_in_turns(data, names, rounds)
    seconds = {name: statistics.median(values) for name, values in times.items()}
    size = len(data) / 1e6
    rows = CALLS[ours](data).num_rows
    mine = seconds[ours]
    parts = [f"{path.name:32} {size:4.2f} MB {rows:6} facts", f"ours {mine * 1e3:5.1f} ms, {size / mine:5.1f} MB/s"]
    if theirs:
        best = min(times[theirs]) / min(times[ours])
        ratio = f"ratio {seconds[theirs] / mine:5.2f} (of the fastest rounds {best:5.2f})"
        parts.append(f"edgartools {seconds[theirs] * 1e3:6.1f} ms, {ratio}")
    if with_lxml:
        alone = seconds["bare_lxml"]
        parts.append(f"lxml alone {alone * 1e3:5.1f} ms, ours is {mine / alone:4.2f} of it")
    parts.append(f"peak +{peak_growth(ours, path):.0f} MB")
    if theirs:
        parts.append(f"edgartools' +{peak_growth(theirs, path):.0f} MB")
    line = "  ".join(parts)
    print(line, flush=True)


def main() -> None:
    """Measure and print."""
    default = Path(__file__).resolve().parents[2] / "shared" / "edgar"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="root", type=Path, default=default, help="folder of real EDGAR payloads")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--growth", nargs=2, metavar=("CALL", "FILE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.growth:
        _print_growth(arguments.growth[0], Path(arguments.growth[1]))
        return
    for title, files, ours, theirs in (
        ("instance -> table of facts (goal: 4x edgartools)", INSTANCES, "our_instance", "edgartools_instance"),
        ("company facts -> rows (goal: 8x edgartools)", COMPANYFACTS, "our_companyfacts", "edgartools_companyfacts"),
        ("inline 10-Q -> table of facts (goal: 20 MB/s)", INLINES, "our_inline", None),
    ):
        print(title)
        for relative in files:
            _report(arguments.root, relative, ours, theirs, arguments.rounds)


if __name__ == "__main__":
    main()
