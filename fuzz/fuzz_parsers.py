"""Coverage-guided fuzzing of the parsers, see README.md beside this file.

Belongs here: handing a target to atheris. Does not belong here: the targets and their valid documents
(tests/support/parsers.py), which the test suite runs too.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
#: The keys of support.parsers.TARGETS, which must not be imported before atheris instruments the parsers.
NAMES = (
    "payload",
    "instance",
    "inline",
    "companyfacts",
    "submissions",
    "submissions_page",
    "figures",
    "corrections",
)
sys.path[:0] = [str(HERE.parent / "tests"), str(HERE.parent)]


def replay(targets: Sequence[str], folder: Path | None) -> None:
    """Run each target once over its valid documents, and over what is in folder/<target>. Needs no atheris."""
    from support import parsers

    for target in targets:
        valid = parsers.seeds(target)
        if not all(parsers.survives(target, data) for data in valid):
            sys.exit(f"{target}: a valid document was refused")
        found = sorted((folder / target).glob("*")) if folder else []
        for path in found:
            parsers.survives(target, path.read_bytes())
        print(f"{target}: {len(valid)} valid and {len(found)} other documents")


def fuzz(target: str, corpus: Path, options: Sequence[str]) -> None:
    """Let atheris break documents until an option says stop (-max_total_time, -runs); does not return."""
    import atheris

    with atheris.instrument_imports(include=["ingest"]):
        from support import parsers

    folder = corpus / target
    folder.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(parsers.seeds(target)):
        (folder / f"seed-{number}").write_bytes(data)

    def one(data: bytes) -> None:
        parsers.survives(target, data)

    limits = ["-timeout=10", "-rss_limit_mb=2048", "-max_len=65536", f"-dict={HERE / 'tokens.dict'}"]
    atheris.Setup([sys.argv[0], *limits, *options, str(folder)], one)
    atheris.Fuzz()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("target", choices=[*NAMES, "all"], help="which parser; all only with --replay")
    parser.add_argument("--corpus", type=Path, help="folder of documents, one folder a target; kept and added to")
    parser.add_argument("--replay", action="store_true", help="run each document once, without atheris")
    arguments, options = parser.parse_known_args()
    if arguments.replay:
        replay(NAMES if arguments.target == "all" else [arguments.target], arguments.corpus)
    elif arguments.target == "all":
        parser.error("one target a process: the first crash ends it")
    else:
        with tempfile.TemporaryDirectory() as folder:
            fuzz(arguments.target, arguments.corpus or Path(folder), options)


if __name__ == "__main__":
    main()
