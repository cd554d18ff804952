"""dbt in a process of its own: it imports and parses while the caller imports Dagster, and tells results as they come.

Belongs here: starting, asking and ending that process, and what runs in it. Does not belong here: what becomes of
the results (models.py).

The process reads its standard input to the end, and is gone when whoever started it is, however that happened.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Any, NamedTuple, cast

from orchestration import child
from warehouse.settings import MEMORY_VARIABLE, memory_limit
from warehouse.store.home import Home

PROJECT = Path(__file__).resolve().parents[1] / "dbt_project"

#: All that dbt's process sees of the caller's environment: where programs, libraries and temporary files are, how
#: this machine writes text, and what Python needs. dbt takes every flag from a variable, so no other may come in.
_ALLOWED = ("PATH", "HOME", "USER", "TMPDIR", "LANG", "LANGUAGE", "TZ")
_ALLOWED_PREFIXES = ("LC_", "LD_", "DYLD_", "PYTHON")


class DbtFailed(Exception):
    """dbt could not run at all: the project does not parse, or the build file cannot be opened."""


class Outcome(NamedTuple):
    """How one dbt node ended. `is_good`: built, passed, or no more than a warning.

    :ivar status: dbt's word: success, pass, fail, warn, error, skipped; warn also for a test that may only warn and
        could not run.
    :ivar failures: rows a test found wrong, where it counts them.
    :ivar rows: of the table that a model made; None for a view or a test.
    """

    unique_id: str
    name: str
    kind: str
    status: str
    message: str
    failures: int | None
    seconds: float
    rows: int | None = None

    @property
    def is_good(self) -> bool:
        return self.status in ("success", "pass", "warn", "no-op")

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" + ("" if self.status in ("success", "pass") else f": {self.status}")


def compiled_manifest(home: Home) -> Path:
    """The manifest that the last build wrote, with every model's compiled SQL."""
    return home.dbt / "target" / "manifest.json"


# --- the caller's side ----------------------------------------------------------------------------


class Dbt:
    """One dbt process over the build file of `home`; it parses the project at once. Use it in a `with`."""

    def __init__(self, home: Home):
        answers, told = os.pipe()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        try:
            self._process = subprocess.Popen(
                child.command(__name__, str(told), str(compiled_manifest(home).parent)),
                stdin=subprocess.PIPE,
                stdout=self._log,
                stderr=subprocess.STDOUT,
                pass_fds=[told],
                env=_environment(home),
                cwd=Path(__file__).parent,  # the caller's folder may be gone
                # Ctrl-C is the caller's to answer.
                start_new_session=True,
            )
        finally:
            os.close(told)
        self._answers = os.fdopen(answers, "rb")
        self._is_parsed = False

    def __enter__(self) -> Dbt:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.stdin.close()  # type: ignore[union-attr]
        self._process.wait()
        self._answers.close()
        self._log.close()

    def parse(self) -> None:
        """Wait until the project is parsed; the manifest then lies at `compiled_manifest`.

        :raises DbtFailed: it does not parse.
        """
        if not self._is_parsed:
            self._next()
            self._is_parsed = True

    def build(self, select: Sequence[str] | None = None) -> Iterator[Outcome]:
        """Build models and run their tests in dependency order; a model after a failed test is skipped.

        The build file is closed, and may be opened by others, once the last outcome has been taken.

        :param select: names of models and tests; None for all of the project.
        :raises DbtFailed: dbt could not run at all.
        """
        self.parse()
        request = json.dumps({"select": None if select is None else list(select)})
        self._process.stdin.write(request.encode() + b"\n")  # type: ignore[union-attr]
        self._process.stdin.flush()  # type: ignore[union-attr]
        while (node := self._next()) is not None:
            yield Outcome(*node)
        self._process.wait()

    def _next(self) -> Any:
        line = self._answers.readline()
        if not line:
            self._log.seek(0)
            last = self._log.read().decode(errors="replace").strip().splitlines()[-1:]
            raise DbtFailed(f"dbt ended with exit code {self._process.wait()}: {''.join(last) or 'it said nothing'}")
        answer = json.loads(line)
        if "failed" in answer:
            raise DbtFailed(answer["failed"])
        return answer["done"]


def _environment(home: Home) -> dict[str, str]:
    inherited = {
        name: value
        for name, value in child.environment().items()
        if value and (name in _ALLOWED or name.startswith(_ALLOWED_PREFIXES))
    }
    told = {"AIGAP_BUILD_DUCKDB": str(home.build), MEMORY_VARIABLE: memory_limit(), "DO_NOT_TRACK": "1"}
    return inherited | told


# --- dbt itself -----------------------------------------------------------------------------------


def invoke(
    target: Path, arguments: Sequence[str], manifest: Any = None, on_event: Callable[[Any], None] | None = None
) -> Any:
    """One dbt command in this process, over the build file that AIGAP_BUILD_DUCKDB names; returns dbt's own result.

    :param target: folder of what dbt writes.
    :param manifest: of an earlier `parse` in this process; spares another.
    :raises DbtFailed: dbt could not run; the message is its first error.
    """
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.adapters.duckdb.credentials import DuckDBCredentials
    from dbt.cli.main import dbtRunner

    # dbt-duckdb reads the path as an address, and so takes a folder called `a?b` for the database.
    by_name = staticmethod(lambda path: Path(str(path)).stem)
    DuckDBCredentials.path_derived_database_name = by_name  # type: ignore[method-assign]
    # Without a folder for logs dbt makes one in the project, which is code, and nobody's to write to.
    folders = ["--project-dir", PROJECT, "--profiles-dir", PROJECT, "--target-path", target, "--log-path", target]
    quiet = ["--log-level", "none", "--log-level-file", "none", "--no-use-colors", "--no-version-check"]
    try:
        answer = dbtRunner(manifest=manifest, callbacks=[on_event] if on_event else []).invoke(
            [*quiet, *arguments, *(str(part) for part in folders)]
        )
    finally:
        # dbt-duckdb keeps the file open in this process after the run; nobody else could open it.
        DuckDBConnectionManager.close_all_connections()
    if answer.exception is not None:
        raise DbtFailed(str(answer.exception).strip()) from answer.exception
    return answer


def run_here(home: Home, target: Path, arguments: Sequence[str]) -> Any:
    """One dbt command in this process over the build file of `home`. :raises DbtFailed: see `invoke`."""
    inherited = _environment(home)
    os.environ.clear()
    os.environ.update(inherited)
    return invoke(target, arguments)


def _rows(unique_id: str, manifest: Any) -> int | None:
    """Rows of the table that a model just made; exact, because tables are written whole."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    node, environment = manifest.nodes[unique_id], cast(Any, DuckDBConnectionManager.env())
    found = (
        environment.conn.cursor()
        .execute(
            "select estimated_size from duckdb_tables() where schema_name = ? and table_name = ?",
            [node.schema, node.alias],
        )
        .fetchone()
    )
    return found[0] if found else None


def _only_warns(unique_id: str, manifest: Any) -> bool:
    severity = getattr(manifest.nodes[unique_id].config, "severity", None) if unique_id in manifest.nodes else None
    return str(severity).lower() == "warn"


def _build(target: Path, manifest: Any, select: Sequence[str] | None, tell: Callable[[Any], None]) -> None:
    told: dict[str, Outcome] = {}

    def on_event(event: Any) -> None:
        if event.info.name != "NodeFinished" or event.data.run_result.status == "skipped":
            return
        node, run = event.data.node_info, event.data.run_result
        rows = _rows(node.unique_id, manifest) if node.resource_type == "model" else None
        status = "warn" if run.status == "error" and _only_warns(node.unique_id, manifest) else run.status
        kind, seconds = node.resource_type.replace("_", " "), round(run.execution_time, 3)
        message, failures = run.message.strip(), run.num_failures
        told[node.unique_id] = Outcome(node.unique_id, node.node_name, kind, status, message, failures, seconds, rows)
        tell(told[node.unique_id])

    while True:
        picked = ["--select", *select, "--indirect-selection", "empty"] if select is not None else []
        before, answer = len(told), invoke(target, ["build", *picked], manifest, on_event)
        skipped = [row for row in answer.result.results if row.node.unique_id not in told]  # those never finished
        # dbt skips what comes after a test that could not run, also where that may only warn: go on there.
        if not skipped or len(told) == before or not all(outcome.is_good for outcome in told.values()):
            break
        select = [".".join(row.node.fqn) for row in skipped]
    for row in skipped:
        kind = str(row.node.resource_type).replace("_", " ")
        tell(Outcome(row.node.unique_id, row.node.name, kind, str(row.status), str(row.message or ""), None, 0))


def _serve(answers: int, target: Path) -> None:
    requests: SimpleQueue[dict[str, Any]] = SimpleQueue()

    def listen() -> None:
        for line in sys.stdin:
            requests.put(json.loads(line))
        os._exit(1)  # nobody is there to be answered

    threading.Thread(target=listen, daemon=True).start()
    with os.fdopen(answers, "w", encoding="utf-8") as out:

        def tell(done: Any) -> None:
            out.write(json.dumps({"done": done}) + "\n")
            out.flush()

        try:
            manifest = invoke(target, ["parse"]).result
            tell(None)
            _build(target, manifest, requests.get()["select"], tell)
            tell(None)
        except DbtFailed as error:
            out.write(json.dumps({"failed": str(error)}) + "\n")


if __name__ == "__main__":
    _serve(int(sys.argv[1]), Path(sys.argv[2]))
