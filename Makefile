# Only a door: every target is a command or two, and README shows them for people without make.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3

.PHONY: run test test-all check bench clean

run: $(VENV)/ready          ## install, ingest the sample documents, open the chat
	$(BIN)/rag-app up

test: $(VENV)/ready         ## the test suite
	$(BIN)/python -m pytest

check: $(VENV)/ready        ## lint, format, types
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/ready        ## what README's numbers come from; needs ../shared/eval
	$(BIN)/python benchmarks/retrieval.py ../shared/eval/xquad/en ../shared/eval/xquad/zh ../shared/eval/cmrc2018

$(VENV)/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV)
