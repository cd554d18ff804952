"""What the commands refresh, fetch, bundle and ui do.

Belongs here: running the job in this process and saying how it went, starting the UI. Does not belong
here: arguments and exit codes (commands/), the job itself. Dagster and dbt are imported inside the
functions that need them: an error that is known before costs no five seconds.

Longer than 400 lines because all of these commands leave the same record and end alike however they are stopped.
"""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from orchestration import child, unchanged
from orchestration.dbt_process import Dbt, DbtFailed
from orchestration.failures import reason_of
from warehouse.errors import FAILED, Busy, Mistake, WarehouseError, is_ours, reason
from warehouse.formats import emit
from warehouse.settings import DEFAULT_MEMORY, MEMORY_VARIABLE, memory_limit
from warehouse.store.home import Home, checkout, read_last_refresh, record_refresh, refresh_lock, refuse_foreign

if TYPE_CHECKING:
    import dagster as dg

    from orchestration.resources import Edgar, Inputs

#: Where the UI loads the job from.
_LOCATION = f"{__package__}.definitions"
#: Runs made here carry it, so that the UI lists them under the job.
_REPOSITORY = {".dagster/repository": f"__repository__@{_LOCATION}"}


class Progress(Protocol):
    """A line for a person who waits; with `done` of `total` it may be overwritten by the next."""

    def __call__(self, message: str, done: int | None = None, total: int | None = None) -> None: ...


# --- refresh --------------------------------------------------------------------------------------


#: Steps of the job as a person would call them.
_STEPS = {
    "sources__archive": "fetch",
    "load_raw": "load",
    "dbt_build": "build",
    "meta__build": "publish",
    "report__index": "report",
}


class _Narrator(logging.Handler):
    """Turns what the job logs into progress, counted in steps and dbt models."""

    def __init__(self, progress: Progress, models: int) -> None:
        super().__init__(logging.INFO)
        self._progress, self._models, self._built = progress, models, 0

    def emit(self, record: logging.LogRecord) -> None:
        about = getattr(record, "dagster_meta", {})
        # Dagster's own account of the run comes with an event, or as an error; what the job says does not.
        if about.get("dagster_event") or about.get("step_key") not in _STEPS or record.levelno > logging.WARNING:
            return
        step, message = _STEPS[about["step_key"]], about["orig_message"]
        if record.levelno == logging.WARNING:
            self._progress(f"{step}: warning: {message}")
            return
        self._built += message.startswith("model ")
        models = self._models
        done = {"fetch": 0, "load": 1, "build": 2 + self._built, "publish": 2 + models, "report": 3 + models}[step]
        self._progress(f"{step}: {message}", done, models + 4)


def _logger(progress: Progress, models: int) -> Any:
    import dagster as dg

    def narrate(_: dg.InitLoggerContext) -> logging.Logger:
        logger = logging.Logger("aigap", logging.INFO)
        logger.addHandler(_Narrator(progress, models))
        return logger

    return dg.LoggerDefinition(narrate, description="Progress for a person who waits.")


def refresh(
    home: Home,
    *,
    full: bool = False,
    offline: bool = True,
    progress: Progress = lambda *_: None,
    edgar: Edgar | None = None,
    inputs: Inputs | None = None,
) -> int:
    """Run the job `quarterly_refresh` in this process; the run is recorded where `aigap ui` shows it.

    :param full: make the build file anew, and publish even if nothing changed.
    :param offline: do not ask EDGAR. :param edgar: ask this one instead of the real one (tests).
    :param inputs: other folders than the shipped ones (tests).
    :return: 0.
    :raises Busy: another refresh is running.
    :raises WarehouseError: it failed, anywhere; one line names the step and the check, and `doctor` knows it too.
        Readers keep what they had.
    """
    refuse_foreign(home)
    with _failure_recorded(home), refresh_lock(home):
        _check_settings(home)
        if not offline:
            from ingest.edgar.client import identity

            identity()  # a missing name is known now, not half a minute later
        progress("starting")
        started = time.monotonic()
        before = unchanged.state(home)
        with Dbt(home) as dbt:  # imports and parses while this process does the same for Dagster
            steps = _run_job(home, dbt, full, offline, progress, edgar, inputs)
        if not inputs:
            unchanged.note(home, before)
        last = read_last_refresh(home) or {}
        progress(f"{last.get('message')} ({time.monotonic() - started:.0f} s)", steps, steps)
        return 0


def _run_job(
    home: Home, dbt: Dbt, full: bool, offline: bool, progress: Progress, edgar: Edgar | None, inputs: Inputs | None
) -> int:
    """The job, run and recorded; returns how many steps `progress` was told of."""
    _quiet()
    from sqlalchemy.exc import DatabaseError

    from orchestration import jobs
    from orchestration.build import build_definitions
    from orchestration.instance import history_of, instance_of
    from orchestration.models import load_manifest, model_specs
    from orchestration.resources import Edgar
    from orchestration.store import OURS, close_left_over_runs

    try:
        models = len(model_specs(load_manifest(home, dbt)))
    except DbtFailed as error:
        raise WarehouseError(f"dbt cannot read dbt_project: {reason(error)}") from error
    definitions = build_definitions(
        home,
        edgar=edgar or Edgar(is_live=not offline),
        inputs=inputs,
        full=full,
        dbt=dbt,
        loggers={"console": _logger(progress, models)},
    )
    job = definitions.resolve_job_def(jobs.refresh_job.name)
    try:
        with instance_of(home, progress) as instance:
            close_left_over_runs(instance, job.name)
            result = _interruptible(
                lambda: job.execute_in_process(
                    instance=instance,
                    raise_on_error=False,
                    run_config={"loggers": {"console": {}}},
                    tags=_REPOSITORY | OURS,
                ),
                before_exit=lambda: close_left_over_runs(instance, job.name),
            )
            _belongs_to_the_ui(instance, result.run_id)
    except (sqlite3.Error, DatabaseError) as error:  # a step's own errors are events
        raise WarehouseError(f"Dagster's history of runs in {history_of(home)}: {reason(error)}") from error
    if not result.success:
        raise WarehouseError(reason_of(result.all_events) or "the run ended without saying why; aigap ui shows it")
    return models + 4


def _belongs_to_the_ui(instance: dg.DagsterInstance, run_id: str) -> None:
    """Note on a run made here where the UI loads its job from: its overview leaves out runs that do not say so."""
    from dagster._core.remote_origin import (
        ManagedGrpcPythonEnvCodeLocationOrigin,
        RemoteJobOrigin,
        RemoteRepositoryOrigin,
    )
    from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

    run = instance.get_run_by_id(run_id)
    assert run is not None
    location = ManagedGrpcPythonEnvCodeLocationOrigin(LoadableTargetOrigin(module_name=_LOCATION), _LOCATION)
    origin = RemoteJobOrigin(RemoteRepositoryOrigin(location, "__repository__"), run.job_name)
    instance.run_storage.replace_job_origin(run, origin)


def _interruptible(work: Callable[[], Any], before_exit: Callable[[], Any]) -> Any:
    """`work`'s result; Ctrl-C ends the process at once, as any other signal does.

    In the main thread Dagster would catch the signal and wind down for seconds. There is nothing to wind down: a
    refresh killed anywhere leaves the published file alone and the next one goes through.
    """
    outcome: list[Any] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(work())
        except BaseException as error:
            failure.append(error)

    worker = threading.Thread(target=run, daemon=True)
    worker.start()
    try:
        worker.join()
    except KeyboardInterrupt:
        print("aigap: stopped; readers keep what was published", file=sys.stderr, flush=True)
        last_words = threading.Thread(target=before_exit, daemon=True)
        last_words.start()
        last_words.join(2)
        os._exit(130)
    if failure:
        raise failure[0]
    return outcome[0]


def _quiet() -> None:
    """No setting of the caller's for Dagster and dbt, telemetry off, no notes about what is still in preview."""
    import warnings

    child.settle()
    warnings.filterwarnings("ignore", module="dagster")


@contextmanager
def _failure_recorded(home: Home) -> Iterator[None]:
    """Whatever ends a refresh is noted for `show` and `doctor`, and is one line.

    :raises Busy: another process refreshes, which is no failure.
    :raises WarehouseError: anything else; it says what readers have now.
    """
    before = _live_name(home)
    try:
        yield
    except Busy:
        raise
    except Exception as error:
        said = reason(error)
        now = _live_name(home)
        readers = "nothing has been published yet"
        if now:
            readers = f"readers keep {now}" if now == before else f"readers have the new {now}"
        try:
            _note(home, "failed", said)
        except OSError as unwritten:
            readers += f"; this could not be noted in {home.last_refresh} ({unwritten.strerror})"
        failure = WarehouseError(f"{said}; {readers}")
        failure.exit_code = getattr(error, "exit_code", FAILED)
        raise failure from error


def _live_name(home: Home) -> str | None:
    try:
        live = home.live()
        return live.name if live and live.is_file() else None
    except (OSError, WarehouseError):
        return None


def _check_settings(home: Home) -> None:
    """:raises Mistake: a setting cannot be what was meant; known before anything is loaded."""
    import duckdb

    try:
        if memory_limit().strip().startswith("-"):  # DuckDB's word for no limit at all
            raise duckdb.Error
        duckdb.connect(config={"memory_limit": memory_limit()}).close()
    except duckdb.Error:
        raise Mistake(
            f"{MEMORY_VARIABLE} is {memory_limit()!r}, which is no size; write one such as {DEFAULT_MEMORY}"
        ) from None
    if "?" in str(home.root):
        raise Mistake(f"{home.root} has a ? in its name, where DuckDB cannot write: set AIGAP_HOME to another folder")
    try:
        str(home.root).encode()
    except UnicodeEncodeError:
        raise Mistake(f"{str(home.root)!r} is not named in UTF-8: set AIGAP_HOME to a folder that is") from None


# --- fetch, bundle --------------------------------------------------------------------------------

#: How the note of a fetch that failed begins.
_FETCH = "fetch: "


def fetch(home: Home, *, progress: Progress = lambda *_: None, edgar: Edgar | None = None) -> int:
    """Archive what is new at EDGAR for the watch list; `aigap refresh` then builds with it.

    :return: 0.
    :raises FetchError: SEC_USER_AGENT does not say who asks.
    :raises WarehouseError: something could not be got; says what. What was got is kept.
    """
    from ingest.bundle import read_bundle
    from orchestration.fetching import ask_edgar, contradictions, problems

    with _fetch_recorded(home), refresh_lock(home):
        hosts = {"hosts": edgar.hosts} if edgar else {}
        result = ask_edgar(home, read_bundle(), progress, **hosts)
        for line in contradictions(result):
            progress(f"warning: {line}")
        progress(
            f"{len(result.new_accessions)} new filings, {len(result.fetched)} new payloads, "
            f"{result.requests_sent} requests; aigap refresh builds with them"
        )
        if found := problems(result):
            raise WarehouseError("\n".join(["not everything could be fetched; what was is kept:", *found]))
    return 0


@contextmanager
def _fetch_recorded(home: Home) -> Iterator[None]:
    """A fetch that fails is noted as a refresh that does, until one goes through. What it says is left as it is."""
    try:
        yield
    except Busy:
        raise
    except Exception as error:
        with suppress(OSError):
            _note(home, "failed", _FETCH + str(error if is_ours(error) else reason(error)))
        raise
    last = read_last_refresh(home)
    if last and last["outcome"] == "failed" and last["message"].startswith(_FETCH):
        _note(home, "fetched", "everything that EDGAR lists; aigap refresh builds with it")


def _note(home: Home, outcome: str, message: str) -> None:
    record_refresh(home, outcome, message, datetime.now(UTC).isoformat(timespec="seconds"))


def verify_history(home: Home, *, progress: Progress = lambda *_: None) -> int:
    """Rebuild every knowledge day from what was public then, and compare with the as-of tables.

    :return: 0 if every day agrees, 1 otherwise; the days that do not are printed.
    :raises WarehouseError: there is nothing built yet, or a refresh is using it.
    """
    from orchestration.history import differences_at, knowledge_days, models_with_history

    manifest = _manifest(home)
    with refresh_lock(home):
        models, days = models_with_history(manifest), knowledge_days(home.build)
        found = []
        for done, day in enumerate(days, start=1):
            progress(f"{day}", done, len(days))
            found += differences_at(home.build, models, day)
    for difference in found:
        emit(
            f"{difference.day} {difference.mart}: {difference.only_rebuilt} rows only in the rebuild, "
            f"{difference.only_as_of} only in the as-of table; {difference.example}\n"
        )
    if not found:
        emit(f"{len(days)} days from {days[0]} to {days[-1]}: every rebuild equals the as-of tables\n")
    return 1 if found else 0


def as_of(home: Home, day: date, out: Path) -> int:
    """Write a published file as it would have been on `day`, rebuilt from what was public by then: every mart, also
    those that have no versions.

    :return: 0.
    :raises Mistake: nothing was known by then, or `out` cannot be written to.
    :raises WarehouseError: there is nothing built yet, or a refresh is using it.
    """
    from orchestration.history import compiled_models, knowledge_days, published_as_of

    out = out.expanduser().absolute()
    if out.suffix != ".duckdb" or out.resolve().is_relative_to(home.root.resolve()) or out.exists():
        raise Mistake(f"{out}: write to a new file outside {home.root} whose name ends in .duckdb")
    if not out.parent.is_dir():
        raise Mistake(f"there is no folder {out.parent}")
    manifest = _manifest(home)
    with refresh_lock(home), tempfile.TemporaryDirectory(prefix=".aigap-", dir=out.parent) as folder:
        first, last = knowledge_days(home.build)[0], datetime.now(UTC).date()
        if not first <= day <= last:
            raise Mistake(f"{day} is not between {first}, when the first figure became public, and today, {last}")
        done = published_as_of(home.build, compiled_models(manifest, None), day, Path(folder))
        os.rename(done.path, out)
    emit(f"{out}: {len(done.rows)} tables, {sum(done.rows.values()):,} rows, as known on {day}\n")
    return 0


def _manifest(home: Home) -> Path:
    """What dbt compiled for the build file.

    :raises WarehouseError: nothing is built.
    """
    manifest = home.dbt / "target" / "manifest.json"
    if not (home.build.is_file() and manifest.is_file()):
        raise WarehouseError(f"nothing is built in {home.root} yet; run aigap refresh first")
    return manifest


def bundle_build(from_dir: Path, out: Path | None = None) -> int:
    """Build the bundle from an archive, onto what ships, or from a folder of EDGAR payloads, and print what is in it.

    :return: 0.
    :raises BundleError: see ingest.bundle.build_bundle.
    """
    from ingest.bundle import BUNDLE_DIR, build_bundle, is_archive, read_bundle

    if out is None and checkout() is None:
        raise Mistake("this is an installed copy, which nothing is written into: say where to with --out")
    out = out or BUNDLE_DIR
    onto = read_bundle() if is_archive(from_dir) else None
    _print_manifest(f"built {out} from {from_dir}", build_bundle(from_dir, out, onto))
    return 0


def bundle_verify(from_dir: Path, bundle: Path | None = None) -> int:
    """Prove that a bundle is what `from_dir` gives.

    :return: 0.
    :raises BundleError: it is not; says where.
    """
    from ingest.bundle import BUNDLE_DIR, verify_bundle

    bundle = bundle or BUNDLE_DIR
    _print_manifest(f"verified {bundle} against {from_dir}", verify_bundle(from_dir, bundle))
    return 0


def _print_manifest(headline: str, manifest: dict[str, Any]) -> None:
    files = ", ".join(f"{name} {f['rows']:,} rows {f['bytes']:,} bytes" for name, f in manifest["files"].items())
    emit(f"{headline}: {files}; {len(manifest['sources'])} payloads\n")


# --- export, import -------------------------------------------------------------------------------


def export(home: Home, folder: Path) -> int:
    """Make a backup of `home` and print what is in it.

    :return: 0.
    :raises WarehouseError: see warehouse.store.backup.export.
    """
    from ingest.bundle import BUNDLE_DIR
    from warehouse.store import backup

    made = backup.export(home, folder, BUNDLE_DIR.with_name("curated"))
    emit(f"{made.folder}: generation {made.generation}, {made.files} files, {made.bytes:,} bytes\n")
    return 0


def import_(home: Home, folder: Path, *, force: bool = False) -> int:
    """Put a backup into `home`, and print what that changed.

    :param force: publish the backup's file even if the home's is newer.
    :return: 0.
    :raises WarehouseError: see warehouse.store.backup.restore.
    """
    from ingest.bundle import BUNDLE_DIR
    from warehouse.store import backup

    done = backup.restore(home, folder, force=force)
    then = "; ".join(filter(None, (f"published {done.published}" if done.published else "", done.reason)))
    emit(f"{backup.added(done.new_files, done.new_decisions, done.new_own)}; {then}\n")
    shipped = BUNDLE_DIR.with_name("curated")
    for name, expected in done.manifest["files"].items():
        if name.startswith("curated/") and not backup.is_same(shipped / Path(name).name, expected):
            emit(f"{name} differs from {shipped / Path(name).name}: a refresh builds with the latter\n")
    return 0


# --- ui -------------------------------------------------------------------------------------------

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def ui(
    home: Home, *, host: str = "127.0.0.1", port: int = 3000, writable: bool = False, only: str | None = None
) -> int:
    """Serve Dagster's UI and run its daemon (schedule, sensors, run queue) until interrupted.

    :param writable: let the UI start runs. It has no login, and obeys any web page open in the same browser.
    :param only: "webserver" or "daemon", where a service manager runs each by itself; both may start at once.
    :return: 0 after Ctrl-C.
    :raises Busy: one of them is already running for this folder.
    :raises Mistake: the port is taken.
    :raises WarehouseError: a process ended by itself.
    """
    parts = (only,) if only else ("webserver", "daemon")
    if host not in _LOOPBACK:
        _warn(f"anyone who reaches {host}:{port} can read everything here; there is no login")
    if writable:
        _warn("any web page open in your browser can start runs on this UI")
    refuse_foreign(home)
    _check_settings(home)
    with ExitStack() as held:
        locks = {part: held.enter_context(_only_one(home, part)) for part in parts}
        if "webserver" in parts:
            _refuse_taken_port(host, port)
        _quiet()
        return _serve(home, locks, _prepare(home), host, port, writable)


def _warn(message: str) -> None:
    print(f"aigap: warning: {message}", file=sys.stderr)


@contextmanager
def _only_one(home: Home, part: str) -> Iterator[int]:
    """The lock of `part`, as a file descriptor for its process to inherit: it is held while either of the two lives."""
    home.dagster.mkdir(parents=True, exist_ok=True)
    with (home.dagster / f"{part}.lock").open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(f"a {part} for {home.root} is already running; two daemons would do everything twice") from None
        yield handle.fileno()


def _prepare(home: Home) -> str:
    """Make instance and manifest in one process, before two others want them at once.

    :return: the instance, as Dagster's programs take it.
    """
    from dagster import serialize_value

    from orchestration.instance import instance_of
    from orchestration.models import load_manifest

    with (home.dagster / "start.lock").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        try:
            load_manifest(home)
        except DbtFailed as error:
            raise WarehouseError(f"dbt cannot read dbt_project: {reason(error)}") from error
        with instance_of(home, _warn) as instance:
            return serialize_value(instance.get_ref())


def _refuse_taken_port(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Mistake(f"{host}:{port} cannot be used ({error.strerror}); choose another with --port") from None


def _serve(home: Home, locks: Mapping[str, int], instance: str, host: str, port: int, writable: bool) -> int:
    """:param locks: what is to be served, and for each the lock that it inherits."""
    environment = child.environment() | {
        "AIGAP_HOME": str(home.root),
        "DAGSTER_HOME": str(home.dagster),
        "PYTHONWARNINGS": "ignore",
    }
    # Where Dagster looks for modules first; the current folder if it is not told.
    location = ["-m", f"{__package__}.definitions", "-d", str(Path(__file__).parents[__name__.count(".")])]
    quiet = ["--log-level", "warning", "--instance-ref", instance]
    serve = ["dagster_webserver", *location, "-h", host, "-p", str(port), *quiet]
    commands = {
        "webserver": serve if writable else [*serve, "--read-only"],
        "daemon": ["dagster._daemon", "run", *location, *quiet],
    }
    children: list[subprocess.Popen[bytes]] = []
    # A flag rather than an exception, and before there is anything to stop: a service manager may change its mind at
    # any moment, also between the start of a process and the note of it.
    asked_to_end = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: asked_to_end.set())
    try:
        for part, lock in locks.items():
            # Their own process group: Ctrl-C reaches this process alone, which then ends both in order. Where it
            # cannot, because it was killed, their standard input ends, and they with it.
            started = subprocess.Popen(
                child.command(child.__name__, *commands[part]),
                env=environment,
                start_new_session=True,
                stdin=subprocess.PIPE,
                pass_fds=[lock],
            )
            children.append(started)
        if "webserver" in locks:
            with suppress(OSError):  # nobody reads along
                print(f"http://{host}:{port}  ({'writable' if writable else 'read-only'}; Ctrl-C stops it)", flush=True)
        while not asked_to_end.wait(0.5):
            # A service manager asks all of them at once, and this one may hear it last.
            if any(process.poll() is not None for process in children) and not asked_to_end.wait(5):
                raise WarehouseError(f"{' or '.join(locks)} ended by itself; its last lines above say why")
    except KeyboardInterrupt:
        pass
    finally:
        _stop(children)
    return 0


def _stop(children: list[subprocess.Popen[bytes]]) -> None:
    for process in children:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + 10
    for process in children:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
