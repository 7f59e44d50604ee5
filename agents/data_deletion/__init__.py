"""The data_deletion agent: see README.md."""
