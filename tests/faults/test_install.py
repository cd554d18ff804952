"""T78: what is installed is what was locked, byte for byte. Offline: the package is made here."""

import base64
import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = sorted(ROOT.glob("requirements*.lock"))
#: Each way in which the Makefile installs from a lock: (UV or PIP, its flags).
INSTALLS = re.findall(r"\$\((UV|PIP)\) ([^|\n]*?) -r ", (ROOT / "Makefile").read_text("utf-8"))
WHEEL = "tiny_package-1.0-py3-none-any.whl"


def wheel(folder: Path, source: str) -> Path:
    """The smallest installable wheel: one module that holds `source`, and a record that agrees with it."""
    info = "tiny_package-1.0.dist-info"
    members = {
        "tiny_package.py": source,
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: tiny-package\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    hashes = {
        name: base64.urlsafe_b64encode(sha256(text.encode()).digest()).rstrip(b"=").decode()
        for name, text in members.items()
    }
    rows = [f"{name},sha256={hashes[name]},{len(text)}" for name, text in members.items()]
    members[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""])
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / WHEEL, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return folder / WHEEL


def installer(tool: str, python: Path) -> list[str]:
    """The command that the Makefile calls UV or PIP, for another environment."""
    if tool == "UV":
        beside = Path(sys.executable).with_name("uv")
        uv = str(beside) if beside.exists() else shutil.which("uv")
        if uv is None:
            pytest.skip("uv is not installed")
        return [uv, "pip", "install", "--quiet", "--python", str(python), "--no-cache"]
    if find_spec("pip") is None:
        pytest.skip("this environment has no pip")
    return [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-cache-dir"]


def install(tool: str, flags: str, folder: Path, lock: Path, into: Path) -> tuple[int, str, str]:
    """Install from a folder of wheels into a new environment: exit code, errors, and what the module then says."""
    venv.create(into, with_pip=False, symlinks=True)
    python = into / "bin" / "python"
    offline = ["--no-index", "--find-links", str(folder)]
    done = subprocess.run(
        [*installer(tool, python), *offline, *flags.split(), "-r", str(lock)],
        env={k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "UV_"))},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    said = subprocess.run(
        [str(python), "-c", "import tiny_package; print(tiny_package.SAID)"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr, said.stdout.strip()


def test_t78_every_install_from_a_lock_asks_for_hashes():
    text = (ROOT / "Makefile").read_text("utf-8")
    assert len(INSTALLS) == len(re.findall(r"\s-r ", text)) == 3
    assert all("--require-hashes" in flags.split() for _, flags in INSTALLS)


@pytest.mark.parametrize(("tool", "flags"), INSTALLS, ids=[f"{tool} {flags}" for tool, flags in INSTALLS])
def test_t78_a_package_that_is_not_the_locked_one_is_refused(tool, flags, tmp_path):
    digest = sha256(wheel(tmp_path / "wheels", "SAID = 'locked'\n").read_bytes()).hexdigest()
    lock = tmp_path / "requirements.lock"
    lock.write_text(f"tiny-package==1.0 \\\n    --hash=sha256:{digest}\n")
    code, error, said = install(tool, flags, tmp_path / "wheels", lock, tmp_path / "good")
    assert (code, said) == (0, "locked"), error
    # A whole wheel of the same name and version, with a record that agrees: only the hash can tell.
    wheel(tmp_path / "wheels", "SAID = 'tampered'\n")
    code, error, said = install(tool, flags, tmp_path / "wheels", lock, tmp_path / "bad")
    assert code != 0
    assert said == ""
    assert re.search("hash mismatch|do not match the hashes", error, re.IGNORECASE), error
    # Nor is a package let in that the lock has no hash for.
    lock.write_text("tiny-package==1.0\n")
    assert install(tool, flags, tmp_path / "wheels", lock, tmp_path / "unlocked")[0] != 0


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_t78_every_requirement_is_pinned_with_hashes_and_no_lock_names_a_registry(lock):
    text = lock.read_text("utf-8")
    requirements = [line for line in text.replace("\\\n", " ").splitlines() if line.strip() and line.strip()[0] != "#"]
    assert requirements
    for line in requirements:
        assert re.match(r"[A-Za-z0-9._-]+(\[[a-z0-9,._-]+\])?==\S+ ", line), line[:80]
        assert re.search(r"( --hash=sha256:[0-9a-f]{64})+\s*$", re.sub(r"\s+", " ", line)), line[:80]
    assert not re.search(r"://|--(extra-)?index|--find-links|--trusted-host|^-[a-z]", text, re.MULTILINE)


def test_t78_the_locks_are_the_ones_that_are_installed_from():
    assert [path.name for path in LOCKS] == ["requirements-dev.lock", "requirements-uv.lock", "requirements.lock"]
