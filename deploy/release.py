"""Everything a release hands out, made from one tagged tree by one command, and made again to prove it.

    python deploy/release.py build DIR               wheel and sdist of the work tree
    python deploy/release.py files v0.2.0 DIR        all files of the release with that tag, and their hashes
    python deploy/release.py check v0.2.0 DIR        make them again, and compare

Belongs here: which files a release has, and what makes their bytes depend on the tag alone: the tree is exported from
git, every time stamp is the commit's (SOURCE_DATE_EPOCH), modes and owners are fixed. Does not belong here: what is in
them. Uploads nothing.

The same bytes come from the same Python and the same locked packages: a compressor of another version packs otherwise.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAME, SUMS = "ai-revenue-gap", "SHA256SUMS"


class Refused(Exception):
    """What was asked for cannot be released; says why and what to do."""


# --- the tree -------------------------------------------------------------------------------------


def git(*arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout


def export(folder: Path, tag: str | None) -> int:
    """Lay the files of a tag, or of the work tree as it stands, into `folder`; returns their time, seconds since 1970.

    A file is 0644 or 0755 whatever this machine's umask.
    """
    names = git("ls-tree", "-rz", "--name-only", tag) if tag else git("ls-files", "-coz", "--exclude-standard")
    if tag:
        packed = subprocess.run(["git", "-C", str(ROOT), "archive", tag], capture_output=True, check=True).stdout
        with tarfile.open(fileobj=io.BytesIO(packed)) as tree:
            tree.extractall(folder, filter="data")
    for name in filter(None, names.split("\0")):
        path = folder / name
        if not tag and (ROOT / name).is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, path)
        if path.is_file():
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
    return int(git("log", "-1", "--format=%ct", tag or "HEAD"))


def version_of(tree: Path) -> str:
    return str(tomllib.loads((tree / "pyproject.toml").read_text("utf-8"))["project"]["version"])


def section(tree: Path, version: str) -> str:
    """What CHANGELOG.md says of a version: the lines under its heading, `## 0.2.0` and whatever follows on that line.

    :raises Refused: nothing.
    """
    text = (tree / "CHANGELOG.md").read_text("utf-8")
    found = re.search(rf"(?ms)^## {re.escape(version)}\b[^\n]*\n(.*?)(?=^## |\Z)", text)
    if found is None or not found[1].strip():
        raise Refused(f"CHANGELOG.md has no section '## {version}'; write down what a user sees")
    return found[0].strip() + "\n"


# --- wheel and sdist ------------------------------------------------------------------------------


def build(tree: Path, out: Path, epoch: int) -> list[Path]:
    """Wheel and sdist of an exported tree.

    :raises Refused: setuptools cannot make them; its last lines say why.
    """
    out.mkdir(parents=True, exist_ok=True)
    made = []
    for what in ("sdist", "wheel"):
        code = f"import sys, setuptools.build_meta as b; print(b.build_{what}(sys.argv[1]))"
        # -P: a module of the tree must not be taken for one that setuptools imports.
        done = subprocess.run(
            [sys.executable, "-P", "-W", "ignore", "-c", code, str(out.resolve())],
            cwd=tree, env={**os.environ, "SOURCE_DATE_EPOCH": str(epoch)}, umask=0o022,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise Refused(f"the {what} could not be built: {done.stderr.strip()[-600:]}")
        made.append(out / done.stdout.split()[-1])
    _settle(made[0], epoch)
    return made


def _settle(sdist: Path, epoch: int) -> None:
    """Pack an sdist anew, without what it says of the moment, the machine and the user that made it."""
    with tarfile.open(sdist) as before:
        members = [(member, before.extractfile(member)) for member in sorted(before, key=lambda member: member.name)]
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as after:
            for member, content in members:
                member.mtime, member.uid, member.gid, member.uname, member.gname = epoch, 0, 0, "", ""
                member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
                member.pax_headers = {}
                after.addfile(member, content)
    with sdist.open("wb") as file, gzip.GzipFile("", "wb", mtime=epoch, fileobj=file) as squeezed:
        squeezed.write(packed.getvalue())


# --- numbers --------------------------------------------------------------------------------------


def numbers(wheel: Path, out: Path, version: str, epoch: int) -> list[Path]:
    """Site and data package, by the wheel that is released: from the facts it ships, in a home of their own.

    :raises Refused: the refresh or what follows failed; says which.
    """
    site, data = out / f"{NAME}-{version}-report.html", out / f"{NAME}-{version}-data.zip"
    with tempfile.TemporaryDirectory() as folder:
        code, home = Path(folder) / "code", Path(folder) / "home"
        with zipfile.ZipFile(wheel) as packed:
            packed.extractall(code)
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
        settings = {"AIGAP_HOME": str(home), "HOME": folder, "PYTHONPATH": str(code), "SOURCE_DATE_EPOCH": str(epoch)}
        page = ["report", "--single-file", "--out", str(site)]
        for arguments in (["refresh"], page, ["export", "--package", str(data)]):
            done = subprocess.run(
                [sys.executable, "-P", "-m", "aigap", *arguments],
                env=kept | settings, cwd=folder, capture_output=True, text=True, check=False,
            )  # fmt: skip
            if done.returncode:
                raise Refused(f"aigap {arguments[0]}: {done.stderr.strip()[-600:]}")
    return [site, data]


def bill_of_materials(tree: Path, out: Path, version: str) -> Path:
    """CycloneDX: every locked package with its version and hashes, and what they are for."""
    path = out / f"{NAME}-{version}-sbom.cdx.json"
    command = [sys.executable, "-P", "-m", "cyclonedx_py", "requirements", "--output-reproducible", "--of", "JSON"]
    command += ["--pyproject", str(tree / "pyproject.toml"), "-o", str(path), str(tree / "requirements.lock")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(
            f"the bill of materials could not be made; make check installs what it needs: {done.stderr.strip()[-600:]}"
        )
    return path


# --- a release ------------------------------------------------------------------------------------


def files(tag: str, out: Path) -> list[Path]:
    """Make every file of the release `tag`, and SHA256SUMS over them.

    :raises Refused: the tag is not of the version in its tree, or something could not be made.
    """
    if not tag:
        raise Refused("which tag? This commit has none: git tag v0.2.0, or make release-files TAG=v0.2.0")
    out.mkdir(parents=True, exist_ok=True)
    if any(out.iterdir()):
        raise Refused(f"{out} is not empty; a release is made in a folder of its own (TO=...)")
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        epoch, version = export(tree, tag), version_of(tree)
        if tag != f"v{version}":
            raise Refused(f"tag {tag} is on a tree of version {version} (pyproject.toml); it must be v{version}")
        if f"\nversion: {version}\n" not in (tree / "CITATION.cff").read_text("utf-8"):
            raise Refused(f"CITATION.cff is not of version {version}")
        notes = out / f"CHANGES-{version}.md"
        notes.write_text(section(tree, version), "utf-8")
        sdist, wheel = build(tree, out, epoch)
        made = [notes, sdist, wheel, bill_of_materials(tree, out, version), *numbers(wheel, out, version, epoch)]
    sums = out / SUMS
    sums.write_text("".join(f"{digest}  {name}\n" for name, digest in sorted(hashes(made).items())), "utf-8")
    return [*made, sums]


def hashes(paths: list[Path]) -> dict[str, str]:
    """Name -> SHA-256."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def check(tag: str, folder: Path) -> int:
    """Make the release `tag` again and compare it with the files in `folder`; returns how many there are.

    :raises Refused: a file differs, is missing or is too many; names each.
    """
    stated = dict(reversed(line.split("  ", 1)) for line in (folder / SUMS).read_text("utf-8").splitlines())
    there = hashes([path for path in folder.iterdir() if path.name != SUMS])
    with tempfile.TemporaryDirectory() as again:
        made = hashes([path for path in files(tag, Path(again)) if path.name != SUMS])
    names = sorted({*stated, *there, *made})
    if wrong := [name for name in names if not stated.get(name) == there.get(name) == made.get(name)]:
        raise Refused(f"{tag} does not give these bytes again: {', '.join(wrong)}")
    return len(names)


def main(arguments: list[str]) -> int:
    try:
        match arguments:
            case ["build", out]:
                with tempfile.TemporaryDirectory() as folder:
                    made = build(Path(folder), Path(out), export(Path(folder), None))
                print("\n".join(map(str, made)))
            case ["files", tag, out]:
                print("\n".join(map(str, files(tag, Path(out)))))
            case ["check", tag, folder]:
                print(f"{check(tag, Path(folder))} files of {tag}, byte for byte")
            case _:
                print(__doc__, file=sys.stderr)
                return 2
    except (Refused, OSError) as error:
        print(f"release: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
