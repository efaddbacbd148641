-- name: reserve
-- Takes the next moment (GCRA: next_at is the theoretical arrival time); returns the seconds until it, maybe negative.
INSERT INTO rate_limits AS r (host, next_at)
VALUES (%(host)s, clock_timestamp() + make_interval(secs => %(interval_s)s))
ON CONFLICT (host) DO UPDATE
SET next_at = greatest(r.next_at, r.blocked_until, clock_timestamp()) + make_interval(secs => %(interval_s)s)
RETURNING extract(epoch FROM greatest(next_at - make_interval(secs => %(interval_s)s + %(tolerance_s)s), blocked_until)
                             - clock_timestamp());

-- name: penalize
-- Blocks a host for a while; when the block ends, requests leave one by one, not in a burst.
INSERT INTO rate_limits AS r (host, next_at, blocked_until)
VALUES (%(host)s, clock_timestamp() + make_interval(secs => %(seconds)s + %(tolerance_s)s),
        clock_timestamp() + make_interval(secs => %(seconds)s))
ON CONFLICT (host) DO UPDATE
SET next_at = greatest(r.next_at, excluded.next_at), blocked_until = greatest(r.blocked_until, excluded.blocked_until)
RETURNING 0;
