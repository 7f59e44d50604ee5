"""A local Cloud Scheduler: calls the jobs of `triggers/scheduler/cron.py` when they are due.

It calls `POST /jobs/NAME` of `caregraph scheduler` with the header and the OIDC token that Cloud Scheduler sends, one
run of a job at a time. What fell due while it was stopped is caught up once: the latest of the missed times.
"""
