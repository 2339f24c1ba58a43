PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Test processes at a time, each with a server of its own; half the suite is waiting. A file
# stays in one of them: the examples of a page are one story.
JOBS ?= $(shell $(PYTHON) -c "import os; print(min(12, 3 * (os.cpu_count() or 1)))")
# Hundreds of processes load what the first of them compiled.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test litellm mutants lint types bench soak docs build smoke clean

# One stamp a set of extras: what is asked for is installed once.
$(VENV)/.installed-%: pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[$*]'
	@touch $@

demo: $(VENV)/.installed-all
	$(BIN)/credits demo $(if $(ONCE),--once) $(if $(URL),--url $(URL))

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

# With the real LiteLLM, whose 350 MB `make test` does without.
litellm: $(VENV)/.installed-test $(VENV)/.installed-litellm
	$(BIN)/python -m pytest -m litellm tests/adapters/test_litellm.py $(ARGS)

# Does anything notice when a rule of the ledger is wrong?
mutants: $(VENV)/.installed-test
	$(BIN)/python -m tests.mutants $(ARGS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-dev
	$(BIN)/mypy
	$(BIN)/pyright

bench: $(VENV)/.installed-test
	$(BIN)/python -m tests.benchmarks $(ARGS)

soak: $(VENV)/.installed-test
	$(BIN)/python -m pytest -m soak $(ARGS)

docs: $(VENV)/.installed-dev
	$(BIN)/sphinx-build -W -q -b html docs docs/_build/html

build: $(VENV)/.installed-dev
	$(BIN)/python -m build

# The built wheel, alone in an empty environment, with one extra.
smoke: build
	rm -rf $(VENV)/smoke && $(PYTHON) -m venv $(VENV)/smoke
	$(VENV)/smoke/bin/python -m pip install --quiet "$$(ls -t dist/*.whl | head -1)[memory,cli]"
	cd $(VENV) && smoke/bin/credits init alice --url memory:// && smoke/bin/python -c "from credits_core import Credits; \
		credits = Credits.from_url('memory://', auto_initialize=True); assert credits.deduct('a', 1, 'x').balance == 99"

clean:
	rm -rf $(VENV) dist build docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis
