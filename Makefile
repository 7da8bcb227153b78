# One command each. `make demo` and `make test` set up everything they need in .venv.
PYTHON ?= python3
BIN := .venv/bin
# Real data for tests and benchmarks: set LUTSMITH_DATA, or keep a folder shared/datasets beside this one.
ifneq ($(wildcard ../shared/datasets),)
export LUTSMITH_DATA ?= $(abspath ../shared/datasets)
endif

.PHONY: demo test test-slow test-oldest test-python lint docs mutants bench verify dist clean

.venv/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

demo: .venv/.installed
	$(BIN)/lutsmith train digits --preset digits-fast --out runs/demo --overwrite
	$(BIN)/lutsmith info runs/demo/model.lut
	$(BIN)/lutsmith eval runs/demo/model.lut

# Two processes, a file of tests in one of them: what several tests of a file share is made once. Files keep their order: those of
# few and long tests would come last otherwise, and one process would wait for them.
test: .venv/.installed
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not slow"

# The tests that take seconds each, alone or with all their cases.
test-slow: .venv/.installed
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m slow

# The estimators with the oldest scikit-learn that the extra allows.
OLDEST := .venv/scikit-learn-1.6
test-oldest: .venv/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade --target $(OLDEST) 'scikit-learn==1.6.*'
	PYTHONPATH=$(OLDEST) $(BIN)/python -m pytest -n 2 tests/estimators/test_checks.py tests/estimators/test_estimators.py -W ignore::DeprecationWarning -W ignore::pytest.PytestRemovedIn10Warning

# The wheel without extras, under any Python: imports, predictions, additive learning, exports and formats. What needs an extra is
# skipped; three files import PyTorch. `make test-python PYTHON=python3.13`.
PLAIN := .venv/plain
test-python:
	rm -rf $(PLAIN)
	$(PYTHON) -m venv $(PLAIN)
	$(PLAIN)/bin/python -m pip install --quiet --disable-pip-version-check . hypothesis pytest pytest-timeout pytest-xdist
	CI= $(PLAIN)/bin/python -m pytest -n 2 --dist loadfile tests/test_import.py tests/circuit tests/formats tests/logic tests/export \
	  tests/additive --ignore tests/circuit/test_sliding.py --ignore tests/additive/test_encoding.py --ignore tests/additive/test_start.py

lint: .venv/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md docs src benchmarks examples

.venv/.docs: .venv/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	touch $@

# The site, in docs/_build, with its notebooks executed: every warning is an error, broken links and names that no page
# documents among them.
docs: .venv/.docs
	PYTHONPATH=. $(BIN)/python -m sphinx -b html -W --keep-going -n -q -j auto docs docs/_build

# Whether tests notice when the code is wrong: 300 mutants, at most an hour on two cores. CONTRIBUTING.md says how to read it.
mutants: .venv/.installed
	$(BIN)/python -m benchmarks.mutants --count 300 --seed 0 --workers 2

bench: .venv/.installed
	$(BIN)/python -m benchmarks

verify: .venv/.installed
	$(BIN)/python -m benchmarks.verify

# What is released: both files are checked, and the wheel predicts in an environment that has nothing else.
dist: .venv/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check build twine
	rm -rf dist .venv/wheel
	$(BIN)/python -m build --outdir dist .
	$(BIN)/python -m twine check --strict dist/*
	$(PYTHON) -m venv .venv/wheel
	.venv/wheel/bin/python -m pip install --quiet --disable-pip-version-check dist/*.whl
	cd dist && ../.venv/wheel/bin/python -c "import numpy, lutsmith; circuit = lutsmith.load('../tests/compatibility/files/circuit-all-traits.lut'); \
	  print(circuit, circuit.predict(numpy.zeros((2, *circuit.input_shape))))"

clean:
	rm -rf .venv runs
