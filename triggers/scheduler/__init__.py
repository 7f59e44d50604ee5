"""Scheduled work: what is due soon to Cloud Tasks, and the jobs that cron starts.

`events.scheduled_task` is the truth. `handover` gives Cloud Tasks what is due within two days, by a name made of the
row's id and generation; Cloud Tasks takes a name once, so nothing is handed over twice, whatever crashes when. The
agent that is called (`POST /tasks`) asks whether the row is still open, and ends it together with its write-back.

`cron` lists the jobs; Cloud Scheduler (here: `local.scheduler`) calls `POST /jobs/NAME`, and `jobs` runs one at a time
and records how it ended in `events.cron_run`. `service` is the program, `caregraph scheduler`.
"""
