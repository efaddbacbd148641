-- name: upsert
-- Writes the staged results in order of their keys; counts new, changed, and all whose track is there. A result of a text
-- that the track no longer has is left out: it would take the place of the present one.
WITH present AS (
    SELECT s.* FROM staged_analyses s JOIN tracks t ON t.id = s.track_id AND t.content_hash = s.content_hash
    ORDER BY s.track_id, s.analyzer, s.version
    FOR KEY SHARE OF t
), written AS (
    INSERT INTO analysis_results AS r (track_id, analyzer, version, content_hash, sentiment, confidence, data,
                                       analysis_embedding, model, model_revision, prompt_version, parameters,
                                       seconds, input_tokens, output_tokens, cost_usd)
    SELECT track_id, analyzer, version, content_hash, sentiment, confidence, data, analysis_embedding, model,
           model_revision, prompt_version, parameters, seconds, input_tokens, output_tokens, cost_usd
    FROM present
    ORDER BY track_id, analyzer, version
    ON CONFLICT (track_id, analyzer, version) DO UPDATE
    SET content_hash = excluded.content_hash, sentiment = excluded.sentiment, confidence = excluded.confidence,
        data = excluded.data, analysis_embedding = excluded.analysis_embedding, model = excluded.model,
        model_revision = excluded.model_revision, prompt_version = excluded.prompt_version,
        parameters = excluded.parameters, seconds = excluded.seconds, input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens,
        cost_usd = excluded.cost_usd, created_at = now()
    WHERE (r.content_hash, r.sentiment, r.confidence, r.data, r.analysis_embedding, r.model, r.model_revision,
           r.prompt_version, r.parameters)
          IS DISTINCT FROM
          (excluded.content_hash, excluded.sentiment, excluded.confidence, excluded.data,
           excluded.analysis_embedding, excluded.model, excluded.model_revision, excluded.prompt_version,
           excluded.parameters)
    RETURNING (r.xmax = 0) AS is_new
)
SELECT count(*) FILTER (WHERE is_new)::int, count(*) FILTER (WHERE NOT is_new)::int,
       (SELECT count(*)::int FROM present)
FROM written;

-- name: of_track
-- A track's results.
SELECT r.analyzer, r.version, r.content_hash, r.sentiment, r.confidence, r.data, r.model, r.model_revision,
       r.prompt_version, r.parameters, r.seconds, r.input_tokens, r.output_tokens, r.cost_usd, r.created_at,
       r.content_hash = t.content_hash AS is_current
FROM analysis_results r JOIN tracks t ON t.id = r.track_id
WHERE r.track_id = %(track_id)s
ORDER BY r.analyzer, r.created_at DESC, r.version DESC;
