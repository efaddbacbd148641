-- The first schema: collection, vectors, analyses, the crawl frontier, runs, failures, keys.

CREATE EXTENSION IF NOT EXISTS vector;
CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE TABLE artists (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source          text NOT NULL,
    source_id       text NOT NULL,
    name            text NOT NULL,
    name_normalized text NOT NULL,          -- casefolded, accents and punctuation removed
    url             text,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    UNIQUE (source, source_id)
);
CREATE INDEX artists_name_trgm ON artists USING gin (name_normalized gin_trgm_ops);

CREATE TABLE tracks (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source          text NOT NULL,
    source_id       text NOT NULL,
    artist_id       bigint NOT NULL REFERENCES artists (id),
    title           text NOT NULL,
    featured        text[] NOT NULL DEFAULT '{}',
    lyrics          text NOT NULL CHECK (lyrics <> ''),
    sections        jsonb NOT NULL,
    language        text,
    album           text,
    release_date    date,
    release_year    smallint,
    is_explicit     boolean,
    identifiers     jsonb NOT NULL DEFAULT '{}',
    spotify_data    jsonb,
    url             text NOT NULL,
    content_hash    text NOT NULL,          -- of the normalised lyrics: what every derived row is checked against
    duplicate_group bigint,                 -- id of the track that stands for all with this text; NULL: not grouped yet
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    lyrics_tsv      tsvector GENERATED ALWAYS AS (
        -- cut for the index alone: a tsvector ends at 1 MB, and a row may not fail on its length
        setweight(to_tsvector('english', left(title, 1000)), 'A')
        || setweight(to_tsvector('english', left(lyrics, 150000)), 'B')
    ) STORED,
    UNIQUE (source, source_id)
);
CREATE INDEX tracks_artist ON tracks (artist_id);
CREATE INDEX tracks_content_hash ON tracks (content_hash);
CREATE INDEX tracks_due ON tracks (id) INCLUDE (content_hash);  -- jobs find what is due without touching a lyric
CREATE INDEX tracks_release_year ON tracks (release_year);
CREATE INDEX tracks_duplicate_group ON tracks (duplicate_group);
CREATE INDEX tracks_ungrouped ON tracks (id) WHERE duplicate_group IS NULL;
CREATE INDEX tracks_lyrics_tsv ON tracks USING gin (lyrics_tsv) WITH (fastupdate = off);

CREATE TABLE models (
    id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind        text NOT NULL,
    name        text NOT NULL,
    revision    text NOT NULL,
    dimension   integer,
    created_at  timestamptz NOT NULL DEFAULT now(),
    UNIQUE (kind, name, revision)
);

-- One partition a model, so that a query cannot mix vector spaces. The dimension belongs to the partition:
-- each is created with its model and carries CHECK (vector_dims(embedding) = n).
CREATE TABLE lyric_embeddings (
    model_id      integer NOT NULL REFERENCES models (id),
    track_id      bigint NOT NULL REFERENCES tracks (id) ON DELETE CASCADE,
    passage       integer NOT NULL CHECK (passage >= 0),  -- 0: the whole track; 1…: its sections
    content_hash  text NOT NULL,
    embedding     halfvec NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (model_id, track_id, passage)
) PARTITION BY LIST (model_id);
CREATE INDEX lyric_embeddings_due ON lyric_embeddings (model_id, track_id) INCLUDE (content_hash) WHERE passage = 0;

CREATE TABLE audio_embeddings (
    model_id      integer NOT NULL REFERENCES models (id),
    track_id      bigint NOT NULL REFERENCES tracks (id) ON DELETE CASCADE,
    embedding     halfvec(128) NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (model_id, track_id)
) PARTITION BY LIST (model_id);

CREATE TABLE analysis_results (
    track_id           bigint NOT NULL REFERENCES tracks (id) ON DELETE CASCADE,
    analyzer           text NOT NULL,
    version            text NOT NULL,
    content_hash       text NOT NULL,
    sentiment          real CHECK (sentiment BETWEEN -1 AND 1),
    confidence         real CHECK (confidence BETWEEN 0 AND 1),
    data               jsonb NOT NULL,
    analysis_embedding halfvec(256),
    model              text,
    model_revision     text,
    prompt_version     text,
    seconds            real,
    input_tokens       integer,
    output_tokens      integer,
    created_at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (track_id, analyzer, version)
);
CREATE INDEX analysis_results_due ON analysis_results (analyzer, version, track_id)
    INCLUDE (content_hash, model, model_revision, prompt_version);

-- The frontier: what is known to exist at a source, and how its last fetch ended.
CREATE TABLE crawl (
    source           text NOT NULL,
    kind             text NOT NULL CHECK (kind IN ('artist', 'song')),
    source_id        text NOT NULL,
    url              text NOT NULL,
    title            text NOT NULL,
    artist_source_id text NOT NULL,
    artist_name      text NOT NULL,
    artist_url       text,
    state            text NOT NULL DEFAULT 'due' CHECK (state IN ('due', 'done', 'dead')),
    outcome          text,                  -- rapray.domain.Outcome, or 'feature': another artist's song
    attempts         integer NOT NULL DEFAULT 0,
    lease_owner      text,                  -- leases come with the distributed crawl
    lease_expires_at timestamptz,
    not_before       timestamptz NOT NULL DEFAULT '-infinity',
    http_status      integer,
    final_url        text,
    etag             text,
    detail           text NOT NULL DEFAULT '',
    discovered_at    timestamptz NOT NULL DEFAULT now(),
    fetched_at       timestamptz,
    PRIMARY KEY (source, kind, source_id)
);
CREATE INDEX crawl_due ON crawl (source, kind, source_id) WHERE state = 'due';
CREATE INDEX crawl_artist ON crawl (source, artist_source_id);

CREATE TABLE runs (
    id           uuid PRIMARY KEY,
    job          text NOT NULL,
    parameters   jsonb NOT NULL DEFAULT '{}',
    program      text NOT NULL,             -- rapray's version
    state        text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'succeeded', 'partial', 'failed', 'interrupted')),
    counts       jsonb NOT NULL DEFAULT '{}',
    error        text,
    started_at   timestamptz NOT NULL DEFAULT now(),
    finished_at  timestamptz
);
CREATE INDEX runs_started ON runs (started_at);
CREATE INDEX runs_running ON runs (job) WHERE state = 'running';

-- The ledger: a batch is in here exactly when its rows are in the tables, because one transaction writes both.
CREATE TABLE run_batches (
    run_id      uuid NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    batch_id    text NOT NULL,              -- hash of the keys and content hashes it holds
    counts      jsonb NOT NULL,
    written_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (run_id, batch_id)
);

CREATE TABLE dead_letters (
    stage         text NOT NULL,            -- rapray/domain.py: 'collect/genius', 'embed/<model>@<revision>', …
    key           text NOT NULL,
    code          text NOT NULL,
    detail        text NOT NULL,
    content_hash  text,                     -- of the text that failed; another text is due again
    attempts      integer NOT NULL DEFAULT 1,
    is_dead       boolean NOT NULL DEFAULT false,
    first_seen_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (stage, key)
);

-- Shared token buckets where there is no Redis: one row a host.
CREATE TABLE rate_limits (
    host          text PRIMARY KEY,
    next_at       timestamptz NOT NULL,     -- theoretical arrival time of the next request (GCRA)
    blocked_until timestamptz NOT NULL DEFAULT '-infinity'
);

CREATE TABLE api_keys (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text NOT NULL,
    hash        bytea NOT NULL UNIQUE,
    scopes      text[] NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz,
    revoked_at  timestamptz
);
