# make gap: from a fresh machine to the printed table.  make check: before a commit.  make test: the whole suite.
# make help lists them all.
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
# Whatever the linters write; absolute, because dbt takes a relative path as one of its project's.
LINT := $(CURDIR)/.venv/lint
LINTERS := lint-ruff lint-types lint-imports lint-sql lint-dagster
RUN_STAMP := .venv/installed-$(call checksum,pyproject.toml requirements.lock)
DEV_STAMP := .venv/installed-dev-$(call checksum,pyproject.toml requirements-dev.lock)

# The tag the checkout is on, and where a release's files go.
TAG ?= $(shell git describe --tags --exact-match 2>/dev/null)
TO ?= dist

.PHONY: help gap install check test wheel-check container-check release-files release-check rehearse lint $(LINTERS) test-quick ui snapshot lock clean

.DEFAULT_GOAL := gap

help:  ## this list
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/make \1|\2/p' Makefile | while IFS='|' read target what; do \
		printf '%-16s %s\n' "$$target" "$$what"; done

gap: $(RUN_STAMP)  ## ingest the shipped facts, build, check, publish, print the table
	@$(BIN)/aigap refresh
	@$(BIN)/aigap show
	@echo "All filings behind it: $(BIN)/aigap explain latest    Charts: $(BIN)/aigap report    More: $(BIN)/aigap --help"

test: $(DEV_STAMP)  ## the whole test suite
	@$(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test-quick: $(DEV_STAMP)
	@$(PY) -m pytest -n 2 --dist loadfile -m "not refresh and not slow" tests/unit tests/contract tests/golden

# Two at a time, what takes longest first; each one's output in one piece where make can.
SIDE_BY_SIDE = $(MAKE) --no-print-directory -j2 $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)

check: $(DEV_STAMP)  ## before a commit: linters, types and the tests that need no refresh, in under a minute
	@$(SIDE_BY_SIDE) lint-sql test-quick lint-types lint-dagster lint-imports lint-ruff

wheel-check: $(DEV_STAMP)  ## wheel and sdist, installed and refreshed on every supported Python of this machine (some minutes)
	@AIGAP_WHEEL_CHECK=1 $(PY) -m pytest tests/e2e/test_wheel.py tests/e2e/test_release_files.py -v

container-check:  ## the Dockerfile's steps in a Debian root, then refresh and show on a read-only one (root, debootstrap; minutes)
	@$(PYTHON) deploy/container_check.py

release-files: $(DEV_STAMP)  ## all files of a release and their hashes: make release-files TAG=v0.2.0 [TO=dist]
	@$(PY) deploy/release.py files "$(TAG)" "$(TO)"

release-check: $(DEV_STAMP)  ## that the tag gives those bytes again: make release-check TAG=v0.2.0 [TO=dist]
	@$(PY) deploy/release.py check "$(TAG)" "$(TO)"

rehearse: $(DEV_STAMP)  ## the quarter that is due, then eight quarters from seven starting days (hours; AIGAP_REHEARSE_DAYS=6: an hour); writes docs/rehearsal.md
	@AIGAP_REHEARSE=1 $(PY) -m pytest -n 2 --dist load tests/e2e/test_rehearsal.py

lint: $(DEV_STAMP)  ## every linter that CI runs
	@$(SIDE_BY_SIDE) lint-sql lint-types lint-dagster lint-imports lint-ruff

$(LINTERS): export PYTHONDONTWRITEBYTECODE := 1

lint-ruff: $(DEV_STAMP)
	$(PY) -m ruff check --cache-dir "$(LINT)/ruff" .
	$(PY) -m ruff format --check --cache-dir "$(LINT)/ruff" .

lint-types: $(DEV_STAMP)
	$(PY) -m mypy --no-error-summary --cache-dir "$(LINT)/mypy"

lint-imports: $(DEV_STAMP)
	$(BIN)/lint-imports --cache-dir "$(LINT)/imports"

# A file that passed is read again when it changed, or when something that all of them depend on did.
SQL := $(shell find dbt_project/models dbt_project/tests -name '*.sql' | sort)
lint-sql: .venv/lint-sql
.venv/lint-sql: $(SQL) $(wildcard dbt_project/macros/*.sql dbt_project/lint/*) pyproject.toml | $(DEV_STAMP)
	$(PY) -m sqlfluff lint $(if $(filter-out $(SQL),$?),$(SQL),$?)
	@touch $@

# dbt's own parse, with its deprecations as errors, makes the manifest that Dagster's definitions are then made from.
lint-dagster: $(DEV_STAMP)
	AIGAP_MEMORY_LIMIT=unused $(BIN)/dbt --quiet parse --no-partial-parse --project-dir dbt_project --profiles-dir dbt_project \
		--target-path "$(LINT)/home/dbt/target" --log-path "$(LINT)" --warn-error-options '{"error": ["Deprecations"]}'
	@mkdir -p "$(LINT)/dagster" && touch "$(LINT)/dagster/dagster.yaml"
	@cp "$(LINT)/home/dbt/target/manifest.json" "$$(AIGAP_HOME="$(LINT)/home" $(PY) -c \
		'from orchestration.models import manifest_path; from warehouse.store.home import find_home; print(manifest_path(find_home()))')"
	AIGAP_HOME="$(LINT)/home" DAGSTER_HOME="$(LINT)/dagster" \
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
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info build dist logs \
		dbt_project/target dbt_project/logs
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
