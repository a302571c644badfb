VENV := .venv
PYTHON_OF_VENV := $(VENV)/bin/python
READY := $(VENV)/.complete
TEMPLATE := templates/imds-python
POLICY_VENV := policy/.venv
POLICY_READY := $(POLICY_VENV)/.complete
# The engine runs the first python3 on PATH, so the virtual environment comes first. The Pythons that pyenv keeps come
# last, since its shims run only the active one.
WITH_ENGINE = engine=$$($(PYTHON_OF_VENV) -m tools.engine) && \
	PATH="$(CURDIR)/$(VENV)/bin:$$engine:$$PATH$$(printf ':%s' "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/*/bin)"
# One test at a time goes to a process that is free, so the cheapest still come first. Tests that drive an engine wait
# more than they compute, so there are more processes than cores.
WORKERS = --numprocesses=4 --maxschedchunk=1
QUICK = tests/pure tests/components tests/localcloud tests/host tests/contract tests/secrets

# Where the Python that an environment was made with is gone, it is made again.
$(shell $(PYTHON_OF_VENV) -c "" 2>/dev/null || rm -f $(READY))
$(shell $(POLICY_VENV)/bin/python -c "" 2>/dev/null || rm -f $(POLICY_READY))

.DEFAULT_GOAL := help
.PHONY: help demo test quick pythons lowest faults model kill lint docs dist engine policy bench lock clean

help:
	@echo "make demo    the main job, start to end, on an EC2 of its own on this machine"
	@echo "make test    lint, docs and all tests"
	@echo "make quick   the quick tests alone, which most mistakes are found by"
	@echo "make pythons the quick tests on every Python from 3.10 to 3.14 that this machine has"
	@echo "make lowest  the tests of what is installed, with the lowest versions that pyproject.toml allows"
	@echo "make faults  every fault of EC2 in every operation, at the first, a middle and the last call"
	@echo "make model   random sequences against a model of what must hold; STEPS=200000 for more"
	@echo "make kill    kill -9 of the dynamic host and of the engine at every call"
	@echo "make lint    format, style, spelling, types and the direction of imports"
	@echo "make docs    build the pages and the API reference; a broken link or docstring is an error"
	@echo "make dist    build and check the wheel and the source distribution of the last commit, in dist/"
	@echo "make engine  prepare the Pulumi engine; the last line is the folder to put on PATH"
	@echo "make policy  set up the environment of the policy pack, which is in policy/"
	@echo "make bench   measure whole runs of pulumi up, other tools on the same fleets, growing fleets, and the report"
	@echo "make lock    lock the newest versions that pyproject.toml allows (needs uv)"
	@echo "make clean   remove what the others made here (the engine stays in the user's cache)"

$(READY): requirements.txt pyproject.toml tools/setup.sh tools/setup_environment.py
	@tools/setup.sh

$(POLICY_READY): policy/requirements.txt pyproject.toml tools/setup.sh tools/setup_environment.py
	@tools/setup.sh policy

demo: $(READY)
	@$(WITH_ENGINE) $(PYTHON_OF_VENV) -m tools.demo

test: lint docs $(POLICY_READY)
	@$(WITH_ENGINE) $(PYTHON_OF_VENV) -m pytest $(WORKERS)

quick: $(READY)
	@$(WITH_ENGINE) $(PYTHON_OF_VENV) -m pytest $(WORKERS) $(QUICK)

pythons: $(READY)
	@$(WITH_ENGINE) $(VENV)/bin/nox -- $(WORKERS) $(QUICK)

lowest: $(READY)
	@$(VENV)/bin/nox --session lowest -- $(WORKERS)

faults: $(READY)
	@$(WITH_ENGINE) $(PYTHON_OF_VENV) -m tests.faults

STEPS ?= 20000
model: $(READY)
	@$(WITH_ENGINE) $(PYTHON_OF_VENV) -m tests.model --steps $(STEPS)

kill: $(READY)
	@$(WITH_ENGINE) $(PYTHON_OF_VENV) -m tests.kill

lint: $(READY)
	@$(VENV)/bin/ruff check --quiet
	@$(VENV)/bin/ruff format --check --quiet
	@$(VENV)/bin/codespell
	@$(VENV)/bin/mypy
	@cd $(TEMPLATE) && "$(CURDIR)/$(VENV)/bin/mypy" --config-file ../../pyproject.toml --cache-dir ../../.mypy_cache .
	@report=$$($(VENV)/bin/check-jsonschema --builtin-schema vendor.github-workflows \
		.github/workflows/*.yml $(TEMPLATE)/.github/workflows/*.yml \
		deploy/github-actions/.github/workflows/*.yml) || { echo "$$report"; exit 1; }
	@report=$$($(VENV)/bin/check-jsonschema --builtin-schema vendor.github-actions \
		$(TEMPLATE)/.github/actions/*/action.yml) || { echo "$$report"; exit 1; }
	@report=$$($(VENV)/bin/check-jsonschema --builtin-schema vendor.gitlab-ci --data-transform gitlab-ci \
		$(TEMPLATE)/.gitlab-ci.yml) || { echo "$$report"; exit 1; }
	@report=$$($(VENV)/bin/check-jsonschema --builtin-schema vendor.dependabot \
		$(TEMPLATE)/.github/dependabot.yml) || { echo "$$report"; exit 1; }
	@report=$$($(VENV)/bin/lint-imports --no-logo) || { echo "$$report"; exit 1; }

docs: $(READY)
	@$(VENV)/bin/sphinx-build --quiet --fail-on-warning --keep-going --conf-dir docs --doctree-dir build/doctrees . build/docs
	@echo "build/docs/docs/index.html"

dist: $(READY)
	@$(PYTHON_OF_VENV) -m tools.distributions

engine: $(READY)
	@$(PYTHON_OF_VENV) -m tools.engine

policy: $(POLICY_READY)
	@echo "pulumi preview --policy-pack $(CURDIR)/policy"

bench: $(READY)
	@$(WITH_ENGINE) $(PYTHON_OF_VENV) -m benchmarks
	@$(WITH_ENGINE) $(PYTHON_OF_VENV) -m benchmarks.comparison
	@$(WITH_ENGINE) $(PYTHON_OF_VENV) -m benchmarks.scale
	@$(WITH_ENGINE) $(PYTHON_OF_VENV) -m benchmarks.report
	@$(PYTHON_OF_VENV) -m benchmarks.report_page

lock:
	@uv pip compile pyproject.toml --quiet --upgrade --group dev --extra aws --extra report --universal --python-version 3.10 \
		--generate-hashes --no-annotate --custom-compile-command "make lock" --output-file requirements.txt
	@uv pip compile policy/requirements.in --quiet --upgrade --universal --python-version 3.10 \
		--generate-hashes --no-annotate --custom-compile-command "make lock" --output-file policy/requirements.txt

clean:
	@rm -rf $(VENV) $(POLICY_VENV) .nox .setup.lock .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
