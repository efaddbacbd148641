-- name: pairs
-- One result of the present text of both analyzers, the current one or else the newest, for tracks that have both:
-- sentiment and the members asked for.
SELECT t.id, t.title,
    a.sentiment::float8,
    (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(a.data) WHERE key = ANY (%(members)s)),
    b.sentiment::float8,
    (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(b.data) WHERE key = ANY (%(members)s))
FROM tracks t
CROSS JOIN LATERAL (
    SELECT sentiment, data FROM analysis_results r JOIN provenances p ON p.id = r.provenance_id
    WHERE r.track_id = t.id AND p.analyzer = %(a)s AND r.content_hash = t.content_hash
    ORDER BY p.digest = ANY (%(current)s) DESC, r.created_at DESC, p.id DESC LIMIT 1
) a
CROSS JOIN LATERAL (
    SELECT sentiment, data FROM analysis_results r JOIN provenances p ON p.id = r.provenance_id
    WHERE r.track_id = t.id AND p.analyzer = %(b)s AND r.content_hash = t.content_hash
    ORDER BY p.digest = ANY (%(current)s) DESC, r.created_at DESC, p.id DESC LIMIT 1
) b
ORDER BY t.id LIMIT %(limit)s;
