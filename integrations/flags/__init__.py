"""Feature flags: what operators switch without a deployment. OpenFeature in front, Kameleoon or a file behind it.

- `flags`: a declared flag with its type and default, and the one accessor; `open_flags` gives it.
- `settings`: which provider, where, how patient.
- `configuration`: Kameleoon's configuration as values, and which variation somebody gets; pure.
- `kameleoon`: keeps that configuration current, in the background.
- `file`: a JSON file, for local runs and tests; a change of it counts at once.

A program declares its flags beside their users (`agents/notification/flags.py`). Asking is a look into memory: it
never waits, never fails, and gives the declared default while nothing else is known. Nobody outside learns who was
asked about.
"""
