-- What is set aside for requests on their way, one row each, so that an account that is kept twice is the same account.

CREATE TABLE run_reservations (
    id       uuid PRIMARY KEY,
    run_id   uuid NOT NULL,
    provider text NOT NULL,
    usd      double precision NOT NULL,  -- a killed worker's stays
    FOREIGN KEY (run_id, provider) REFERENCES run_costs (run_id, provider) ON DELETE CASCADE
);
