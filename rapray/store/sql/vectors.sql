-- name: keep_present
-- Leaves out lyrics whose track is gone, and keeps the others' tracks from going.
DELETE FROM staged_lyrics s
WHERE NOT EXISTS (SELECT FROM tracks t WHERE t.id = s.track_id FOR KEY SHARE);

-- name: delete_surplus
-- Takes away passages that the lyric no longer has. Named by an array: joined to the staged table, whose size the
-- planner does not know, it would read the whole partition for each batch.
DELETE FROM {partition} e
WHERE e.model_id = %(model_id)s AND e.track_id = ANY (%(track_ids)s)
  AND NOT EXISTS (SELECT FROM staged_vectors v WHERE v.track_id = e.track_id AND v.passage = e.passage);

-- name: upsert
-- Writes the staged vectors in order of their keys; counts lyrics as new, changed and unchanged.
WITH known AS (
    SELECT e.track_id FROM {partition} e
    WHERE e.model_id = %(model_id)s AND e.track_id = ANY (%(track_ids)s) AND e.passage = 0
), written AS (
    INSERT INTO {partition} AS e (model_id, track_id, passage, content_hash, embedding)
    SELECT DISTINCT ON (v.track_id, v.passage) %(model_id)s, v.track_id, v.passage, s.content_hash, v.embedding
    FROM staged_vectors v JOIN staged_lyrics s USING (track_id)
    ORDER BY v.track_id, v.passage
    ON CONFLICT (model_id, track_id, passage) DO UPDATE
    SET content_hash = excluded.content_hash, embedding = excluded.embedding, created_at = now()
    WHERE (e.content_hash, e.embedding) IS DISTINCT FROM (excluded.content_hash, excluded.embedding)
    RETURNING e.track_id
)
SELECT CASE WHEN track_id IN (SELECT track_id FROM known)
            THEN CASE WHEN track_id IN (SELECT track_id FROM written) THEN 'changed' ELSE 'unchanged' END
            ELSE 'new' END AS kind, count(*)
FROM staged_lyrics GROUP BY kind;
