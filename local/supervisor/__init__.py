"""The supervisor of the local platform: starts every part in order, watches it, and leaves nothing behind.

Terms: a *part* is one named program or one step of the local platform; a *guard* is the small process that stands
between the supervisor and each program and ends the program's whole process group when the supervisor is gone.

`guard` and `process` know nothing of Caregraph and need only the standard library; the PostgreSQL runner and the
tests start programs through them too.
"""
