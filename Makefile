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
LINT_TARGET := .venv/lint
RUN_STAMP := .venv/installed-$(call checksum,pyproject.toml requirements.lock)
DEV_STAMP := .venv/installed-dev-$(call checksum,pyproject.toml requirements-dev.lock)

.PHONY: gap install test rehearse lint ui snapshot lock clean

gap: $(RUN_STAMP)  ## ingest the shipped facts, build, check, publish, print the table
	@$(BIN)/aigap refresh
	@$(BIN)/aigap show

test: $(DEV_STAMP)  ## the whole test suite
	@$(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder

rehearse: $(DEV_STAMP)  ## eight quarters to come, from seven starting days (most of an hour); writes docs/rehearsal.md
	@AIGAP_REHEARSE=1 $(PY) -m pytest -n 2 --dist load tests/e2e/test_rehearsal.py -k eight_quarters

lint: $(DEV_STAMP)  ## every linter that CI runs
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy --no-error-summary
	$(BIN)/lint-imports
	$(PY) -m sqlfluff lint dbt_project/models dbt_project/tests
	$(BIN)/dbt --quiet parse --no-partial-parse --project-dir dbt_project --profiles-dir dbt_project \
		--target-path $(LINT_TARGET) \
		--log-path $(LINT_TARGET) --warn-error-options '{"error": ["Deprecations"]}'
	@mkdir -p $(LINT_TARGET)/dagster
	AIGAP_HOME=$(LINT_TARGET)/home DAGSTER_HOME="$(CURDIR)/$(LINT_TARGET)/dagster" \
		$(PY) -W ignore -m dagster definitions validate -m orchestration.definitions

install: $(RUN_STAMP)  ## the environment alone, without what tests and linters need

ui: $(RUN_STAMP)  ## lineage, runs and checks on 127.0.0.1:3000, read-only
	@$(BIN)/aigap ui

# A stamp's name carries the checksum of what was installed, so it needs no prerequisite that a checkout could touch.
# The development set contains the other, so its stamp will do for both.
$(RUN_STAMP): | $(BIN)/uv
	@$(call install,requirements.lock)
	@touch $@

$(DEV_STAMP): | $(BIN)/uv
	@$(call install,requirements-dev.lock)
	@touch $@ $(RUN_STAMP)

# uv installs in a third of pip's time. Where it cannot reach the registry that pip is configured for, pip does the
# same from the same hashes. Compiling the bytecode costs seconds once; without it every command pays.
define install
	echo "Installing $(1)"; \
	$(UV) --require-hashes --compile-bytecode -r $(1) \
		|| { echo "uv could not; trying pip"; $(PIP) --require-hashes -r $(1); } || exit 1; \
	$(UV) --no-index --no-deps --no-build-isolation --editable .
endef

UV := $(BIN)/uv pip install --quiet --python $(PY)
PIP := PIP=$$($(PY) -c 'import pip' 2>/dev/null && echo $(PY) || echo "$(PYTHON)"); "$$PIP" -m pip --python $(PY) install --quiet

$(BIN)/uv: requirements-uv.lock
	@test -n "$(PYTHON)" || { echo "No Python 3.11, 3.12 or 3.13 found. Install one (Debian: apt-get install python3 \
	python3-venv), or say where it is: make PYTHON=/path/to/python3 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "Creating .venv with $$($(PYTHON) --version)"
	@if $(PYTHON) -c 'import ensurepip' 2>/dev/null; then $(PYTHON) -m venv .venv; \
	elif $(PYTHON) -m pip --version >/dev/null 2>&1; then $(PYTHON) -m venv --without-pip .venv; \
	else echo "$(PYTHON) has neither ensurepip nor pip. Debian: apt-get install python3-venv" >&2; exit 1; fi
	@$(PIP) --require-hashes --only-binary :all: -r $<
	@touch $@

snapshot: $(DEV_STAMP)  ## list the names of all assets and checks anew (tests/contract/definitions.txt)
	@AIGAP_WRITE_SNAPSHOT=1 $(PY) -m pytest tests/contract/test_definitions.py -k listed
	@git --no-pager diff --stat -- tests/contract/definitions.txt

lock: | $(BIN)/uv  ## resolve the dependencies anew
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-strip-extras pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-strip-extras --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock

clean:  ## remove what was installed and built; the data under AIGAP_HOME stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dbt_project/target dbt_project/logs *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
