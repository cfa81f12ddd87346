# The whole project in a few words. `make` alone lists them.
# PYTHON chooses the interpreter the environments are made with; FOREIGN_PYTHON the one for other people's clients.
PYTHON ?= python3
FOREIGN_PYTHON ?= $(PYTHON)

BIN := .venv/bin
READY := .venv/.ready
FOREIGN_READY := .venv-foreign/.ready
WORKERS ?= 2
PIP_INSTALL := -m pip --disable-pip-version-check --no-input install --quiet
LOCKED := --require-hashes --only-binary :all:
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --only-binary :all: --generate-hashes --no-header

.PHONY: help setup foreign demo test style types house bench proof docs lock clean

help:
	@echo "setup    make .venv from the lock and install the project into it"
	@echo "demo     the main job, offline, within a minute"
	@echo "test     every test, the foreign clients' included"
	@echo "style    ruff: lint and format        types   mypy, strict"
	@echo "house    the laws of the house        docs    links and commands of the documents"
	@echo "bench    Fairlead beside its peers    proof   the long runs"
	@echo "foreign  make .venv-foreign           lock    resolve requirements/ anew"
	@echo "clean    remove what the above made"

setup: $(READY)

foreign: $(FOREIGN_READY)

demo: setup
	$(BIN)/fairlead demo

test: setup foreign
	$(BIN)/pytest -n $(WORKERS) --dist worksteal

style: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy --strict src tests examples

house: setup
	$(BIN)/pytest tests/house

docs: setup
	$(BIN)/pytest tests/house/test_docs.py

bench: setup foreign
	@for file in benchmarks/[!_]*.py; do echo "== $$file"; $(BIN)/python "$$file" || exit 1; done

proof: setup foreign
	FAIRLEAD_PROOF=1 $(BIN)/pytest -v -n $(WORKERS) -m proof --timeout 0 --dist worksteal

lock: setup
	$(LOCK) $(UPGRADE) -o requirements/runtime.txt pyproject.toml
	$(LOCK) $(UPGRADE) -o requirements/dev.txt --group dev -c requirements/runtime.txt pyproject.toml
	$(LOCK) $(UPGRADE) -o requirements/foreign.txt --group foreign

clean:
	rm -rf .venv .venv-foreign .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The lock first, hash by hash; then the project itself, which may bring nothing along.
$(READY): requirements/dev.txt pyproject.toml
	$(call new_venv,$(PYTHON),.venv)
	$(BIN)/python $(PIP_INSTALL) $(LOCKED) -r requirements/dev.txt
	$(BIN)/python $(PIP_INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(FOREIGN_READY): requirements/foreign.txt
	$(call new_venv,$(FOREIGN_PYTHON),.venv-foreign)
	.venv-foreign/bin/python $(PIP_INSTALL) $(LOCKED) -r requirements/foreign.txt
	@touch $@

# $(1) the interpreter, $(2) the folder. Whatever is missing is named with the one line that mends it.
define new_venv
	@command -v $(1) >/dev/null || { echo "$(1) is missing: apt install python3 python3-venv"; exit 1; }
	@$(1) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' || \
		{ echo "Fairlead needs Python 3.11 to 3.14: make PYTHON=python3.12 ..."; exit 1; }
	@$(1) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "$(1) cannot make environments: apt install python3-venv"; exit 1; }
	@test -x $(2)/bin/python || $(1) -m venv $(2)
endef
