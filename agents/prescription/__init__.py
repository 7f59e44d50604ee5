"""The prescription agent: see README.md."""
