"""`aigap export --package`: the tables as others' tools read them, against the published file."""

import csv
import hashlib
import io
import json
import zipfile
from datetime import date
from decimal import Decimal

import duckdb
import pytest
from conftest import run_aigap

from warehouse.formats import plain
from warehouse.readers.datapackage import write_package
from warehouse.readers.read import open_published


@pytest.fixture(scope="module")
def package(refreshed, tmp_path_factory):
    path = tmp_path_factory.mktemp("package") / "gap.zip"
    done = run_aigap(refreshed.home, "export", "--package", str(path))
    assert done.returncode == 0, done.stderr
    return zipfile.ZipFile(path)


@pytest.fixture(scope="module")
def about(package):
    return json.loads(package.read("datapackage.json"))


def test_every_table_is_there_with_its_own_hash_and_nothing_else(package, about, published):
    with duckdb.connect(str(published), read_only=True) as connection:
        tables = connection.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall()
    paths = [resource["path"] for resource in about["resources"]]
    assert sorted(paths) == sorted(f"data/{name}.csv" for (name,) in tables)
    assert set(package.namelist()) == {*paths, "datapackage.json", "README.txt"}
    for resource in about["resources"]:
        data = package.read(resource["path"])
        assert (resource["bytes"], resource["hash"]) == (len(data), f"sha256:{hashlib.sha256(data).hexdigest()}")


def test_every_column_says_what_it_is_and_every_cell_is_of_its_type(package, about, published):
    read = {
        "integer": int,
        "number": Decimal,
        "date": date.fromisoformat,
        "boolean": {"true": True, "false": False}.__getitem__,
        "string": str,
    }
    with duckdb.connect(str(published), read_only=True) as connection:
        for resource in about["resources"]:
            fields = resource["schema"]["fields"]
            header, *lines = csv.reader(io.StringIO(package.read(resource["path"]).decode(), newline=""))
            assert header == [field["name"] for field in fields]
            assert all(field["description"] for field in fields), resource["name"]
            rows = connection.execute(f"from {resource['title']} order by all").fetchall()
            assert len(lines) == len(rows)
            for line, row in zip(lines, rows, strict=True):
                for cell, value, field in zip(line, row, fields, strict=True):
                    if value is None or isinstance(value, (str, list)):
                        assert cell.removeprefix("'") == plain(value).removeprefix("'")
                    else:
                        assert read[field["type"]](cell) == value, (resource["name"], field["name"])
    types = {field["type"] for resource in about["resources"] for field in resource["schema"]["fields"]}
    assert types == set(read)


def test_the_same_published_file_gives_the_same_bytes(refreshed, tmp_path):
    for name in ("one.zip", "two.zip"):
        with open_published(refreshed.home) as connection:
            write_package(connection, tmp_path / name)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_a_name_that_is_no_zip_or_one_of_ours_is_refused(refreshed, tmp_path):
    done = run_aigap(refreshed.home, "export", "--package", str(tmp_path / "gap.csv"))
    assert (done.returncode, "must end in .zip" in done.stderr) == (2, True)
    done = run_aigap(refreshed.home, "export", "--package", str(refreshed.home.report / "gap.zip"))
    assert (done.returncode, "aigap keeps its own files" in done.stderr) == (2, True)
    assert list(tmp_path.iterdir()) == []
