"""The Zendesk agent: see README.md."""
