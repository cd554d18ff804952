"""The product as others get it: wheel and sdist, installed where there is no checkout.

`make test` installs the wheel on the Python that runs the tests; that an sdist gives the same wheel, byte for byte,
stands for the other. AIGAP_WHEEL_CHECK=1 (`make wheel-check`) installs both on every supported Python of this machine.
"""

import ast
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest
from conftest import meta

from support.network_guard import without_network
from warehouse.store.home import Home

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("ingest", "warehouse", "orchestration")
ALL = os.environ.get("AIGAP_WHEEL_CHECK") == "1"
VERSIONS = ("3.11", "3.12", "3.13") if ALL else (".".join(map(str, sys.version_info[:2])),)
UV = str(Path(sys.executable).with_name("uv"))

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (ROOT / ".git").exists(), reason="wheels are built from what git tracks"),
]


def run(command: list[str], cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command in an environment that knows nothing of the tests or the checkout."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    return subprocess.run(
        command, cwd=cwd, env=kept | environment, capture_output=True, text=True, timeout=600, check=False
    )


def python_of(version: str) -> Path | None:
    """An interpreter of that version: this one, one on the PATH, or one of pyenv's."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    named = [sys.executable, shutil.which(f"python{version}"), *sorted(pyenv.glob(f"{version}.*/bin/python"))]
    for python in filter(None, named):
        asked = [str(python), "-c", "import sys, venv; print('%d.%d' % sys.version_info[:2])"]
        if subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip() == version:
            return Path(python)
    return None


@pytest.fixture(scope="module")
def artefacts(tmp_path_factory) -> dict[str, Path]:
    """Wheel and sdist of the tree as it stands."""
    out = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        [sys.executable, "deploy/release.py", "build", str(out)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    sdist, wheel = map(Path, done.stdout.split())
    return {"sdist": sdist, "wheel": wheel}


# --- what is in them ------------------------------------------------------------------------------


def test_a_wheel_brings_one_name_and_nothing_of_the_rooms_is_left_behind(artefacts):
    names = zipfile.ZipFile(artefacts["wheel"]).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"aigap"}
    listed = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard", "aigap", *ROOMS, "dbt_project"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    tracked = {name for name in filter(None, listed.stdout.split("\0")) if (ROOT / name).is_file()}
    wanted = {name for name in tracked if not name.startswith("dbt_project/lint/")}
    inside = {name.removeprefix("aigap/") for name in names if ".dist-info/" not in name}
    assert {name.removeprefix("aigap/") for name in wanted} == inside


def test_modules_of_a_wheel_import_each_other_by_that_one_name_and_keep_their_lines(artefacts):
    packed, moved = zipfile.ZipFile(artefacts["wheel"]), 0
    for name in (name for name in packed.namelist() if name.endswith(".py")):
        source = packed.read(name).decode()
        inside = name.removeprefix("aigap/")
        original = ROOT / (inside if inside.split("/")[0] in ROOMS else name)
        assert source.count("\n") == original.read_text("utf-8").count("\n"), name
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ImportFrom) and not node.level:
                assert node.module.split(".")[0] not in ROOMS, f"{name}, line {node.lineno}"
                moved += node.module.startswith(tuple(f"aigap.{room}" for room in ROOMS))
            elif isinstance(node, ast.Import):
                assert not {alias.name.split(".")[0] for alias in node.names}.intersection(ROOMS), name
    assert moved > 100


def test_the_sdist_gives_the_same_wheel_byte_for_byte(artefacts, tmp_path):
    with tarfile.open(artefacts["sdist"]) as packed:
        packed.extractall(tmp_path, filter="data")
        newest = int(max(member.mtime for member in packed))
    (tree,) = tmp_path.iterdir()
    code = "import sys, setuptools.build_meta as b; b.build_wheel(sys.argv[1])"
    done = run([sys.executable, "-P", "-W", "ignore", "-c", code, str(tmp_path)], tree, SOURCE_DATE_EPOCH=str(newest))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / artefacts["wheel"].name).read_bytes() == artefacts["wheel"].read_bytes()


def test_an_import_that_would_bind_a_rooms_own_name_stops_the_build(artefacts, tmp_path):
    with tarfile.open(artefacts["sdist"]) as packed:
        packed.extractall(tmp_path, filter="data")
    (tree,) = tmp_path.iterdir()
    (tree / "warehouse" / "wrong.py").write_text("import warehouse.store.home\n")
    code = "import sys, setuptools.build_meta as b; b.build_wheel(sys.argv[1])"
    done = run([sys.executable, "-P", "-W", "ignore", "-c", code, str(tmp_path)], tree)
    assert done.returncode != 0
    assert "warehouse/wrong.py, line 1: write `from warehouse.store.home import ...`" in done.stderr


# --- installed ------------------------------------------------------------------------------------


class Installed(NamedTuple):
    """An environment with the product alone, and a user with an empty home who works in a folder of his own."""

    bin: Path
    user: Path
    folder: Path

    @property
    def packages(self) -> Path:
        return next(self.bin.parent.glob("lib/python*/site-packages"))

    @property
    def home(self) -> Home:
        return Home(self.user / ".local" / "share" / "ai-revenue-gap")

    def aigap(self, *arguments: str, cut_off: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        before = without_network() if cut_off else []
        return run(
            [*before, str(self.bin / "aigap"), *arguments], self.folder, **{"HOME": str(self.user)} | environment
        )

    def written(self) -> dict[str, str]:
        """What is in its packages, folders too, bytecode apart."""
        found = (p for p in self.packages.rglob("*") if "__pycache__" not in p.parts)
        return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() if p.is_file() else "" for p in found}


KINDS = ("wheel", "sdist") if ALL else ("wheel",)


@pytest.fixture(scope="module", params=[(version, kind) for version in VERSIONS for kind in KINDS], ids="-".join)
def installed(request, artefacts, tmp_path_factory) -> Installed:
    """What is released, installed beside the locked packages and nothing else."""
    version, kind = request.param
    if (python := python_of(version)) is None:
        pytest.skip(f"there is no Python {version} on this machine")
    if not Path(UV).exists():
        pytest.skip("uv is not installed")
    root = tmp_path_factory.mktemp("installed")
    made = run([str(python), "-m", "venv", "--without-pip", str(root / "env")], root)
    assert made.returncode == 0, made.stderr
    # Packages come from where this machine gets its packages: uv's own settings stay.
    environment = dict(os.environ)
    environment.pop("VIRTUAL_ENV", None)
    install = [UV, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(root / "env" / "bin" / "python")]
    lock = ["--require-hashes", "-r", str(ROOT / "requirements.lock")]
    ours = ["--no-index", "--no-deps", "--no-build-isolation", str(artefacts[kind])]
    for arguments in (lock, ours):
        done = subprocess.run(
            [*install, *arguments], cwd=root, env=environment, capture_output=True, text=True, timeout=900, check=False
        )
        assert done.returncode == 0, done.stderr
    user, folder = root / "user", root / "a project of the user's"
    user.mkdir()
    # Names that a data project has: those of the rooms among them.
    for room in ROOMS:
        (folder / room).mkdir(parents=True)
        (folder / room / "__init__.py").write_text(f"raise SystemExit('{room} of the current folder was run')\n")
    return Installed(root / "env" / "bin", user, folder)


def test_what_is_installed_refreshes_shows_and_reports_without_a_checkout(installed, refreshed):
    before = installed.written()
    done = installed.aigap("refresh")
    assert done.returncode == 0, done.stderr
    assert installed.home.published.is_symlink(), "where this platform keeps a user's data"
    assert meta(installed.home)["content_hash"] == meta(refreshed.home)["content_hash"], "as from the checkout"
    shown = installed.aigap("show", "--last", "1", "--format", "csv")
    assert shown.returncode == 0, shown.stderr
    with duckdb.connect(str(refreshed.home.published), read_only=True) as connection:
        newest = connection.sql(
            "select calendar_quarter, gap_usd from marts.ai_revenue_gap where scenario = 'measured' order by 1 desc"
        ).fetchone()
    assert all(str(cell) in shown.stdout.splitlines()[1].split(",") for cell in newest)
    page = installed.aigap("report")
    assert (page.returncode, page.stdout.strip()) == (0, str(installed.home.report / "index.html"))
    explained = installed.aigap("explain", newest[0])
    assert explained.returncode == 0, explained.stderr
    assert installed.aigap("doctor").returncode == 0
    code = "import aigap; print(aigap.gap()['gap_usd'].iloc[-1], aigap.plot(aigap.gap())._repr_svg_()[:4])"
    asked = run([str(installed.bin / "python"), "-P", "-c", code], installed.folder, HOME=str(installed.user))
    assert asked.stdout == f"{newest[1]} <svg\n", asked.stderr
    assert installed.written() == before, "nothing is written into site-packages"
    assert sorted(os.listdir(installed.folder)) == sorted(ROOMS), "nor into the folder one works in"


def test_what_is_installed_is_no_name_but_aigap_and_its_modules_run_as_a_program(installed):
    code = f"import aigap, importlib.util as u; print([n for n in {ROOMS} if u.find_spec(n)])"
    done = run([str(installed.bin / "python"), "-P", "-c", code], installed.folder)
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr
    # The current folder has rooms of the user's own, and `python -m` looks there first.
    done = run([str(installed.bin / "python"), "-m", "aigap", "--version"], installed.folder)
    assert done.stdout.startswith("aigap "), done.stderr


def one_line(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    assert done.returncode == code, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("aigap: ")
    assert all(word in line for word in words), line


def test_a_user_without_a_home_is_told_what_to_set(installed):
    """A number that no user has, and no HOME: as in a container."""
    if os.geteuid() != 0:
        pytest.skip("only root can become nobody")
    code = (
        "import os, sys; os.setgid(64321); os.setuid(64321); os.environ.pop('HOME', None)\n"
        "from aigap.__main__ import main; sys.argv = ['aigap', 'show']; sys.exit(main())"
    )
    # The interpreter's folder may be closed to others: import all that is needed before root is given up.
    early = (
        "import platformdirs, aigap.__main__, aigap.warehouse.readers.show\n"
        "import aigap.orchestration.commands.main, aigap.orchestration.commands.reading\n"
    )
    done = run([str(installed.bin / "python"), "-P", "-c", early + code], Path("/"))
    one_line(done, 2, "no home folder", "set AIGAP_HOME")


@pytest.mark.parametrize("where", ["a file", "no such user"])
def test_a_home_that_cannot_be_is_one_line(installed, where, tmp_path):
    (tmp_path / "file").write_text("mine")
    home, code = (tmp_path / "file", 1) if where == "a file" else ("~nobody-of-that-name/x", 2)
    one_line(installed.aigap("refresh", cut_off=False, AIGAP_HOME=str(home)), code, str(home), "AIGAP_HOME")
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("name", ["build.duckdb", "ai_revenue_gap.duckdb", "generations", "dbt", "dagster", "report"])
def test_a_foreign_file_under_one_of_our_names_is_named_and_kept(installed, name, tmp_path):
    (tmp_path / name).write_text("mine")
    done = installed.aigap("refresh", cut_off=False, AIGAP_HOME=str(tmp_path))
    one_line(done, 1 if name == "ai_revenue_gap.duckdb" else 2, str(tmp_path / name), "move ")
    assert (tmp_path / name).read_text() == "mine"


@pytest.mark.parametrize("version", [-1, 1])
def test_a_published_file_of_another_version_is_one_line_and_a_refresh_away(installed, refreshed, version, tmp_path):
    home = Home(tmp_path / "home")
    shutil.copytree(refreshed.home.generations, home.generations)
    path = home.generation(home.generation_numbers()[-1])
    path.chmod(0o644)
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"update meta.build set schema_version = schema_version + {version}")
    home.published.symlink_to(path.relative_to(home.root))
    one_line(installed.aigap("show", cut_off=False, AIGAP_HOME=str(home.root)), 1, "another version", "aigap refresh")


@pytest.mark.parametrize("version", ["3.9", "3.10", "3.14"])
def test_an_unsupported_python_is_told_so_before_anything_else(installed, version):
    if (python := python_of(version)) is None:
        pytest.skip(f"there is no Python {version} on this machine")
    done = run([str(python), "-m", "aigap", "show"], Path("/"), PYTHONPATH=str(installed.packages))
    one_line(done, 1, "aigap needs 3.11, 3.12 or 3.13")
    text = next(installed.packages.glob("ai_revenue_gap-*.dist-info/METADATA")).read_text("utf-8")
    assert "Requires-Python: <3.14,>=3.11" in text, "pip and uv refuse it before it is installed"


@pytest.mark.skipif(not ALL, reason="make wheel-check: asks a registry for the newest packages that fit")
@pytest.mark.parametrize("tool", ["uv tool install", "pip install", "pipx install"])
def test_the_tools_that_people_install_with(tool, artefacts, tmp_path):
    """What they make runs: the exact packages may differ from the locked ones within what pyproject.toml allows."""
    wheel, lock = str(artefacts["wheel"]), str(ROOT / "requirements.lock")
    environment = {**os.environ, "UV_TOOL_DIR": str(tmp_path / "tools"), "UV_TOOL_BIN_DIR": str(tmp_path / "bin")}
    environment |= {"PIPX_HOME": str(tmp_path / "tools"), "PIPX_BIN_DIR": str(tmp_path / "bin")}
    if tool == "pipx install":
        commands = [[UV, "tool", "run", "pipx", "install", "--python", sys.executable, wheel]]
    elif tool == "pip install":
        commands = [[sys.executable, "-m", "venv", str(tmp_path)]]
        commands += [[str(tmp_path / "bin" / "pip"), "install", "-q", wheel]]
    else:
        commands = [[UV, "tool", "install", "--python", sys.executable, "--constraints", lock, wheel]]
    for command in commands:
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    done = run([str(tmp_path / "bin" / "aigap"), "refresh"], tmp_path, HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
