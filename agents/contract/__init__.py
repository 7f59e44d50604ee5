"""The contract agent: see README.md."""
