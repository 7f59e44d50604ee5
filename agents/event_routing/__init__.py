"""The event_routing agent: see README.md."""
