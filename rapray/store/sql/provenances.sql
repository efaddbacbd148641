-- name: ids
-- The ids of these provenances, which stay until the transaction ends.
SELECT digest, id FROM provenances WHERE digest = ANY (%(digests)s) ORDER BY digest FOR KEY SHARE;

-- name: add
-- Adds a provenance that another transaction may be adding too.
INSERT INTO provenances (digest, {columns}) VALUES (%(digest)s, {values}) ON CONFLICT (digest) DO NOTHING;

-- name: list
-- Every provenance with the number of its results.
SELECT p.digest, {columns}, count(r.track_id) AS results
FROM provenances p LEFT JOIN analysis_results r ON r.provenance_id = p.id
GROUP BY p.id ORDER BY p.analyzer, p.id;

-- name: lock
-- Keeps others from writing results of these analyzers' provenances until the transaction ends.
SELECT FROM provenances WHERE analyzer = ANY (%(analyzers)s) AND digest <> ALL (%(current)s) ORDER BY digest FOR UPDATE;

-- name: prune
-- Drops these analyzers' provenances apart from the current ones; their results go with them.
DELETE FROM provenances WHERE analyzer = ANY (%(analyzers)s) AND digest <> ALL (%(current)s);
