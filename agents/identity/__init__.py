"""The identity agent: see README.md."""
