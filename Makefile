# Colloquy's tasks; `make` alone lists them. A comment behind `##` is what the list shows.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3)
JOBS ?= 2
ARGS ?=

BIN := .venv/bin
# Python compiles what is imported, when it is; to compile everything would double the time to set up.
unexport PYTHONDONTWRITEBYTECODE
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- The environment: what the lock files name, installed again only when one of them changes. ---

RUNTIME := .venv/.runtime
READY := .venv/.ready

$(RUNTIME): requirements-run.lock requirements-fast.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Colloquy needs Python 3.11 or later; name it: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "Python's venv module is missing; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { \
	  echo "Creating .venv"; $(PYTHON) -m venv --clear .venv; }
	@echo "Installing what requirements-run.lock names"
	@$(INSTALL) --require-hashes -r requirements-run.lock
	@$(INSTALL) --require-hashes -r requirements-fast.lock >.venv/fast.log 2>&1 || \
	  echo "gunicorn's C parser was not built (see .venv/fast.log); its Python parser does the same, slower."
	@touch $@

$(READY): $(RUNTIME) requirements.lock
	@echo "Installing what requirements.lock names"
	@$(INSTALL) --require-hashes -r requirements.lock
	@$(INSTALL) --no-build-isolation --editable .
	@touch $@

.PHONY: setup
setup: $(READY) ## create .venv from the lock files, when they have changed

COMPILE = CUSTOM_COMPILE_COMMAND='make lock' $(BIN)/pip-compile --quiet $(if $(UPGRADE),--upgrade) \
  --generate-hashes --allow-unsafe --strip-extras --no-annotate \
  --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options

.PHONY: lock
lock: $(READY) ## resolve the dependencies of pyproject.toml again (UPGRADE=1: to the newest)
	$(COMPILE) --extra dev --output-file requirements.lock pyproject.toml
	$(COMPILE) --constraint requirements.lock --output-file requirements-run.lock pyproject.toml
	sed -n 's/^fast = \["\(.*\)"\]$$/\1/p' pyproject.toml | $(COMPILE) --output-file requirements-fast.lock -

.PHONY: clean
clean: ## remove caches and build products; .venv and data/ stay
	rm -rf build dist *.egg-info htmlcov .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find app tests -name __pycache__ -prune -exec rm -rf {} +

# --- Running. ---

.PHONY: run
run: $(RUNTIME) ## serve on 127.0.0.1:8080 (COLLOQUY_HOST, COLLOQUY_PORT) in the foreground
	@exec $(BIN)/python -m app serve

# --- Testing: everything that has to hold before a change is merged. ---

.PHONY: test
test: lint types spec pytest ## lint, types, the spec, and every test with branch coverage

.PHONY: lint
lint: $(READY) ## ruff: rules and formatting
	$(BIN)/ruff check
	$(BIN)/ruff format --check

.PHONY: types
types: $(READY) ## mypy, strict
	$(BIN)/mypy

.PHONY: spec
spec: $(READY) ## openapi.yaml is a valid OpenAPI document
	$(BIN)/openapi-spec-validator openapi.yaml

.PHONY: pytest
pytest: $(READY) ## the tests (MongoDB's when MONGODB_URI is set; ARGS='-k name' for some of them)
	$(BIN)/pytest --numprocesses $(JOBS) --cov --cov-report term $(ARGS)

.PHONY: format
format: $(READY) ## let ruff format the code and mend what it can
	$(BIN)/ruff check --fix --exit-zero --quiet
	$(BIN)/ruff format

# --- Proofs and measurements: slower than tests. .ci/run runs those that it lists under PROOFS. ---
