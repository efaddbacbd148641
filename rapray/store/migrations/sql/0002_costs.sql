-- What language models cost: of each result, and of each run with all that failed on the way.

ALTER TABLE analysis_results ADD COLUMN cost_usd double precision CHECK (cost_usd >= 0);

CREATE TABLE run_costs (
    run_id        uuid NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    provider      text NOT NULL,
    requests      bigint NOT NULL DEFAULT 0,
    input_tokens  bigint NOT NULL DEFAULT 0,
    output_tokens bigint NOT NULL DEFAULT 0,
    cost_usd      double precision NOT NULL DEFAULT 0,
    reserved_usd  double precision NOT NULL DEFAULT 0,  -- of requests that are on their way; a killed worker's stays
    PRIMARY KEY (run_id, provider)
);
