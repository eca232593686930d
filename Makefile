# make demo   set up, then check, compile and report ResNet-152 and train a small residual network on real images
# make test   set up, then run the linters, the type checker and every test

PYTHON ?= python3
BIN := .venv/bin
WORKERS ?= 2

.PHONY: help demo test lint coverage docs playground bench vsix campaign clean
.DELETE_ON_ERROR:

help:
	@sed -n 's/^# make/make/p' Makefile

demo: .venv/.torch
	$(BIN)/resspec check specs/resnet152.res
	$(BIN)/resspec compile specs/resnet152.res
	$(BIN)/resspec train digits --data digits

test: lint
	$(BIN)/python -m tests.system
	$(BIN)/pytest -n $(WORKERS) --dist worksteal

# make lint   formatting, ruff, mypy and import-linter alone
lint: .venv/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# make coverage  the lines of the light part, which runs without torch, that its tests reach
coverage: .venv/.dev
	$(BIN)/pytest -n $(WORKERS) --dist worksteal --cov --cov-report=term tests --ignore=tests/train --ignore=tests/study

# make docs   the documentation, as a site in build/site
docs: .venv/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# make playground  the compiler in a browser tab, as one static folder, build/playground; needs npm
playground: .venv/.dev
	$(BIN)/python playground/build.py
	$(BIN)/pytest tests/editors/test_playground.py

# make bench  the promises about speed, as ratios measured in one run
bench: .venv/.dev
	$(BIN)/pytest tests/benchmarks -s

# make vsix   the extension for VS Code, as editors/vscode/build/resspec.vsix; needs npm
vsix:
	cd editors/vscode && npm run package

# make campaign  hours of random tests, on all cores or CAMPAIGN_WORKERS; stop it at any time, and run it again to resume
campaign: .venv/.dev
	$(BIN)/pytest tests/campaign -s

# make clean  remove what was built and the environment
clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# One environment; a stamp for each extra of pyproject.toml that is installed in it.
.venv/.%: pyproject.toml | .venv/bin/pip
	$(BIN)/python -m pip install --editable '.[$*]'
	@touch $@

.venv/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo 'resspec needs Python 3.11 or newer: make PYTHON=python3.12 ...' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo 'Python has no venv module: apt-get install python3-venv' >&2; exit 1; }
	$(PYTHON) -m venv .venv
