-- name: upsert
-- Writes the staged results in order of their keys; counts new, changed, and all whose track is there. A result of a text
-- that the track no longer has is left out: it would take the place of the present one.
WITH present AS (
    SELECT s.* FROM staged_analyses s JOIN tracks t ON t.id = s.track_id AND t.content_hash = s.content_hash
    ORDER BY s.track_id, s.provenance_id
    FOR KEY SHARE OF t
), written AS (
    INSERT INTO analysis_results AS r (track_id, provenance_id, content_hash, sentiment, confidence, data,
                                       analysis_embedding, seconds, input_tokens, output_tokens, cost_usd)
    SELECT track_id, provenance_id, content_hash, sentiment, confidence, data, analysis_embedding, seconds,
           input_tokens, output_tokens, cost_usd
    FROM present
    ORDER BY track_id, provenance_id
    ON CONFLICT (track_id, provenance_id) DO UPDATE
    SET content_hash = excluded.content_hash, sentiment = excluded.sentiment, confidence = excluded.confidence,
        data = excluded.data, analysis_embedding = excluded.analysis_embedding, seconds = excluded.seconds,
        input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens, cost_usd = excluded.cost_usd,
        created_at = now()
    WHERE (r.content_hash, r.sentiment, r.confidence, r.data, r.analysis_embedding)
          IS DISTINCT FROM
          (excluded.content_hash, excluded.sentiment, excluded.confidence, excluded.data, excluded.analysis_embedding)
    RETURNING (r.xmax = 0) AS is_new
)
SELECT count(*) FILTER (WHERE is_new)::int, count(*) FILTER (WHERE NOT is_new)::int,
       (SELECT count(*)::int FROM present)
FROM written;

-- name: of_track
-- A track's results, by analyzer: the current one first, then the newest.
SELECT {provenance}, r.content_hash, r.sentiment, r.confidence, r.data, r.seconds, r.input_tokens, r.output_tokens,
       r.cost_usd, r.created_at, r.content_hash = t.content_hash AND p.digest = ANY (%(current)s) AS is_current
FROM analysis_results r JOIN provenances p ON p.id = r.provenance_id JOIN tracks t ON t.id = r.track_id
WHERE r.track_id = %(track_id)s
ORDER BY p.analyzer, is_current DESC, r.created_at DESC, p.id DESC;
