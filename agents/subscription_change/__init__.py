"""The subscription_change agent: see README.md."""
