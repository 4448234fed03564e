# make bunny: set everything up and run the main job.   make test: the tests, but for slow ones.
# make test-all: every test.
# make rows: the papers' experiments, small.
# make docs: the site of the documentation, in out/site, without a warning.
# PYTHON chooses the interpreter, VENV the folder of the environment.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: bunny test test-all rows check docs clean

bunny: $(VENV)/.installed
	$(BIN)/python scripts/solve_mesh.py assets/bunny.ply --bath

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n auto

test-all: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n auto -m ""

rows: $(VENV)/.installed
	$(BIN)/python scripts/reproduce.py --all --quick --fresh --out out/rows

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)-docs/.installed
	$(VENV)-docs/bin/python -m sphinx -W --keep-going -q -d out/site-trees docs out/site

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q -c constraints.txt -e ".[all]"
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install -q -c constraints.txt -e ".[all,dev]"
	touch $@

$(VENV)-docs/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)-docs
	$(VENV)-docs/bin/python -m pip install -q -c constraints.txt -e ".[all,docs]"
	touch $@

clean:
	rm -rf $(VENV) $(VENV)-docs docs/generated docs/sg_execution_times.rst out
