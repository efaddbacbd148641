-- name: artist_ids
-- Artists by their normalised name; without an equal one those most like it by trigrams.
WITH alike AS (
    SELECT id, name_normalized = %(name)s AS is_equal, similarity(name_normalized, %(name)s) AS likeness
    FROM artists WHERE name_normalized = %(name)s OR name_normalized %% %(name)s
)
SELECT id FROM alike
WHERE is_equal
   OR (likeness >= 0.4 AND likeness = (SELECT max(likeness) FROM alike) AND NOT EXISTS (SELECT FROM alike WHERE is_equal))
ORDER BY id;
