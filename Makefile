# The commands of Caregraph. `make` alone explains them.
.DEFAULT_GOAL := help
SHELL := /bin/sh
MAKEFLAGS += --no-builtin-rules

VENV := .venv
BIN := $(VENV)/bin
# The newest usable Python of these is fine; `make setup PYTHON=/path/to/python3` chooses another.
CANDIDATES := python3 python3.14 python3.13 python3.12 python3.11

.PHONY: help setup up down status reset test test-flows test-browser test-clients chaos simulation fuzz lint format \
	schema schema-files clients permissions graphiql bench clean

help: ## Explain these commands
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

setup: $(VENV)/.stamp ## Make the environment in .venv (every other command does it when needed)

# Made again when the locked packages or the project's own entry points change.
$(VENV)/.stamp: requirements.lock pyproject.toml local/bootstrap.py
	@python=; \
	for candidate in $(or $(PYTHON),$(CANDIDATES)); do \
		if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
		echo "Caregraph needs Python 3.11 or newer; tried: $(or $(PYTHON),$(CANDIDATES)). Install one, or name it: make setup PYTHON=/path/to/python3" >&2; \
		exit 1; \
	fi; \
	"$$python" -I local/bootstrap.py && touch $@

up: setup ## Start the whole platform on this machine (Ctrl-C stops it)
	@exec $(BIN)/caregraph up

down: setup ## Stop a platform that was started in another terminal
	@$(BIN)/caregraph down

status: setup ## Show what runs
	@$(BIN)/caregraph status

reset: setup ## Delete the local data, so that the next start is a first one
	@$(BIN)/caregraph reset

test: setup ## Run all tests on two workers (ARGS="-n 0 -k name" for some, on none)
	@$(BIN)/pytest --numprocesses 2 --dist loadfile $(ARGS)

test-flows: setup ## Run the flows end to end on a platform of their own (part of `make test`, too)
	@$(BIN)/pytest tests/e2e --numprocesses 0 $(ARGS)

chaos: setup ## Change rows while programs are killed; lose, repeat and disorder nothing (3 minutes; on a slow machine 6)
	@$(BIN)/python -m tests.chaos $(ARGS)

simulation: setup ## Recover the failed payments of 1,000 subscriptions in 90 days of clock (ARGS="--seed 2")
	@$(BIN)/python -m tests.simulation $(ARGS)

fuzz: setup ## Try random rules, queries and requests for long (CAREGRAPH_TEST_EFFORT times as many as the tests do)
	@CAREGRAPH_TEST_EFFORT=$${CAREGRAPH_TEST_EFFORT:-50} $(BIN)/pytest tests/fuzz tests/differential --numprocesses 2 --dist loadfile $(ARGS)

lint: setup ## Check style and types
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy .

format: setup ## Format the code and fix what can be fixed
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

schema: setup ## Print the GraphQL schema of a role (ROLE=user)
	@$(BIN)/caregraph schema --role $(or $(ROLE),user)

schema-files: setup ## Write docs/schema, the GraphQL schema of every role
	@$(BIN)/python -m server.sdl docs/schema

clients: setup ## Write the typed operations of agents from docs/schema and their .graphql files (ARGS="NAME" for one)
	@$(BIN)/python -m agents.graphql $(ARGS)

permissions: setup ## Write docs/permissions.md from the rules
	@$(BIN)/python -m permissions.table > docs/permissions.md

graphiql: setup ## Build the GraphiQL page, when its sources changed (`make up` does, too)
	@$(BIN)/python portals/build.py graphiql

test-browser: setup graphiql ## Look at the GraphiQL page in headless Chromium (which must be installed)
	@CAREGRAPH_TEST_BROWSER=1 $(BIN)/pytest tests/browser $(ARGS)

test-clients: setup ## Generate and run GraphQL clients of the API (from npm and PyPI)
	@CAREGRAPH_TEST_CLIENTS=1 $(BIN)/pytest tests/clients $(ARGS)

bench: setup ## Measure the endpoint against its peers
	@$(BIN)/python -m benchmarks $(ARGS)

clean: ## Remove what was built: .venv, caches, front-end builds (local data stays; see reset)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis portals/graphiql/dist portals/graphiql/node_modules
	rm -rf tests/clients/node/node_modules tests/clients/node/generated tests/clients/node/out tests/clients/ariadne/.venv
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
