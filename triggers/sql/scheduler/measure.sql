-- What waits for a person or for its time, as JSON: open dead letters by agent, tasks by status that are late ($1: since
-- when), and when each cron job was last done (Unix time).
SELECT json_build_object(
    'dead_letters', (
        SELECT coalesce(json_object_agg(d.agent, d.number), '{}')
        FROM (
            SELECT l.agent, count(*) AS number
            FROM events.dead_letter AS l
            WHERE l.resolved_at IS NULL
            GROUP BY l.agent
        ) AS d
    ),
    'late_tasks', (
        SELECT count(*)
        FROM events.scheduled_task AS t
        WHERE t.status IN ('scheduled', 'handed_over') AND t.due_at < $1::timestamptz
    ),
    'failed_tasks', (SELECT count(*) FROM events.scheduled_task AS t WHERE t.status = 'failed'),
    'last_done', (
        SELECT coalesce(json_object_agg(r.job, r.at), '{}')
        FROM (
            SELECT c.job, extract(epoch FROM max(c.finished_at)) AS at
            FROM events.cron_run AS c
            WHERE c.outcome = 'done'
            GROUP BY c.job
        ) AS r
    )
)::text
