-- name: insert_topic
INSERT INTO topic (name, config) VALUES (?, ?) RETURNING id;

-- name: update_topic
UPDATE topic SET name = ?, config = ? WHERE id = ?;

-- name: save_head
UPDATE topic SET head = ? WHERE id = ?;

-- name: delete_topic
DELETE FROM topic WHERE id = ?;

-- name: topics
SELECT id, name, config, head FROM topic ORDER BY id;

-- name: insert_message
INSERT INTO message (topic_id, sequence, published_us, ordering_key, body) VALUES (?, ?, ?, ?, ?);

-- name: messages_from
SELECT sequence, published_us, ordering_key, body
FROM message
WHERE topic_id = ? AND sequence BETWEEN ? AND ?
ORDER BY sequence
LIMIT ?;

-- name: message
SELECT sequence, published_us, ordering_key, body FROM message WHERE topic_id = ? AND sequence = ?;

-- name: first_message
SELECT min(sequence) FROM message WHERE topic_id = ?;

-- The first message at or after a sequence number, and when it was published: a step of a binary search by time.
-- name: published_at
SELECT sequence, published_us FROM message WHERE topic_id = ? AND sequence >= ? ORDER BY sequence LIMIT 1;

-- name: last_published
SELECT published_us FROM message WHERE topic_id = ? ORDER BY sequence DESC LIMIT 1;

-- name: delete_messages
DELETE FROM message WHERE topic_id = ? AND sequence BETWEEN ? AND ?;

-- name: insert_subscription
INSERT INTO subscription (name, topic_id, config, born, floor) VALUES (?, ?, ?, ?, ?) RETURNING id;

-- name: update_subscription
UPDATE subscription SET topic_id = ?, config = ? WHERE id = ?;

-- name: save_floor
UPDATE subscription SET floor = ? WHERE id = ?;

-- name: delete_subscription
DELETE FROM subscription WHERE id = ?;

-- name: subscriptions
SELECT id, topic_id, config, born, floor FROM subscription ORDER BY id;

-- name: insert_acked
INSERT OR IGNORE INTO acked (subscription_id, sequence) VALUES (?, ?);

-- name: forget_acked
DELETE FROM acked WHERE subscription_id = ? AND sequence <= ?;

-- name: acked_between
SELECT sequence FROM acked WHERE subscription_id = ? AND sequence BETWEEN ? AND ?;

-- name: last_acked
SELECT max(sequence) FROM acked WHERE subscription_id = ?;

-- name: record_failure
INSERT INTO failure (subscription_id, sequence, failures) VALUES (?, ?, ?)
ON CONFLICT (subscription_id, sequence) DO UPDATE SET failures = excluded.failures;

-- name: forget_failure
DELETE FROM failure WHERE subscription_id = ? AND sequence = ?;

-- name: forget_failures
DELETE FROM failure WHERE subscription_id = ?;

-- name: failures
SELECT sequence, failures FROM failure WHERE subscription_id = ?;

-- name: insert_snapshot
INSERT INTO snapshot (name, topic_id, config, floor) VALUES (?, ?, ?, ?) RETURNING id;

-- name: update_snapshot
UPDATE snapshot SET config = ? WHERE id = ?;

-- name: delete_snapshot
DELETE FROM snapshot WHERE id = ?;

-- name: snapshots
SELECT id, topic_id, config, floor FROM snapshot ORDER BY id;

-- name: copy_acked_to_snapshot
INSERT INTO snapshot_acked (snapshot_id, sequence) SELECT ?, sequence FROM acked WHERE subscription_id = ?;

-- name: copy_acked_from_snapshot
INSERT INTO acked (subscription_id, sequence) SELECT ?, sequence FROM snapshot_acked WHERE snapshot_id = ?;
