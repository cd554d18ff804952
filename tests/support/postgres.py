"""A PostgreSQL server of a test's own on 127.0.0.1, from Debian's packages.

Belongs here: starting, killing and restarting it. Does not belong here: what is stored.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

_PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin")


def programs() -> Path:
    """The folder of initdb, pg_ctl and psql; skips where there is none, unless AIGAP_REQUIRE_POSTGRES=1."""
    found = [p for place in _PLACES for p in Path("/").glob(place.lstrip("/")) if (p / "initdb").is_file()]
    if not found and (initdb := shutil.which("initdb")):
        found = [Path(initdb).resolve().parent]
    if not found:
        if os.environ.get("AIGAP_REQUIRE_POSTGRES") == "1":
            pytest.fail("PostgreSQL is not installed (AIGAP_REQUIRE_POSTGRES=1): apt-get install postgresql")
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    return max(found)


class Server:
    """One cluster in a folder. It refuses root, so as root it runs as Debian's user `postgres` (or nobody)."""

    PASSWORD = "not-a-secret-of-anybodys"

    def __init__(self, folder: Path) -> None:
        self._bin, self._data = programs(), folder / "data"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._user = None
        if os.geteuid() == 0:
            names = {entry.pw_name for entry in pwd.getpwall()}
            self._user = "postgres" if "postgres" in names else "nobody"
            shutil.chown(folder, self._user)
        secret = folder / "secret"
        secret.write_text(self.PASSWORD)
        secret.chmod(0o644)
        self._run("initdb", "-D", self._data, "-U", "aigap", f"--pwfile={secret}", "--auth=scram-sha-256", "-E", "UTF8")
        self._log = folder / "log"

    def _run(self, program: str, *arguments: object) -> None:
        done = subprocess.run(
            [str(self._bin / program), *map(str, arguments)],
            user=self._user, group=self._user if self._user == "postgres" else None, cwd=self._data.parent,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=120,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    @property
    def url(self) -> str:
        return f"postgresql://aigap:{self.PASSWORD}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        options = f"-h 127.0.0.1 -p {self.port} -k ''"
        self._run("pg_ctl", "start", "-w", "-D", self._data, "-l", self._log, "-o", options)

    def stop(self, how: str = "fast") -> None:
        """:param how: fast, or immediate: as if it had been killed; it recovers from its log when it starts again."""
        self._run("pg_ctl", "stop", "-w", "-D", self._data, "-m", how)
