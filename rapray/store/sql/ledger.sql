-- name: claim
-- Takes a batch; no row where it was written before. Waits for a transaction that is writing it now.
INSERT INTO run_batches (run_id, batch_id, counts) VALUES (%(run_id)s, %(batch_id)s, '{}')
ON CONFLICT DO NOTHING
RETURNING batch_id;

-- name: counts
-- What a batch that was written before had counted.
SELECT counts FROM run_batches WHERE run_id = %(run_id)s AND batch_id = %(batch_id)s;

-- name: settle
-- Puts the counts into the row that `claim` made in this transaction.
UPDATE run_batches SET counts = %(counts)s WHERE run_id = %(run_id)s AND batch_id = %(batch_id)s;
