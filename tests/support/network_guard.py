"""Watches what a process of Python connects to, and cuts one off from every network where the kernel allows.

Belongs here: the guard. Does not belong here: what may be reached.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

#: Every attempt to reach anything but a socket file is written down, in this process and its children.
_GUARD = """
import os, socket
def _note(what):
    with open({log!r}, "a") as file:
        file.write(what + "\\n")
def _watch(name):
    real = getattr(socket.socket, name)
    def call(self, *args):
        if self.family != socket.AF_UNIX:
            _note(f"{name} {args[-1]}")
        return real(self, *args)
    setattr(socket.socket, name, call)
for _name in ("connect", "connect_ex", "sendto"):
    _watch(_name)
_look_up = socket.getaddrinfo
def _named(host, *args, **kwargs):
    _note(f"getaddrinfo {host}")
    return _look_up(host, *args, **kwargs)
socket.getaddrinfo = _named
"""


def guarded(tmp_path: Path) -> dict[str, str]:
    """Environment of a process that writes its connections to tmp_path/reached."""
    (tmp_path / "guard").mkdir(exist_ok=True)
    (tmp_path / "guard" / "sitecustomize.py").write_text(_GUARD.replace("{log!r}", repr(str(tmp_path / "reached"))))
    return {"PYTHONPATH": str(tmp_path / "guard")}


def reached(tmp_path: Path) -> list[str]:
    log = tmp_path / "reached"
    return log.read_text().splitlines() if log.exists() else []


def without_network() -> list[str]:
    """What to put before a command so that it has no network at all; nothing where that is not allowed here."""
    cut_off = ["unshare", "--net", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    if shutil.which("unshare") and subprocess.run([*cut_off, "true"], capture_output=True, check=False).returncode == 0:
        return cut_off
    return []
