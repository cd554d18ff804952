"""What a command writes to a terminal: run on a real pseudo-terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

#: A colour.
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


def on_terminal(home, *arguments, columns=120, **environment):
    """What the command writes to a terminal of so many columns, line ends as in a file."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    settings = {"TERM": "xterm", "PYTHONUTF8": "1", "AIGAP_HOME": str(home.root)} | environment
    inherited = {
        k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "CLICOLOR", "COLUMNS", "PYTHONIOENCODING")
    }
    command = [sys.executable, "-m", "aigap", *arguments]
    process = subprocess.Popen(command, stdout=theirs, stderr=subprocess.PIPE, env=inherited | settings)
    os.close(theirs)
    written = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the other side is closed
            break
        if not part:
            break
        written += part
    os.close(ours)
    errors = process.communicate(timeout=60)[1]
    assert process.returncode == 0, errors
    return written.decode().replace("\r\n", "\n")
