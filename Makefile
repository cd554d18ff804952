# make gap: from a fresh machine to the printed table.  make test: the whole suite.
# Needs git, make and Python 3.11, 3.12 or 3.13. Nothing here asks for a network once the packages are
# installed: a stamp named after the lock's checksum says that they are. Paths stay relative, so the
# checkout may lie under a folder with a space in its name.

SHELL := /bin/sh
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

# Telemetry off whatever tool asks; no message in another language than the one the tests read.
export DO_NOT_TRACK := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

SUPPORTED := import sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
# The first that works: `make PYTHON=/path/to/python3.12 gap` to choose.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	if command -v $$p >/dev/null 2>&1 && $$p -c '$(SUPPORTED)' >/dev/null 2>&1; then echo $$p; break; fi; done)

BIN := .venv/bin
PY := $(BIN)/python
checksum = $(firstword $(shell cat $(1) | cksum))
RUN_STAMP := .venv/installed-$(call checksum,pyproject.toml requirements.lock)
DEV_STAMP := .venv/installed-dev-$(call checksum,pyproject.toml requirements-dev.lock)

.PHONY: gap test lint ui snapshot lock clean

gap: $(RUN_STAMP)  ## ingest the shipped facts, build, check, publish, print the table
	@$(BIN)/aigap refresh
	@$(BIN)/aigap show

test: $(DEV_STAMP)  ## the whole test suite
	@$(PY) -m pytest

lint: $(DEV_STAMP)  ## every linter that CI runs
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(BIN)/lint-imports
	$(PY) -m sqlfluff lint dbt_project/models dbt_project/tests
	$(PY) -m orchestration.dbt_deprecations
	$(BIN)/dagster definitions validate -m orchestration.definitions

ui: $(RUN_STAMP)  ## lineage, runs and checks on 127.0.0.1:3000, read-only
	@$(BIN)/aigap ui

# The development set contains the other, so either stamp will do for `gap`.
$(RUN_STAMP): requirements.lock pyproject.toml | $(PY)
	@$(call install,requirements.lock)
	@touch $@

$(DEV_STAMP): requirements-dev.lock pyproject.toml | $(PY)
	@$(call install,requirements-dev.lock)
	@touch $@ $(RUN_STAMP)

$(PY):
	@test -n "$(PYTHON)" || { echo "No Python 3.11, 3.12 or 3.13 found. Install one (Debian: apt-get install python3 python3-venv), or say which: make PYTHON=/path/to/python3 gap" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "$(PYTHON) cannot make environments. On Debian: apt-get install python3-venv" >&2; exit 1; }
	@echo "Creating .venv with $(PYTHON)"
	@$(PYTHON) -m venv .venv

# uv installs in a third of pip's time; where it cannot reach the registry that pip is configured for,
# pip does the same from the same hashes. Compiling the bytecode now costs seconds once; importing
# without it costs several on every run.
define install
	echo "Installing $(1)"; \
	$(PY) -c 'import uv' 2>/dev/null || $(PY) -m pip install --quiet --require-hashes --only-binary :all: -r requirements-uv.lock || exit 1; \
	$(BIN)/uv pip install --quiet --python $(PY) --require-hashes --compile-bytecode -r $(1) \
		|| { echo "uv could not; trying pip"; $(PY) -m pip install --quiet --require-hashes -r $(1); } || exit 1; \
	$(PY) -m pip install --quiet --no-deps --no-index --no-build-isolation --editable .
endef

snapshot: $(DEV_STAMP)  ## list the names of all assets and checks anew (tests/contract/definitions.txt)
	@AIGAP_WRITE_SNAPSHOT=1 $(PY) -m pytest tests/contract/test_definitions.py -k listed
	@git --no-pager diff --stat -- tests/contract/definitions.txt

lock: | $(PY)  ## resolve the dependencies anew
	$(PY) -c 'import uv' 2>/dev/null || $(PY) -m pip install --quiet --require-hashes -r requirements-uv.lock
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-strip-extras pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-strip-extras --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock

clean:  ## remove what was installed and built; the data under AIGAP_HOME stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dbt_project/target dbt_project/logs *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
