# Everything a person or a build server runs. `make` alone lists it.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.NOTPARALLEL:
.PHONY: help setup demo test lint bench lock clean

# Set, it makes every start compile every module again.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
PYTHON ?= python3
export PYTHON
WORKERS ?= 2
ARGS ?=

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Set up: environment, dependencies, front end, translations (quick when nothing changed)
	@scripts/setup.sh

demo: setup ## Serve the demo city on this machine (RESET=1 begins anew, CHANGBEI_PORT=… sets the port)
	@exec $(BIN)/changbei demo $(if $(filter 1 yes true,$(RESET)),--reset)

test: setup ## Run all tests (ARGS='-k name' selects, WORKERS=4 uses more processors)
	@scripts/browser.sh
	@$(BIN)/pytest -n $(WORKERS) --dist worksteal $(ARGS)

lint: setup ## Check style, types, layers, migrations, templates, translations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/check_project.py
	$(BIN)/python scripts/translations.py check

bench: setup ## Measure; prints a table and writes build/bench.json (ARGS='recovery' selects)
	@$(BIN)/python -m bench $(ARGS)

lock: setup ## Compile requirements.lock from pyproject.toml (ARGS=--upgrade takes newer versions)
	@scripts/lock.sh $(ARGS)

clean: ## Remove what was built, except the environment and the data under var/
	@rm -rf build changbei/web/static/built .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
