-- How each cron job fares: its last run, when it was last done, and how many runs of the last day failed or were cut off.
-- The last is the one that began last: a clock that was set back has left runs of times that are yet to come.
SELECT
    last.job,
    last.due_at,
    last.outcome,
    last.started_at,
    last.finished_at,
    last.error,
    last.result::text AS result,
    (SELECT max(d.finished_at) FROM events.cron_run AS d WHERE d.job = last.job AND d.outcome = 'done') AS done_at,
    (
        SELECT count(*)
        FROM events.cron_run AS f
        WHERE f.job = last.job AND f.outcome IN ('failed', 'abandoned') AND f.due_at > now() - interval '1 day'
    ) AS failed_in_a_day
FROM (SELECT DISTINCT ON (r.job) r.* FROM events.cron_run AS r ORDER BY r.job, r.started_at DESC, r.due_at DESC) AS last
