# Works with GNU make 3.81 (macOS) and later; needs Python >= 3.11, brings everything else.
SHELL := /bin/bash
.DEFAULT_GOAL := help
# Both ways to install write into the same .venv, one after the other.
.NOTPARALLEL:
# Hundreds of processes import the same modules: they are compiled once, also where an image asks for the contrary.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help demo demo-all provider serve reader exercises lab unit test test-all test-tensorflow test-external test-peers test-pythons check bench survival experiment screenshot generate \
	notebooks models proven exports mutants constraints clean

PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3; do \
	$$python -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
NO_PYTHON = $(or $(PYTHON),no python3 here) is no Python >= 3.11 with venv; install one (Debian: apt install python3-venv), \
	or name it: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)
PYTHONS ?= $(shell for python in python3.11 python3.12 python3.13 python3.14; do $$python -c 'import ensurepip' 2>/dev/null && \
	[ "$$($$python -V)" != "$$($(PYTHON) -V)" ] && echo $$python; done)
BIN := .venv/bin
FOR_TESTS := --editable '.[test,train,lab,drift]'
FOR_EXPORTS := --constraint constraints-exports.txt --editable '.[train,exports]'
FOR_MUTANTS := --editable '.[mutants]'
FOR_MLSERVER := mlserver onnxruntime
FOR_PEERS := --editable '.[peers]'
FOR_TENSORFLOW := --constraint constraints-tensorflow.txt --editable '.[test,tensorflow]'
PIP := -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
UV := -m uv pip install --quiet --system-certs --compile-bytecode --constraint constraints.txt
# $(call install,ENVIRONMENT,WHAT): with uv, a quarter of pip's time; with pip where uv is not to be had, or where the
# package index is named in pip's configuration only.
install = $(1)/bin/python $(UV) --python $(1)/bin/python $(2) 2>$(1)/uv.log || $(1)/bin/python $(PIP) $(2)

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/installed ## Kafka, the provider and a server (VARIANT=...), and a live view of all three; Ctrl-C ends them
	@$(BIN)/python -m client.demo $(if $(VARIANT),--variant '$(VARIANT)')

demo-all: .venv/installed ## All five servers beside each other, to be killed live; Ctrl-C ends them
	@$(BIN)/python -m client.demo.all

provider: .venv/installed ## Kafka and a provider of wines and models, for the servers below
	@$(BIN)/python -m client.provider

serve: .venv/installed ## A server, which needs a provider: make serve VARIANT=streams_kvstore; default: custom_stage
	@$(BIN)/python -m $(or $(VARIANT),custom_stage).server

reader: .venv/installed ## What the servers say
	@$(BIN)/python -m client.reader

exercises: .venv/installed ## Holes in the servers, graded at every save; with an editor: EDIT='code --goto {file}:{line}'
	@$(BIN)/python -m exercises $(if $(EDIT),--edit-cmd '$(EDIT)')

lab: .venv/installed-for-lab ## The walkthroughs in JupyterLab, on a broker of their own: notebooks/README.md; Ctrl-C ends both
	@$(BIN)/python -m notebooks.kit.lab

unit: .venv/installed-for-tests ## The tests that need no broker
	@$(BIN)/python -m pytest -n 2 tests/unit

test: .venv/installed-for-tests .venv/kafka-prepared check ## Everything that shows the promises, on a real broker
	@$(BIN)/python -m pytest -n 3 --no-loadscope-reorder  # the slow ones are first by name

test-all: test ## And what is slow for what it shows, what needs TensorFlow, MLServer or Quix Streams, and other Pythons
	@$(BIN)/python -m pytest -n 3 -m thorough --ignore=tests/mlserver_extra --ignore=tests/peers_extra
	@$(MAKE) test-tensorflow
	@$(MAKE) test-external
	@$(MAKE) test-peers
	@$(MAKE) test-pythons

test-pythons: .venv/kafka-prepared ## What needs no TensorFlow, on every other Python that is installed (PYTHONS=...)
	@set -e; for python in $(PYTHONS); do \
		$(MAKE) .venv-$$python/installed; \
		.venv-$$python/bin/python -m pytest -n 3 tests/unit tests/contract; \
	done

test-tensorflow: .venv-tensorflow/installed ## What needs TensorFlow (2 GB, in an environment of its own)
	@.venv-tensorflow/bin/python -m pytest tests/tensorflow_extra

test-external: .venv/installed-for-tests .venv/kafka-prepared .venv-mlserver/installed ## What needs MLServer (in an environment of its own)
	@$(BIN)/python -m pytest -m thorough tests/mlserver_extra

test-peers: .venv/installed-for-tests .venv/kafka-prepared .venv-peers/installed ## What needs Quix Streams (500 MB, in an environment of its own)
	@$(BIN)/python -m pytest -m thorough tests/peers_extra

check: .venv/installed-for-tests ## Lint, types, layers
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/ruff check --quiet
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

bench: .venv/kafka-prepared ## How fast each variant is: docs/experiments/throughput.md; fewer records: make bench RECORDS=30000
	@$(BIN)/python -m experiments.throughput $(if $(RECORDS),--records $(RECORDS))

survival: .venv/kafka-prepared ## What each variant survives, measured: the second table in the README
	@$(BIN)/python -m experiments.survival

experiment: .venv/installed-for-tests .venv/kafka-prepared ## One question, measured, and its page in docs/experiments: make experiment NAME=duplicates
	@$(if $(filter external,$(NAME)),$(MAKE) .venv-mlserver/installed)
	@$(if $(filter duplicates peers,$(NAME)),$(MAKE) .venv-peers/installed)
	@$(BIN)/python -m experiments $(NAME) $(ARGS)

screenshot: .venv/installed ## The picture of demo-all in the README: docs/demo-all.png; needs Chromium
	@$(BIN)/python -m client.demo.all.screenshot

generate: .venv/installed-for-tests ## The code of protobufs/*.proto, the skeletons of the exercises, and tables in README and docs/scaling.md
	@$(BIN)/python -m grpc_tools.protoc -I. --python_out=. --pyi_out=. protobufs/*.proto
	@$(BIN)/python -m exercises.skeletons
	@$(BIN)/python -m experiments.survival.table
	@$(BIN)/python -m experiments.sizing

notebooks: .venv/installed-for-tests .venv/kafka-prepared ## Execute the walkthroughs, and write notebooks/*.ipynb; some: NAMES='the_log'
	@$(BIN)/python -m notebooks.kit.build $(NAMES)

mutants: .venv-mutants/installed ## How strict the graders of the exercises are: docs/experiments/mutants.md
	@.venv-mutants/bin/python -m exercises.mutants

models: .venv/installed-for-tests ## Train the models in data/models again, and write their card; measured on: REAL_WINES=winequality-red.csv
	@$(BIN)/python -m data.train_models $(if $(REAL_WINES),--real-wines '$(REAL_WINES)')

proven: .venv/installed-for-tests ## What PMML4S is proven right on, scored again by JPMML's evaluator (AGPL-3.0, fetched): tests/proven
	@$(BIN)/python -W ignore -m data.proven_documents 2>/dev/null

exports: .venv-exports/installed ## Train what tests/exports has, with LightGBM, XGBoost and CatBoost (300 MB, in an environment of its own)
	@.venv-exports/bin/python -W ignore -m data.train_exports

constraints: .venv/installed-for-tests ## Pin the versions that are installed now
	@{ head -n 1 constraints.txt; $(BIN)/pip freeze --exclude-editable | LC_ALL=C sort -f; } > .venv/constraints.txt
	@mv .venv/constraints.txt constraints.txt

clean: ## Remove what make made: the environment, Kafka's data, caches
	rm -rf .venv .venv-* .kafka* .state .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/pip .venv-exports/bin/pip .venv-mlserver/bin/pip .venv-mutants/bin/pip .venv-peers/bin/pip .venv-tensorflow/bin/pip:
	@"$(PYTHON)" -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "error: $(NO_PYTHON)" >&2; exit 1; }
	@echo "Creating $(@:/bin/pip=) with $(PYTHON)"
	@$(PYTHON) -m venv $(@:/bin/pip=)
	@$@ install --quiet --disable-pip-version-check --constraint constraints.txt uv 2>$(@:/bin/pip=)/uv.log || true

.venv/installed: pyproject.toml constraints.txt | .venv/bin/pip
	@echo "Installing what running needs (once, half a minute)"
	@$(call install,.venv,--editable .)
	@touch $@

.venv/installed-for-tests: pyproject.toml constraints.txt | .venv/bin/pip
	@echo "Installing what the tests and the training need (once, a minute)"
	@$(call install,.venv,$(FOR_TESTS))
	@touch .venv/installed .venv/installed-for-lab $@

.venv/installed-for-lab: pyproject.toml constraints.txt | .venv/bin/pip
	@echo "Installing what running and JupyterLab need (once, a minute)"
	@$(call install,.venv,--editable '.[lab]')
	@touch .venv/installed $@

# For those who start many brokers; a demo starts one, which would wait 15 s to start 2 s sooner.
.venv/kafka-prepared: client/broker/jars.lock .venv/installed
	@$(BIN)/python -m client.broker.aot
	@touch $@

.venv-python%/installed: pyproject.toml constraints.txt
	@echo "Installing what the tests need for python$* (once, a minute)"
	@python$* -m venv $(@D)
	@$(@D)/bin/pip install --quiet --disable-pip-version-check --constraint constraints.txt uv 2>$(@D)/uv.log || true
	@$(call install,$(@D),$(FOR_TESTS))
	@touch $@

.venv-tensorflow/installed: pyproject.toml constraints.txt constraints-tensorflow.txt | .venv-tensorflow/bin/pip
	@echo "Installing TensorFlow and what its tests need (once, a minute or two)"
	@$(call install,.venv-tensorflow,$(FOR_TENSORFLOW))
	@touch $@

# MLServer 1.7.1 needs Python < 3.13, and an older FastAPI and protobuf than we do.
.venv-mlserver/bin/pip: PYTHON := $(or $(shell for python in python3.12 python3.11; do \
	$$python -c 'import ensurepip' 2>/dev/null && echo $$python && break; done),$(PYTHON))

.venv-mlserver/installed: constraints-mlserver.txt | .venv-mlserver/bin/pip
	@echo "Installing MLServer and Triton's client (once, half a minute)"
	@$(subst constraints.txt,constraints-mlserver.txt,$(call install,.venv-mlserver,$(FOR_MLSERVER)))
	@touch $@

# Its pins win over this project's: Quix Streams wants an older confluent-kafka.
.venv-peers/installed: pyproject.toml constraints.txt constraints-peers.txt | .venv-peers/bin/pip
	@echo "Installing Quix Streams and what running needs (once, a minute)"
	@awk -F== 'NR == FNR || !($$1 in pinned) { print } NR == FNR { pinned[$$1] }' constraints-peers.txt constraints.txt > $(@D)/constraints.txt
	@$(subst constraint constraints.txt,constraint $(@D)/constraints.txt,$(call install,$(@D),$(FOR_PEERS)))
	@touch $@

.venv-mutants/installed: pyproject.toml constraints.txt | .venv-mutants/bin/pip
	@echo "Installing cosmic-ray and what it needs (once, a minute)"
	@$(call install,.venv-mutants,$(FOR_MUTANTS))
	@touch $@

.venv-exports/installed: pyproject.toml constraints.txt constraints-exports.txt | .venv-exports/bin/pip
	@echo "Installing the libraries whose exports are tested (once, a minute)"
	@$(call install,.venv-exports,$(FOR_EXPORTS))
	@touch $@
