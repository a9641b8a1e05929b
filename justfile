# The few commands people run; `just --list` names them. Everything goes through uv.

# What .ci/run checks before the tests: format, lint, types, imports.
check:
    uv run ruff format --check .
    uv run ruff check .
    uv run ty check
    uv run lint-imports

# Put code into the house's format, and mend what the linter can.
format:
    uv run ruff check --fix .
    uv run ruff format .

# All tests on two workers, or those of one room: just test tests/case
test *where:
    uv run pytest -n 2 -q {{ where }}

# A first forecast, as a new user makes it.
forecast *options:
    uv run riskcast forecast {{ options }}

# Write the versions that were resolved to constraints.txt.
constraints:
    uv export --quiet --no-hashes --no-annotate --no-header --no-emit-project --all-extras --all-groups -o constraints.txt

# Whether an installation works: digits, exports, panel, app, reference.
smoke *tries="digits":
    uv run python .ci/smoke.py {{ tries }}

# The app in a browser.
app:
    uv run riskcast app

# Run the notebooks again, and keep what they put out.
notebooks:
    uv run python tests/notebooks/runs.py

# How time and memory grow with the number of dyads.
scale:
    uv run python benchmarks/scale.py
