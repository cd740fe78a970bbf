# `make` lists what can be made. `make check` is the one command for a person and for CI.
#
# Three stamp files say what .venv holds, so that a second call is quick. Everything is installed from
# requirements/*.txt, exact versions by hash, setuptools included, which builds Freehold itself.

VENV ?= .venv
# The first Python that is new enough; the lock files are made with 3.11.
PYTHON ?= $(shell for python in python3.11 python3 python3.12 python3.13 python3.14; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
# More for pytest: make test ARGS="tests/kernel -x"
ARGS ?=

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
LOCKED := $(VENV)/.locked
DEV := $(VENV)/.dev
PEERS := $(VENV)/.peers
SOURCES := src verifier tests $(wildcard benchmarks) $(wildcard tools/*.py)

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow check lint format types contracts tidy docs bench dist lock debian-packages clean

help: ## list what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 24

demo: $(LOCKED) ## install and show Freehold at work, in minutes
	$(BIN)/freehold demo

test: $(DEV) debian-packages ## the tests, without the slow ones
	$(BIN)/pytest -m "not slow" $(ARGS)

test-slow: $(DEV) debian-packages ## all tests, with ten times the examples of each property
	$(BIN)/pytest --hypothesis-profile=thorough $(ARGS)

check: lint types contracts test ## lint, types, import contracts, then the tests (tidy and docs among them)

lint: $(DEV) ## ruff: rules and format
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)

format: $(DEV) ## let ruff mend what it can
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

types: $(DEV) ## mypy, strict
	$(BIN)/mypy

contracts: $(DEV) ## who may import whom
	$(BIN)/lint-imports

tidy: $(DEV) ## sizes, and the habits that a linter does not know
	$(BIN)/pytest tests/house/test_tidy.py

docs: $(DEV) ## links, commands and generated pages of the documents
	$(BIN)/pytest tests/house/test_docs.py

bench: $(PEERS) ## run the benchmarks, one after another
	@for bench in benchmarks/bench_*.py; do \
		test -e "$$bench" || continue; echo "$$bench"; $(BIN)/python "$$bench" || exit 1; done

dist: $(DEV) ## the wheel, its bill of materials and their checksums, the same on every machine
	$(BIN)/python tools/release.py dist

lock: $(DEV) ## make the lock files anew (UPGRADE=--upgrade for the newest versions)
	CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet $(UPGRADE) \
		--output-file requirements/lock.txt pyproject.toml
	CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet $(UPGRADE) --extra dev \
		--constraint requirements/lock.txt --output-file requirements/dev.txt pyproject.toml
	CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet $(UPGRADE) --extra dev --extra peers \
		--constraint requirements/dev.txt --output-file requirements/peers.txt pyproject.toml

debian-packages:
	@tools/debian-packages

clean: ## remove the environment, caches and the demo's estate
	rm -rf $(VENV) demo-estate .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	rm -rf build dist src/*.egg-info
	find src verifier tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" && $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Freehold needs Python 3.11 or newer, and found none ($(PYTHON))." >&2; \
		echo "On Debian: apt-get install python3 python3-venv. Elsewhere: make PYTHON=/path/to/python3.11 …" >&2; \
		exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "$(PYTHON) has no venv module. On Debian: apt-get install python3-venv" >&2; exit 1; }

$(LOCKED): requirements/lock.txt pyproject.toml | $(BIN)/python
	@echo "Installing Freehold into $(VENV), each package by its hash; the first time takes a minute or two."
	@$(PIP) install --quiet --require-hashes --requirement requirements/lock.txt
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): requirements/dev.txt $(LOCKED)
	@echo "Installing the tools for development into $(VENV)."
	@$(PIP) install --quiet --require-hashes --requirement requirements/dev.txt
	@touch $@

$(PEERS): requirements/peers.txt $(DEV)
	@echo "Installing what the benchmarks are compared with into $(VENV)."
	@$(PIP) install --quiet --require-hashes --requirement requirements/peers.txt
	@touch $@
