"""What all agents have in common: from a push request to an effect that happens once.

- `settings`: the environment variables of every agent.
- `app`: the Starlette application: `POST /events`, `/tasks` and `/jobs/NAME`, health, metrics.
- `push`: Pub/Sub's push body as an `Envelope` and data.
- `handler`: what an agent is made of: handlers, the work at hand, the write-back.
- `tasks`: Cloud Tasks' request for a scheduled task, as the same.
- `jobs`: what an agent does by the clock.
- `webhooks`: doors for what outside systems send.
- `processing`: one delivery from inbox to answer.
- `attempts`, `turns`: how often was this tried; who goes next.
- `hard_end`: an end for handlers and jobs that don't heed being told to stop.
- `record`, `operations`: inbox, deliveries, dead letters and publications, through GraphQL.
- `errors`: how a handler says "again later" and "never".
- `server`: uvicorn round it.

How a delivery ends, and what Pub/Sub gets to hear:

| end | recorded in `events` | answer |
|---|---|---|
| no handler for the type, or a replay for another agent | nothing | 204 |
| done, or nothing to do | inbox, delivery `done` or `skipped` | 204 |
| done before | delivery `duplicate` | 204 |
| `RetryLater`, an outside system or the endpoint is down | delivery `retry` | 503 |
| any other exception, or no end in time | delivery `retry` | 500 |
| the same, too often; `Rejected`; data that doesn't fit the type | dead letter, delivery `dead_letter` | 204 |
| an envelope that isn't ours inside a push body that is Pub/Sub's | dead letter | 204 |
| too much at hand | nothing | 429 |
| not a push body | nothing | 400, or 413 when over 16 MB |
| token missing, wrong or foreign | nothing | 401 |

Scheduled tasks come to `POST /tasks` and end the same way, but for a kind without a handler (404: a newer version may
know it). A task that was cancelled or planned anew since it was handed over counts as a duplicate; one that is given up
is marked as failed with its dead letter.

Jobs come to `POST /jobs/NAME`, from the scheduler, which records how each run ended (`events.cron_run`): 200 with the
result; 409 while a run of that job is under way; 503 when an outside system or the endpoint is down; 500 for our own
fault and 504 for no end in time; 422 for `Rejected`; 404 for a job that the agent doesn't have; 401 for strangers. A
run whose caller hangs up is cancelled: the caller counts it as over.

Webhooks come to `POST /webhooks/SOURCE`, where a door of the agent's proves their sender, and end the same way, too;
what Pub/Sub gets as 204 they get as 200, and everything that can succeed later as 503 (`webhooks`).

Pub/Sub counts 102, 200, 201, 202 and 204 as an acknowledgement and sends everything else again by the subscription's
retry policy. A dead letter is acknowledged, because an event that can't succeed must not hold up those behind it.
"""
