-- What made each result, once: results of two models or prompts of one analyzer stand side by side.

CREATE TABLE provenances (
    id             integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest         text NOT NULL UNIQUE,    -- rapray.domain.Provenance.digest, over the six columns below
    analyzer       text NOT NULL,
    version        text NOT NULL,
    model          text,
    model_revision text,
    prompt_version text,
    parameters     text,                    -- digest of the settings that decide a result; NULL: all at their defaults
    created_at     timestamptz NOT NULL DEFAULT now()
);

INSERT INTO provenances (digest, analyzer, version, model, model_revision, prompt_version, parameters, created_at)
SELECT left(encode(sha256(convert_to(jsonb_build_array(
           analyzer, version, model, model_revision, prompt_version, parameters)::text, 'UTF8')), 'hex'), 32),
       analyzer, version, model, model_revision, prompt_version, parameters, min(created_at)
FROM analysis_results
GROUP BY analyzer, version, model, model_revision, prompt_version, parameters;

-- A new table instead of new columns: an UPDATE of every row would leave the old rows' room behind.
ALTER TABLE analysis_results RENAME TO former_results;
CREATE TABLE analysis_results (
    track_id           bigint NOT NULL,
    provenance_id      integer NOT NULL,
    content_hash       text NOT NULL,
    sentiment          real CHECK (sentiment BETWEEN -1 AND 1),
    confidence         real CHECK (confidence BETWEEN 0 AND 1),
    data               jsonb NOT NULL,
    analysis_embedding halfvec(256),
    seconds            real,
    input_tokens       integer,
    output_tokens      integer,
    cost_usd           double precision CHECK (cost_usd >= 0),
    created_at         timestamptz NOT NULL DEFAULT now()
);
INSERT INTO analysis_results
SELECT f.track_id, p.id, f.content_hash, f.sentiment, f.confidence, f.data, f.analysis_embedding, f.seconds,
       f.input_tokens, f.output_tokens, f.cost_usd, f.created_at
FROM former_results f JOIN provenances p
  ON (p.analyzer, p.version) = (f.analyzer, f.version)
 AND (p.model, p.model_revision, p.prompt_version, p.parameters)
     IS NOT DISTINCT FROM (f.model, f.model_revision, f.prompt_version, f.parameters);
DROP TABLE former_results;

ALTER TABLE analysis_results
    ADD PRIMARY KEY (track_id, provenance_id),
    ADD FOREIGN KEY (track_id) REFERENCES tracks (id) ON DELETE CASCADE,
    ADD FOREIGN KEY (provenance_id) REFERENCES provenances (id) ON DELETE CASCADE;
-- What is due is found in this index alone, without reading a result.
CREATE INDEX analysis_results_due ON analysis_results (provenance_id, track_id) INCLUDE (content_hash);
