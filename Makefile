# Every target that has a comment after ## is listed by `make help`.
PYTHON ?= python3
# The wheel of torch that the tests use. Elsewhere the smaller CPU build is at
# TORCH="torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu".
TORCH ?= torch==2.13.0
PYTEST_ARGS ?=
CONSTRAINTS := -c constraints.txt

RUN := .venv
TEST := .venv-test
PIP := -m pip --disable-pip-version-check

# What an installed copy depends on, and what the compiled library depends on.
KERNELS := $(shell find kernels -type f -not -name '*.pyc' -not -name '*.py')
SOURCES := $(shell find kernels runtime export -type f -not -name '*.pyc')
CPP := $(filter %.cpp %.hpp %.h %.cu %.cuh,$(KERNELS))
PACKAGING := pyproject.toml CMakeLists.txt constraints.txt

# torchsort compiles against the CPU: a CUDA compiler on the path, without the rest, breaks it.
PATH_WITHOUT_NVCC = $$(echo "$$PATH" | tr ':' '\n' | while read -r d; do \
	[ -x "$$d/nvcc" ] || echo "$$d"; done | paste -sd ':' -)

.DEFAULT_GOAL := help
.PHONY: help run test lint format wheel bench-speed bench-accuracy bench-sliced clean

help: ## List the targets.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

run: $(RUN)/.installed ## Install the slim runtime and print the MI matrix of the bundled data.
	@$(RUN)/bin/infonet demo

test: $(TEST)/.installed $(TEST)/.torchsort ## Run the tests (PYTEST_ARGS="-k name" for some).
	$(TEST)/bin/python -m pytest -q $(PYTEST_ARGS)

lint: $(TEST)/.installed ## Check style and types.
	$(TEST)/bin/ruff check .
	$(TEST)/bin/ruff format --check .
	$(TEST)/bin/mypy
	$(TEST)/bin/clang-format --dry-run -Werror $(CPP)

format: $(TEST)/.installed ## Put the sources in the house style.
	$(TEST)/bin/ruff check --fix .
	$(TEST)/bin/ruff format .
	$(TEST)/bin/clang-format -i $(CPP)

wheel: $(TEST)/.installed ## Build the wheel into dist/.
	rm -rf dist
	$(TEST)/bin/python $(PIP) wheel --quiet --no-deps --wheel-dir dist .
	@ls -l dist

bench-speed: $(TEST)/.installed ## Time the kernels and the estimator, one thread.
	$(TEST)/bin/python tests/benchmarks/speed.py

bench-accuracy: $(TEST)/.installed ## Measure the accuracy of the built-in model (20 minutes).
	$(TEST)/bin/python tests/benchmarks/accuracy.py --output build/accuracy

bench-sliced: $(TEST)/.installed ## Test independence with sliced MI (an hour; resumes).
	$(TEST)/bin/python tests/benchmarks/sliced.py

clean: ## Remove everything that make has made.
	rm -rf $(RUN) $(TEST) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(RUN)/bin/python:
	$(PYTHON) -m venv $(RUN)

$(RUN)/.installed: $(PACKAGING) $(SOURCES) | $(RUN)/bin/python
	$(RUN)/bin/python $(PIP) install --quiet $(CONSTRAINTS) .
	@touch $@

$(TEST)/bin/python:
	$(PYTHON) -m venv $(TEST)

$(TEST)/.torch: constraints.txt | $(TEST)/bin/python
	$(TEST)/bin/python $(PIP) install --quiet $(TORCH)
	@touch $@

# Editable: Python sources are used in place, so only the compiled library asks for a new install.
$(TEST)/.installed: $(PACKAGING) $(KERNELS) $(TEST)/.torch
	$(TEST)/bin/python $(PIP) install --quiet $(CONSTRAINTS) --editable '.[export,test]'
	@touch $@

$(TEST)/.torchsort: $(TEST)/.installed
	@if ! $(TEST)/bin/python -c 'import torchsort' 2>/dev/null; then \
		echo 'Compiling torchsort, which some tests compare with; this takes a minute.'; \
		$(TEST)/bin/python $(PIP) install --quiet $(CONSTRAINTS) setuptools wheel ninja && \
		env -u CUDA_HOME PATH="$(CURDIR)/$(TEST)/bin:$(PATH_WITHOUT_NVCC)" \
			$(TEST)/bin/python $(PIP) install --quiet $(CONSTRAINTS) --no-build-isolation \
			torchsort > $(TEST)/torchsort.log 2>&1 || \
		echo "torchsort did not compile (see $(TEST)/torchsort.log): those tests are skipped."; \
	fi
	@touch $@
