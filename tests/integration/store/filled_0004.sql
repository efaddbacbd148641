-- A small collection as revision 0004 holds it: two versions of one analyzer, and a language model.

INSERT INTO artists (source, source_id, name, name_normalized) VALUES ('genius', 'a1', 'Ada Flow', 'ada flow');

INSERT INTO tracks (source, source_id, artist_id, title, lyrics, sections, url, content_hash)
SELECT 'genius', n::text, (SELECT id FROM artists), 'Song ' || n, E'[Verse 1: A]\none\n\ntwo\n[Hook] one\nlate ' || n,
       jsonb_build_array(
           '{"kind": "verse", "number": 1, "label": "[Verse 1: A]", "voices": ["A"], "lines": ["one", "two"]}'::jsonb,
           jsonb_build_object('kind', 'chorus', 'number', null, 'label', '[Hook]', 'voices', '[]'::jsonb,
                              'lines', jsonb_build_array('one', 'late ' || n))), 'http://127.0.0.1/' || n, 'h' || n
FROM generate_series(1, 4) n ORDER BY n;

UPDATE tracks SET duplicate_group = CASE id WHEN 2 THEN 1 WHEN 3 THEN 3 WHEN 4 THEN 77 END;  -- 77 is gone

INSERT INTO analysis_results (track_id, analyzer, version, content_hash, data)
VALUES (1, 'rules', '1.0', 'h1', '{}'), (2, 'rules', '1.0', 'h2', '{}'), (3, 'rules', '1.0', 'h3', '{}'),
       (1, 'rules', '2.0', 'h1', '{}'), (2, 'rules', '2.0', 'former', '{}');

INSERT INTO analysis_results (track_id, analyzer, version, content_hash, sentiment, confidence, data, analysis_embedding,
                              model, model_revision, prompt_version, parameters, seconds, input_tokens, output_tokens,
                              cost_usd, created_at)
VALUES (3, 'mood', '1', 'h3', 0.5, 0.25, '{"mood": "é"}', array_fill(0.5::real, ARRAY[256])::halfvec, 'org/mé "x"', 'r@1',
        'v1-ab', '0c', 1.5, 7, 9, 0.125, '2025-03-01');
