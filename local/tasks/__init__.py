"""A local Cloud Tasks: `google.cloud.tasks.v2` over gRPC, as far as the platform and its tests need it.

- `server`: which gRPC method answers which call.
- `queues`: what a call does to queues and tasks, and what is refused.
- `store`: the SQLite file, and the clock that tests can turn.
- `dispatch`: due tasks to their targets, with retries.
- `control`: HTTP for people and tests.
"""
