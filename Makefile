PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-slow test-all check format bench docs clean

help:  ## Say what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

setup: $(VENV)/.dev  ## Install foldglass and the tools for working on it into .venv

demo: $(VENV)/.core  ## Install foldglass, compare and search some example proteins
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh examples/demo.sh

test: $(VENV)/.dev  ## Run the tests, a few minutes
	$(BIN)/python -m pytest -q

test-slow: $(VENV)/.dev  ## Run the tests that take minutes each
	$(BIN)/python -m pytest -q -m slow

test-all: test test-slow  ## Run all tests

check: $(VENV)/.dev  ## Check format, style, types and the direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev  ## Put the code in the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.dev  ## Measure speed; each result is added to benchmarks/history
	set -e; for file in benchmarks/bench_*.py; do $(BIN)/python $$file; done

docs: $(VENV)/.dev  ## Write docs/cli.md from the commands
	$(BIN)/python docs/make_cli.py

clean:  ## Remove the environment and the caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

# The stamps make the environment again when what it is made from changes.
$(VENV)/.core: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q -c constraints.txt -e .
	touch $@

$(VENV)/.dev: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[dev]'
	touch $(VENV)/.core $@
