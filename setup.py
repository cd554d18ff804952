"""How the wheel is laid out: one name, `aigap`, with the rooms of the checkout beneath it.

In the checkout the rooms are packages of the top level, and an editable install leaves them so. A wheel must not bring
names as common as `ingest` and `warehouse` into everybody's site-packages, where a user's own folder of that name would
hide ours, or ours theirs: there `ingest/records.py` is `aigap/ingest/records.py`, and what it imports from a room it
imports from `aigap`. Nothing else of a module differs, no line moves, and what no import says is derived from
`__name__` in the code itself.

Belongs here: that layout. Does not belong here: name, version, dependencies (pyproject.toml).
"""

import ast
import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
NAME, ROOMS = "aigap", ("ingest", "warehouse", "orchestration")
#: What ships beside the modules, by folder of the checkout.
DATA = {
    "": ["py.typed"],
    "ingest": ["companies.toml", "curated/*", "bundle/*"],
    "warehouse": ["store/*.sql", "report/*.html", "report/*.css", "report/script/*.js"],
    "dbt_project": ["dbt_project.yml", "profiles.yml", "models/**/*", "macros/**/*", "tests/**/*"],
}


def packages_of(folder: str) -> list[str]:
    """Every package in a folder of the checkout: `ingest`, `ingest.edgar`, ..."""
    found = sorted(path.parent.relative_to(ROOT) for path in (ROOT / folder).rglob("__init__.py"))
    return [".".join(path.parts) for path in found]


def under_one_name(source: str, path: str) -> str:
    """The source of a module with its imports of rooms made imports of `aigap.<room>`; every line stays where it is.

    :raises SystemExit: an import that cannot be moved so, because it binds the room's own name.
    """
    lines = source.splitlines(keepends=True)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] in ROOMS:
                    sys.exit(f"{path}, line {node.lineno}: write `from {alias.name} import ...`; the wheel needs it")
        elif isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").split(".")[0] in ROOMS:
            line = lines[node.lineno - 1].encode()  # ast counts bytes
            head, said = line[: node.col_offset], line[node.col_offset :]
            lines[node.lineno - 1] = (head + said.replace(b"from ", f"from {NAME}.".encode(), 1)).decode()
    return "".join(lines)


class BuildUnderOneName(build_py):
    """build_py, which then moves the imports of what it copied."""

    def build_module(self, module, module_file, package):  # type: ignore[no-untyped-def]
        outfile, copied = super().build_module(module, module_file, package)
        path = Path(outfile)
        path.write_text(under_one_name(path.read_text("utf-8"), module_file), "utf-8")
        return outfile, copied


def layout() -> dict[str, object]:
    """What setuptools is told: the checkout as it is for an editable install, everything beneath one name otherwise."""
    if "editable_wheel" in sys.argv:
        return {"packages": [name for folder in (NAME, *ROOMS) for name in packages_of(folder)]}
    beneath = {f"{NAME}.{package}": package.replace(".", "/") for room in ROOMS for package in packages_of(room)}
    beneath[f"{NAME}.dbt_project"] = "dbt_project"
    return {
        "packages": [*packages_of(NAME), *beneath],
        "package_dir": {NAME: NAME, **beneath},
        "package_data": {f"{NAME}.{folder}".rstrip("."): patterns for folder, patterns in DATA.items()},
        "include_package_data": False,
        "cmdclass": {"build_py": BuildUnderOneName},
    }


setup(**layout())
