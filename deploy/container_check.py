"""The Dockerfile's steps where no base image can be had: in a Debian root from debootstrap. Needs Debian and root.

    python deploy/container_check.py [FOLDER]        (make container-check)

Every ENV, WORKDIR, COPY, RUN, USER, ENTRYPOINT and HEALTHCHECK of the Dockerfile is carried out as it stands, COPY
through Dockerfile.dockerignore. Then, as compose.yaml has it, with a read-only root, one writable volume and a tmpfs on
/tmp, as the image's user, and here without network: refresh, show, and the health check. FOLDER keeps the Debian root
for the next time.

Belongs here: that. Does not belong here: what Docker itself does (layers, cgroups, capabilities). The Python is
Debian's, not that of the base image; both are supported.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_PACKAGES = "python3,python3-pip,python-is-python3,ca-certificates"
_SUITE = "bookworm"


def steps(dockerfile: str) -> list[tuple[str, str]]:
    """(INSTRUCTION, the rest), continued lines joined, comments gone."""
    lines = [line for line in dockerfile.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(word, rest) for line in joined.splitlines() if line.strip() for word, rest in [line.split(None, 1)]]


def debian(folder: Path) -> Path:
    """A fresh copy of a Debian root with Python, made where it is not there yet."""
    base, root = folder / "base", folder / "root"
    if not (base / "usr" / "bin" / "python3").exists():
        shutil.rmtree(base, ignore_errors=True)
        subprocess.run(
            ["debootstrap", "--variant=minbase", f"--include={_PACKAGES}", _SUITE, str(base)],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
    shutil.rmtree(root, ignore_errors=True)
    subprocess.run(["cp", "-a", str(base), str(root)], check=True)
    # How this machine reaches its package registry.
    for name in ("resolv.conf", "hosts", "pip.conf", "ssl/certs/ca-certificates.crt"):
        if (Path("/etc") / name).is_file():
            shutil.copy(Path("/etc") / name, root / "etc" / name)
    return root


def let_in() -> list[str]:
    """What Dockerfile.dockerignore lets in: everything is refused but names that start with `!`."""
    rules = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    assert next(rule for rule in rules if rule and rule[0] != "#") == "*"
    return [rule[1:] for rule in rules if rule.startswith("!")]


def copy(rest: str, root: Path, folder: str) -> None:
    *sources, target = rest.split()
    into = root / folder.lstrip("/") / target
    into.mkdir(parents=True, exist_ok=True)
    for name in let_in() if sources == ["."] else sources:
        ignore = shutil.ignore_patterns("__pycache__", "target", "logs")
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, into / name, ignore=ignore, dirs_exist_ok=True)
        else:
            shutil.copy(ROOT / name, into / name)


def build(root: Path) -> dict[str, object]:
    """Carry the Dockerfile out in `root`; returns what a container is then started with."""
    environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
    # Debian keeps pip out of its own packages; the base image's Python is not Debian's.
    extra = {"PIP_BREAK_SYSTEM_PACKAGES": "1", "PIP_ROOT_USER_ACTION": "ignore"}
    extra |= {name: value for name, value in os.environ.items() if name in ("PIP_CERT", "PIP_INDEX_URL")}
    started: dict[str, object] = {"user": "root", "folder": "/"}
    for word, rest in steps((ROOT / "deploy" / "Dockerfile").read_text("utf-8")):
        print(f"{word} {rest[:100]}", flush=True)
        if word == "ENV":
            environment |= dict(part.split("=", 1) for part in shlex.split(rest))
        elif word == "WORKDIR":
            started["folder"] = rest
            (root / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
        elif word == "COPY":
            copy(rest, root, str(started["folder"]))
        elif word == "RUN":
            shell = f"cd {started['folder']} && {rest}"
            subprocess.run(["chroot", str(root), "/bin/sh", "-ec", shell], env=environment | extra, check=True)
        elif word == "USER":
            started["user"] = rest
        elif word in ("ENTRYPOINT", "CMD"):
            started[word] = json.loads(rest)
        elif word == "HEALTHCHECK":
            started[word] = json.loads(rest[rest.index("CMD") + 3 :])
        elif word not in ("FROM", "VOLUME"):
            raise SystemExit(f"the Dockerfile has {word}, which is not carried out here")
    return started | {"environment": environment}


#: As compose.yaml: the root read-only, /data the one writable volume, /tmp in memory, and here no network either.
_CONTAINER = """
set -e
mount --make-rprivate /
mount --bind "$1" "$1"
mount --bind "$2" "$1/data"
mount -t tmpfs tmpfs "$1/tmp"
mount -t proc proc "$1/proc"
mount --bind /dev "$1/dev"
mount -t tmpfs -o mode=1777 tmpfs "$1/dev/shm"
mount -o remount,ro,bind "$1"
user="$3"; folder="$1"; shift 3
exec chroot --userspec="$user:$user" "$folder" "$@"
"""


def run(root: Path, volume: Path, started: dict[str, object], command: list[str]) -> str:
    inside = ["unshare", "--mount", "--net", "--pid", "--fork", "sh", "-c", _CONTAINER, "sh"]
    arguments = [str(root), str(volume), str(started["user"]), *command]
    done = subprocess.run(
        [*inside, *arguments], env=started["environment"], capture_output=True, text=True, check=False  # type: ignore[arg-type]
    )  # fmt: skip
    if done.returncode != 0:
        raise SystemExit(
            f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        )
    return done.stdout + done.stderr


def check(folder: Path) -> None:
    root = debian(folder)
    started = build(root)
    volume = folder / "volume"
    shutil.rmtree(volume, ignore_errors=True)
    subprocess.run(["cp", "-a", str(root / "data"), str(volume)], check=True)  # as Docker fills a new volume
    program = list(started["ENTRYPOINT"])  # type: ignore[call-overload]
    assert run(root, volume, started, ["id", "-u"]).strip() == "10001", "an ordinary user"
    for place in ("/opt/x", "/usr/x", "/x", "/etc/x"):
        said = run(root, volume, started, ["sh", "-c", f"touch {place} 2>&1 || true"])
        assert "cannot touch" in said, f"{place} can be written"
    print(run(root, volume, started, [*program, "refresh"]).splitlines()[-1], flush=True)
    print(run(root, volume, started, [*program, *started["CMD"]]), flush=True)  # type: ignore[misc]
    run(root, volume, started, list(started["HEALTHCHECK"]))  # type: ignore[call-overload]
    print("container-check: built by hash, refreshed, shown and healthy as an ordinary user on a read-only root")


def main(arguments: list[str]) -> int:
    missing = [name for name in ("debootstrap", "chroot", "unshare") if not shutil.which(name)]
    if missing or os.geteuid() != 0:
        print(f"container-check needs root and Debian's {' '.join(missing) or 'tools'}", file=sys.stderr)
        return 1
    if arguments:
        folder = Path(arguments[0]).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        check(folder)
    else:
        with tempfile.TemporaryDirectory(prefix="aigap-container-", dir="/var/tmp") as temporary:
            check(Path(temporary))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
