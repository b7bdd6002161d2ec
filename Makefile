# Everything a newcomer needs. Each target sets up what it wants by itself; it asks for Python >= 3.11 and nothing else.
#
#   make demo ARGS=--once      arguments for the command behind the target
#   make test PYTHON=python3.13

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PYTEST := $(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist worksteal

# The first that is new enough and can make a virtual environment; shims of versions that are not there fail here.
PYTHON ?= $(shell for each in python3 python3.13 python3.12 python3.11; do \
	"$$each" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 \
	&& echo "$$each" && break; done)

.DEFAULT_GOAL := help
.PHONY: help demo run test check fuzz bench bench-full sweep lock clean

help:
	@echo 'make TARGET [ARGS="..."]'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s%s\n", $$1, $$2 }' Makefile

demo: $(VENV)/.run ## a red warning to a whole prefecture, on local gateways
	$(BIN)/warnd demo $(ARGS)

run: $(VENV)/.run ## the daemon with config/warnd.toml
	$(BIN)/warnd serve --config config/warnd.toml $(ARGS)

test: $(VENV)/.dev ## all tests
	$(PYTEST) $(ARGS)

check: $(VENV)/.dev ## format, lint, types, imports, then all tests: what CI runs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PYTEST) $(ARGS)

fuzz: $(VENV)/.dev ## spoilt messages through intake: ARGS="--minutes 10 --seed 1"
	$(BIN)/python -m tests.fuzz $(ARGS)

bench: $(VENV)/.bench ## the published benchmark, peers beside us
	$(BIN)/python -m bench $(ARGS)

bench-full: $(VENV)/.bench ## the same with more rounds, and a million queued
	$(BIN)/python -m bench --full $(ARGS)

sweep: $(VENV)/.bench ## kill -9 at 200 random points, nobody lost: ARGS="--deployment scaled"
	$(BIN)/python -m bench sweep $(ARGS)

# Stamps: a step is done again only when what it reads has changed.
$(VENV)/.run: requirements/build.txt requirements/run.txt pyproject.toml
	@test -n "$(PYTHON)" || { \
		echo 'warnd needs Python >= 3.11 with venv (on Debian: python3-venv). Name one with make PYTHON=...' >&2; \
		exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo 'Installing what warnd needs into $(VENV) ...'
	@$(PIP) install --require-hashes -r requirements/build.txt -r requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements/dev.txt
	@echo 'Installing what the tests need into $(VENV) ...'
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/.bench: $(VENV)/.dev requirements/bench.txt
	@echo 'Installing what the benchmark measures beside us into $(VENV) ...'
	@$(PIP) install --require-hashes -r requirements/bench.txt
	@touch $@

UV := build/uv/bin/uv
LOCK = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url

lock: ## the newest versions that fit together, with hashes, into requirements/
	@$(PYTHON) -m venv build/uv
	@build/uv/bin/python -m pip --disable-pip-version-check --quiet install uv
	$(LOCK) --upgrade pyproject.toml --extra demo --group dev --output-file requirements/dev.txt
	$(LOCK) pyproject.toml --extra demo --group dev --group bench --constraint requirements/dev.txt --output-file requirements/bench.txt
	$(LOCK) pyproject.toml --extra demo --constraint requirements/dev.txt --output-file requirements/run.txt
	$(LOCK) requirements/build.in --constraint requirements/dev.txt --output-file requirements/build.txt

clean: ## the environment and all caches; never var/
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
