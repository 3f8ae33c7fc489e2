# Two commands need nothing but Python 3.11 or newer: `make demo` and `make test`.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Where torch has a GPU to run on it may bring its CUDA libraries; elsewhere the pinned build is enough.
CONSTRAINTS := $(if $(shell command -v nvidia-smi 2>/dev/null),,-c constraints-cpu.txt)
# Address of an index with CPU-only builds of torch, where there is one (see README).
INDEX := $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX),)
READY := $(VENV)/.ready

.PHONY: help demo test lint types imports check figures clean

help:
	@echo "make demo    set up, make the demo song, do the whole job on it"
	@echo "make test    set up, run every test"
	@echo "make check   lint, types and import contract"
	@echo "make figures make every committed figure anew (needs ../shared/data)"

$(READY): pyproject.toml setup.py constraints-cpu.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "mixingbuddy needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12 demo"; exit 2; }
	@echo "setting up $(VENV) (a few minutes the first time)"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(CONSTRAINTS) $(INDEX) -e '.[dev]'
	@touch $(READY)

demo: $(READY)
	$(BIN)/mixingbuddy demo --out demo

test: $(READY)
	$(BIN)/python -m pytest -n auto -q

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

imports: $(READY)
	PYTHONPATH=typetree $(BIN)/lint-imports

check: lint types imports

figures: $(READY)
	$(BIN)/python -m mixingbuddy.models.prior_fit --data ../shared/data/musdb18-7s/train
	$(BIN)/python benchmarks/roles.py --write
	$(BIN)/python benchmarks/level_difference.py --write
	$(BIN)/python benchmarks/spectral_curves.py
	$(BIN)/python -m mixingbuddy.models.credits_fit --data ../shared/data
	$(BIN)/python benchmarks/balance.py --write
	$(BIN)/python benchmarks/differential.py --write
	$(BIN)/python docs/readme_transcripts.py

clean:
	rm -rf $(VENV) build dist demo *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
