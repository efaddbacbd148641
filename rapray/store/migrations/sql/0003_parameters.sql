-- The settings that decided a result, as a digest; NULL: all at their defaults, and what was stored before.
--
-- A result from before does not say which settings it was made with. Nearly all were made with the defaults, so NULL is
-- current for those; under other settings they become due once.

ALTER TABLE analysis_results ADD COLUMN parameters text;

-- Again with the new column: what is due is found in the index alone, without reading a result.
DROP INDEX analysis_results_due;
CREATE INDEX analysis_results_due ON analysis_results (analyzer, version, track_id)
    INCLUDE (content_hash, model, model_revision, prompt_version, parameters);
