# `make` says what there is. Everything that it makes lies in .venv, var and the user's cache folder.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

PROJECTS := $(sort $(wildcard shared/*/pyproject.toml services/*/pyproject.toml deploy/*/pyproject.toml))
REAL := integration or e2e or faults or slow
MEMBERS := $(patsubst %/pyproject.toml,%,$(PROJECTS))

.PHONY: help setup lock run test fuzz check lint format types imports contracts new-service clean

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## Install everything into .venv (first time 1-3 minutes, then at once)

$(READY): requirements.lock pyproject.toml $(PROJECTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Caseway needs Python 3.11 or later; try make PYTHON=python3.12")'
	@echo "[1/4] A virtual environment in $(VENV) (10 s)"
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) || { \
		rm -rf $(VENV); echo "Python has no venv module. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@echo "[2/4] The installer that the lock file names (5 s)"
	@awk '/^uv==/ { on = 1 } on { print } on && !/\\$$/ { exit }' requirements.lock > $(VENV)/installer.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r $(VENV)/installer.txt
	@echo "[3/4] All packages at their locked versions and hashes (1-2 minutes the first time)"
	@VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/uv pip install --compile-bytecode --require-hashes -r requirements.lock
	@VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/uv pip install --quiet --no-deps --no-build-isolation $(foreach member,$(MEMBERS),-e $(member))
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m compileall -q $(addsuffix /src,$(MEMBERS))
	@echo "[4/4] Apache Kafka (30 s the first time)"
	@$(BIN)/python -m caseway_embedded.parts.kafka_jars
	@touch $@
	@echo "Ready: the command is $(BIN)/caseway"

lock: ## Renew requirements.lock after a change of dependencies
	@test -x $(BIN)/uv || { $(PYTHON) -m venv $(VENV) && $(BIN)/pip install --quiet uv; }
	@$(BIN)/uv lock
	@$(BIN)/uv export --quiet --frozen --all-packages --all-groups --all-extras --no-emit-workspace --no-header --no-annotate --output-file $(VENV)/requirements.lock
	@if grep -nE '://|^ *(-i|-f|--[a-z-]*(index|links|host))' $(VENV)/requirements.lock; then \
		echo "The lock file must not name a place to get packages from."; exit 1; fi
	@mv $(VENV)/requirements.lock requirements.lock
	@$(BIN)/uv pip install --quiet --dry-run --reinstall --only-binary :all: --require-hashes -r requirements.lock || { \
		echo "The machine that this has to run on has no compiler: every package needs a wheel."; exit 1; }
	@echo "$$(grep -c == requirements.lock) packages in requirements.lock"

run: setup ## Bring up the whole system, with its data in var/ (PORT=9000 for another port)
	@$(BIN)/caseway up --data var $(if $(PORT),--port $(PORT))

test: setup check ## Run every check and every test (PYTEST="…" adds options)
ifdef PYTEST
	@$(BIN)/pytest $(PYTEST)
else
	@echo "Tests of code alone, side by side"
	@$(BIN)/pytest -q -n auto --maxprocesses 4 --dist worksteal -m "not ($(REAL))"
	@echo "Tests on real parts, one after the other (Kafka and MongoDB start once)"
	@$(BIN)/pytest -m "$(REAL)"
endif

fuzz: setup ## Damage inputs of every parser until the time is up (SECONDS=600 each, SEED=… to repeat a run)
	@FUZZ_SECONDS=$(or $(SECONDS),600) FUZZ_SEED=$(or $(SEED),$$RANDOM) $(BIN)/pytest -q -s tests/fuzz

check: lint types imports contracts ## Run every check that needs no Kafka

lint: setup ## Style and common mistakes
	@echo "Style"
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .

format: setup ## Put the code into its style
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format --quiet .

types: setup ## Types, strictly, folder by folder (1-2 minutes the first time)
	@echo "Types"
	@$(BIN)/python tests/typecheck.py

imports: setup ## Who may import whom
	@echo "Imports"
	@test ! -f .importlinter || $(BIN)/lint-imports

contracts: setup ## The contracts' gates: schemas, examples, compatibility, topics
	@echo "Contracts"
	@test ! -f shared/contracts/src/caseway_contracts/gates/__main__.py || $(BIN)/python -m caseway_contracts.gates

new-service: setup ## Start a service of your own: make new-service NAME=packet-captures
	@test -n "$(NAME)" || { echo "Which one? make new-service NAME=packet-captures"; exit 2; }
	@$(BIN)/python templates/new_service.py $(NAME)

clean: ## Remove what setup and the checks made; var/ with its data stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
