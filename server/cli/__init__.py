"""The commands of `caregraph` that the server brings; each is named in `pyproject.toml`."""
