-- Whether an agent may do its task now, as JSON, and counts the attempt: $1 the task, $2 its generation, $3 the agent.
-- A task that is cancelled, done, failed, planned anew or another agent's is not to be done.
WITH begun AS (
    UPDATE events.scheduled_task AS t
    SET attempts = t.attempts + 1
    WHERE t.id = $1::text::uuid
        AND t.generation = $2::integer
        AND t.target = $3::text
        AND t.status IN ('scheduled', 'handed_over')
    RETURNING t.id
)
SELECT json_build_object(
    'due', EXISTS (SELECT FROM begun),
    'status', (
        SELECT CASE WHEN t.generation = $2::integer THEN t.status ELSE 'superseded' END
        FROM events.scheduled_task AS t
        WHERE t.id = $1::text::uuid AND t.target = $3::text
    )
)
