"""A release is its tag and nothing else: the same bytes again, from any folder, umask and moment.

The two refreshes of a whole release made twice are left to `make wheel-check`; here a stand-in takes their place, and
that the same published file gives the same page and package is said elsewhere (test_report, test_datapackage).
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WHOLE = os.environ.get("AIGAP_WHEEL_CHECK") == "1"
VERSION = re.search(r'(?m)^version = "(.+)"', (ROOT / "pyproject.toml").read_text("utf-8"))[1]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (ROOT / ".git").exists(), reason="a release is made from git"),
]
#: In place of the numbers, which take a refresh.
_STAND_IN = """
def numbers(wheel, out, version, epoch):
    page = out / f"{NAME}-{version}-report.html"
    page.write_text(f"{hashlib.sha256(wheel.read_bytes()).hexdigest()} {epoch}")
    return [page]


if __name__ == "__main__":
"""


def git(folder: Path, *arguments: str) -> str:
    who = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_CONFIG_GLOBAL": "/dev/null"}
    who |= {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.org"}
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, env={**os.environ, **who}, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def tagged(tmp_path_factory) -> Path:
    """A clone with this tree as a commit that is tagged as its version, and a section for it in CHANGELOG.md."""
    clone = tmp_path_factory.mktemp("clone") / "checkout"
    git(ROOT, "clone", "--quiet", "--shared", "--no-checkout", str(ROOT), str(clone))
    listed = git(ROOT, "ls-files", "-coz", "--exclude-standard").split("\0")
    for name in (name for name in listed if name and (ROOT / name).is_file()):
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, clone / name)
    changelog = clone / "CHANGELOG.md"
    changelog.write_text(changelog.read_text("utf-8").replace("## Unreleased", f"## {VERSION} (2026-12-01)", 1))
    if not WHOLE:
        script = clone / "deploy" / "release.py"
        script.write_text(script.read_text("utf-8").replace('\nif __name__ == "__main__":\n', _STAND_IN, 1))
    git(clone, "add", "--all", "--force", ".")
    git(clone, "commit", "--quiet", "--message", "release")
    git(clone, "tag", f"v{VERSION}")
    return clone


def release(checkout: Path, *arguments: object, umask: int = 0o022) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "deploy/release.py", *map(str, arguments)]
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False, umask=umask)


@pytest.fixture(scope="module")
def made(tagged, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("out") / "dist"
    # Not in the commit: nothing of it may get in.
    (tagged / "warehouse" / "left_over.py").write_text("x = 1\n")
    (tagged / "README.md").write_text("changed after the tag\n")
    done = release(tagged, "files", f"v{VERSION}", out)
    assert done.returncode == 0, done.stderr
    return out


def test_a_release_has_its_files_and_their_hashes(made):
    names = {path.name for path in made.iterdir()}
    base = {
        f"ai_revenue_gap-{VERSION}-py3-none-any.whl", f"ai_revenue_gap-{VERSION}.tar.gz", f"CHANGES-{VERSION}.md",
        f"ai-revenue-gap-{VERSION}-sbom.cdx.json", f"ai-revenue-gap-{VERSION}-report.html", "SHA256SUMS",
    }  # fmt: skip
    assert names == (base | {f"ai-revenue-gap-{VERSION}-data.zip"} if WHOLE else base)
    stated = dict(line.split("  ")[::-1] for line in (made / "SHA256SUMS").read_text().splitlines())
    assert stated == {name: hashlib.sha256((made / name).read_bytes()).hexdigest() for name in names - {"SHA256SUMS"}}
    checked = subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=made, capture_output=True)
    assert checked.returncode == 0


def test_only_what_the_tag_holds_gets_in(made):
    names = zipfile.ZipFile(made / f"ai_revenue_gap-{VERSION}-py3-none-any.whl").namelist()
    assert "aigap/warehouse/store/home.py" in names
    assert "aigap/warehouse/left_over.py" not in names
    assert (made / f"CHANGES-{VERSION}.md").read_text().startswith(f"## {VERSION} (2026-12-01)\n")
    assert "\n## " not in (made / f"CHANGES-{VERSION}.md").read_text()


def test_the_bill_of_materials_is_the_lock(made):
    bill = json.loads((made / f"ai-revenue-gap-{VERSION}-sbom.cdx.json").read_text())
    assert bill["bomFormat"] == "CycloneDX"
    assert (bill["metadata"]["component"]["name"], bill["metadata"]["component"]["version"]) == (
        "ai-revenue-gap",
        VERSION,
    )
    text = (ROOT / "requirements.lock").read_text("utf-8")
    locked = set(re.findall(r"(?m)^([a-z0-9._-]+)(?:\[[^]]*\])?==([^ ;]+)", text))
    found = {(component["name"], component["version"]) for component in bill["components"]}
    assert found == locked
    hashed = {
        hash_["content"] for c in bill["components"] for ref in c["externalReferences"] for hash_ in ref["hashes"]
    }
    assert hashed == set(re.findall(r"--hash=sha256:([0-9a-f]{64})", text))


def test_the_tagged_tree_gives_those_bytes_again_whatever_the_umask(tagged, made):
    done = release(tagged, "check", f"v{VERSION}", made, umask=0o077)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{len(list(made.iterdir())) - 1} files of v{VERSION}, byte for byte\n"


def test_every_file_that_the_tag_does_not_give_is_named(tagged, made, tmp_path):
    copy = shutil.copytree(made, tmp_path / "dist")
    with (copy / f"CHANGES-{VERSION}.md").open("a") as file:
        file.write("and more\n")
    (copy / "extra.whl").write_text("x")
    (copy / f"ai_revenue_gap-{VERSION}.tar.gz").unlink()
    done = release(tagged, "check", f"v{VERSION}", copy)
    wrong = f"CHANGES-{VERSION}.md, ai_revenue_gap-{VERSION}.tar.gz, extra.whl"
    assert (done.returncode, done.stderr) == (1, f"release: v{VERSION} does not give these bytes again: {wrong}\n")


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("", "which tag?"),
        ("v9.9.9", "git ls-tree: fatal"),
        ("v0.0.1", f"is on a tree of version {VERSION} (pyproject.toml); it must be v{VERSION}"),
    ],
)
def test_what_is_no_release_is_refused_in_one_line(tagged, tag, words, tmp_path):
    if tag == "v0.0.1":
        git(tagged, "tag", "--force", tag, f"v{VERSION}")
    done = release(tagged, "files", tag, tmp_path / "dist")
    assert done.returncode == 1
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_version_without_a_section_or_a_folder_that_is_in_use_is_refused(tagged, tmp_path):
    (tmp_path / "mine").write_text("mine")
    done = release(tagged, "files", f"v{VERSION}", tmp_path)
    assert "is not empty" in done.stderr
    git(tagged, "stash", "--quiet")
    changelog = tagged / "CHANGELOG.md"
    changelog.write_text(changelog.read_text().replace(f"## {VERSION} (", "## 99 ("))
    git(tagged, "commit", "--quiet", "--all", "--message", "no section")
    git(tagged, "tag", "--force", f"v{VERSION}")
    done = release(tagged, "files", f"v{VERSION}", tmp_path / "dist")
    git(tagged, "tag", "--force", f"v{VERSION}", "HEAD~1")
    assert f"CHANGELOG.md has no section '## {VERSION}'" in done.stderr


def test_how_to_cite_the_project_is_of_this_version():
    about = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= about.keys(), "what the format requires"
    assert (str(about["version"]), about["license"]) == (VERSION, "MIT")
