"""Iterable: user profiles, events, journeys, e-mail and SMS."""
