# Everything that is done with this project is a target here; `make help` lists them.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv pip install --quiet --python $(BIN)/python
COUNTERPARTIES := $(VENV)/counterparties
BROWSER := tests/counterparties/browser
NODE_SUITES := $(patsubst %/package-lock.json,%,$(wildcard tests/counterparties/*/package-lock.json))
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Tests start hundreds of processes: each is twice as fast where what it imports is compiled once, and kept here.
export PYTHONDONTWRITEBYTECODE :=
export PYTHONPYCACHEPREFIX := $(CURDIR)/$(VENV)/compiled

.DEFAULT_GOAL := help
.PHONY: help setup demo run test coverage lint check fix bench bench-crash bench-setup screenshots docs lock clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | expand -t 12

$(VENV)/.uv: requirements/build.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/build.txt
	@touch $@

$(VENV)/.run: $(VENV)/.uv requirements/run.txt pyproject.toml
	$(UV) --require-hashes -r requirements/run.txt
	$(UV) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements/dev.txt
	$(UV) --require-hashes -r requirements/dev.txt
	@touch $@

# What these servers need is not what we need: they have an environment of their own.
$(COUNTERPARTIES)/.ready: $(VENV)/.uv requirements/counterparties.txt
	$(PYTHON) -m venv --without-pip $(COUNTERPARTIES)
	$(BIN)/uv pip install --quiet --python $(COUNTERPARTIES)/bin/python --require-hashes -r requirements/counterparties.txt
	@touch $@

%/node_modules/.ready: %/package-lock.json
	cd $* && npm ci --silent --no-audit --no-fund
	@touch $@

$(VENV)/chromium/.ready: $(BROWSER)/node_modules/.ready $(BROWSER)/unpack.mjs
	node $(BROWSER)/unpack.mjs $(VENV)/chromium
	@touch $@

setup: $(VENV)/.dev $(COUNTERPARTIES)/.ready $(VENV)/chromium/.ready $(NODE_SUITES:%=%/node_modules/.ready) ## Install everything that development needs, inside this folder

demo: $(VENV)/.run ## Show the main job, for real (ARGS=--keep leaves it running)
	@$(BIN)/python -m callout demo $(ARGS)

run: $(VENV)/.run ## Start the server on ~/.callout (made on first use)
	@test -e "$${CALLOUT_HOME:-$$HOME/.callout}" || $(BIN)/callout init
	@$(BIN)/callout serve $(ARGS)

lint: $(VENV)/.dev ## Format, lint, types and import contracts
	$(BIN)/ruff format --check src tests bench scripts
	$(BIN)/ruff check src tests bench scripts
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint ## Lint and unit tests: under 90 seconds
	$(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder -m "not journey and not counterparty" \
		--ignore tests/journeys --ignore tests/counterparties

# Three at a time on two cores: much of what journeys do is to wait for a process.
test: setup lint ## Pass every test
	$(BIN)/python -m pytest -q -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

coverage: setup ## Pass every test and measure what they reach, in every process (slower)
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report --skip-covered

fix: $(VENV)/.dev ## Format and mend what tools can mend
	$(BIN)/ruff format src tests bench scripts
	$(BIN)/ruff check --fix src tests bench scripts

bench: $(VENV)/.dev ## Measure Callout against nginx, side by side (needs Debian's nginx and wrk)
	$(BIN)/python bench/callout_vs_nginx.py $(ARGS)

bench-crash: setup ## Kill a process at every step of a refresh, fifty times each, and count what became of the token
	$(BIN)/python bench/crash.py $(ARGS)

bench-setup: setup ## Open the list of 5,000 named credentials in a browser, beside a static page of the same size
	$(BIN)/python bench/setup_list.py $(ARGS)

screenshots: setup ## Take the pictures of docs/setup.md anew
	rm -f docs/images/setup/*.png
	PICTURES=docs/images/setup $(BIN)/python -m pytest -q tests/counterparties/test_setup_pages.py

docs: $(VENV)/.dev ## Generate the reference pages
	$(BIN)/python scripts/generate_docs.py

lock: $(VENV)/.uv ## Lock the dependencies anew, with hashes and without addresses
	for group in build run dev counterparties; do scripts/lock $$group; done

clean: ## Remove everything that was installed or generated here
	rm -rf $(VENV) $(NODE_SUITES:%=%/node_modules) .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
