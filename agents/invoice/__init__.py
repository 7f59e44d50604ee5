"""The invoice agent: see README.md."""
