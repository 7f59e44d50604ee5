"""The notification agent: see README.md."""
