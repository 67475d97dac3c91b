-- What another engine, DuckDB, makes of a log: a query for each analysis, over the table `t`.
-- {words} in braces stand for the lists in test_independent.py.

-- name: native log
CREATE TABLE {table} AS SELECT * REPLACE (
    -- A line leaves out what has its default.
    coalesce(path, '') AS path,
    coalesce(null_params_count, 0) AS null_params_count,
    coalesce(null_params_details, []) AS null_params_details,
    coalesce(null_response_count, 0) AS null_response_count,
    coalesce(null_response_details, []) AS null_response_details,
    coalesce(weight, 1) AS weight,
    coalesce(lost_before, 0) AS lost_before),
  row_number() OVER () AS id,
  coalesce(route, template(path)) AS place,
  coalesce(method || ' ', '') || coalesce(route, template(path)) AS endpoint,
  CASE WHEN status_code IS NULL THEN 'no response'
       WHEN status_code BETWEEN 100 AND 599 THEN (status_code // 100) || 'xx' ELSE 'other' END
    AS class,
  CASE WHEN token_validity IS NULL THEN 'not recorded'
       WHEN token_validity = 'absent' THEN 'without token' ELSE 'with token' END AS presence,
  coalesce(token_validity, 'not recorded') AS validity,
  date_trunc('hour', timestamp::TIMESTAMP) AS hour,
  date_trunc('minute', timestamp::TIMESTAMP) AS minute,
  coalesce(nullif(api_token, '***'), client_ip, 'unknown') AS client,
  response_time_ms AS d
FROM read_json(?, format='newline_delimited', columns={columns})

-- name: combined log
CREATE TABLE {table} AS WITH line AS (
  SELECT row_number() OVER () AS id, l, regexp_extract(l,
    '^(\S+) \S+ \S+ \[([^]]+)\] "(\S+) (\S+) [^"]*" (\d+) (\S+) '
    || '"(?:[^"\\]|\\.)*" "((?:[^"\\]|\\.)*)"?$',
    ['ip', 'at', 'method', 'target', 'status', 'size', 'agent']) AS f
  FROM read_csv(?, columns={'l': 'VARCHAR'}, delim='\x01', quote='', escape='', header=false)
), cell AS (
  SELECT id,
    'apache_combined.log@' || coalesce(sum(strlen(l) + 1) OVER
      (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS request_id,
    f.method AS method, f.ip AS client, f.target AS target,
    coalesce(try(url_decode(split_part(f.target, '?', 1))), f.target) AS path,
    f.status::BIGINT AS status_code,
    nullif(nullif(f.agent, '-'), '') AS user_agent,
    coalesce(try_cast(f.size AS BIGINT), 0) AS response_bytes, 0 AS request_bytes,
    strptime(f.at, '%d/%b/%Y:%H:%M:%S +0000') AS timestamp
  FROM line
), nulls AS (
  SELECT *, list_filter(string_split(regexp_extract(target, '[?](.*)', 1), '&'),
    lambda p: regexp_full_match(p, '[^=]+(=(null|none|undefined|nil)?)?', 'i')) AS found FROM cell
)
SELECT *, method || ' ' || template(path) AS endpoint, template(path) AS place,
  NULL::VARCHAR AS route,
  (status_code // 100) || 'xx' AS class, 'not recorded' AS presence, 'not recorded' AS validity,
  date_trunc('hour', timestamp) AS hour, date_trunc('minute', timestamp) AS minute,
  client AS client_ip, NULL::DOUBLE AS d, NULL::VARCHAR AS scenario, NULL::BOOLEAN AS complete,
  len(found) AS null_params_count,
  list_transform(found, lambda p: {
    'field_path': split_part(p, '=', 1), 'location': 'query',
    'kind': if(split_part(p, '=', 2) = '', 'empty', 'null_text')}) AS null_params_details,
  0 AS null_response_count, []::STRUCT(field_path VARCHAR, location VARCHAR, kind VARCHAR)[]
    AS null_response_details,
  NULL::VARCHAR AS token_reason, NULL::VARCHAR AS api_token, NULL::VARCHAR AS login_uuid,
  NULL::VARCHAR AS error_message, NULL::BOOLEAN AS auth_required,
  NULL::DOUBLE AS weight, NULL::BIGINT AS lost_before
FROM nulls

-- name: totals
SELECT count(*), min(hour), max(hour), count(DISTINCT endpoint), count(DISTINCT client),
  nullif(count(*) FILTER (auth_required), {untold}),
  count(*) FILTER (scenario NOT IN ('', 'admin')), {presences}, {classes},
  count(*) FILTER (null_params_count > 0),
  nullif(count(*) FILTER (null_response_count > 0), {untold}),
  nullif(count(*) FILTER (complete = false), {untold}),
  nullif(coalesce(sum(request_bytes), 0), {untold}), sum(response_bytes), {rate_5xx}
FROM t

-- name: status_distribution
SELECT status_code, class, count(*), count(*) / {total} FROM t
GROUP BY ALL ORDER BY status_code NULLS LAST

-- name: status_classes
SELECT c, count(id), count(id) / {total}
FROM (SELECT unnest(['1xx', '2xx', '3xx', '4xx', '5xx', 'other', 'no response']) AS c)
LEFT JOIN t ON c = class GROUP BY c ORDER BY c[1] IN ('n', 'o'), c <> 'other', c

-- name: traffic_over_time
SELECT hour, count(*), {classes}, {rate_4xx}, {rate_5xx} FROM t
GROUP BY hour ORDER BY hour NULLS LAST

-- name: top_endpoints
SELECT endpoint, count(*), count(*) / {total},
  count(*) FILTER (class = '4xx'), count(*) FILTER (class = '5xx'),
  count(*) FILTER (class = 'no response'), sum(response_bytes),
  {rate_4xx}, {rate_5xx}, avg(d), quantile_disc(d, 0.95)
FROM t GROUP BY endpoint ORDER BY count(*) DESC, endpoint LIMIT 10

-- name: top_by_error_rate
SELECT endpoint, count(*), count(*) FILTER (class = '4xx'), {rate_4xx},
  count(*) FILTER (class = '5xx'), {rate_5xx}, count(*) FILTER (class = 'no response')
FROM t GROUP BY endpoint
HAVING count(*) FILTER (class IN ('4xx', '5xx', 'no response')) > 0
ORDER BY {rate_5xx} DESC, count(*) FILTER (class = 'no response') / count(*) DESC, {rate_4xx} DESC,
  count(*) DESC, endpoint LIMIT 10

-- name: unmatched_paths
SELECT endpoint, count(*), count(*) FILTER (class = '2xx'),
  count(*) FILTER (class = '4xx'), count(*) FILTER (class = '5xx'), {rate_4xx}
FROM t WHERE route IS NULL GROUP BY endpoint ORDER BY count(*) DESC, endpoint LIMIT 20

-- name: uncalled_routes
WITH called AS (
  SELECT method, route, count(*) AS n FROM t WHERE route IS NOT NULL AND method IS NOT NULL
  GROUP BY ALL
), documented(method, route) AS (VALUES {documented})
SELECT method || ' ' || route, 'documented, never called', 0
FROM documented ANTI JOIN called USING (method, route)
UNION ALL SELECT method || ' ' || route, 'called, not documented', n
FROM called ANTI JOIN documented USING (method, route)
ORDER BY 2 DESC, 1

-- name: url_accesses
SELECT path, count(*), max(timestamp) FROM t GROUP BY path ORDER BY count(*) DESC, path LIMIT 10

-- name: durations
SELECT {statistics} FROM t

-- name: endpoint_durations
SELECT endpoint, {statistics} FROM t GROUP BY endpoint
HAVING count(d) > 0 ORDER BY sum(d) DESC, endpoint

-- name: top_by_total_time
SELECT endpoint, count(d), sum(d), sum(d) / (SELECT sum(d) FROM t), avg(d),
  quantile_disc(d, 0.95) FROM t GROUP BY endpoint HAVING count(d) > 0
ORDER BY sum(d) DESC, endpoint LIMIT 10

-- name: top_by_p95
SELECT endpoint, count(d), avg(d), quantile_disc(d, 0.95) FROM t
GROUP BY endpoint HAVING count(d) > 0 ORDER BY endpoint

-- name: latency_over_time
SELECT hour, count(d), quantile_disc(d, 0.5), quantile_disc(d, 0.95), quantile_disc(d, 0.99),
  max(d) FROM t GROUP BY hour HAVING count(d) > 0 ORDER BY hour NULLS LAST

-- name: comparison
WITH now AS (SELECT endpoint, count(*) AS n, quantile_disc(d, 0.95) AS p95, {rate_5xx} AS failed
             FROM t GROUP BY endpoint),
  past AS (SELECT endpoint, count(*) AS n, quantile_disc(d, 0.95) AS p95, {rate_5xx} AS failed
           FROM before GROUP BY endpoint)
SELECT endpoint, coalesce(now.n, 0), coalesce(past.n, 0), now.p95, past.p95, now.p95 / past.p95,
  now.failed, past.failed
FROM now FULL JOIN past USING (endpoint) ORDER BY endpoint

-- name: token_presence
SELECT p, count(id), count(id) / {total} FROM
  (VALUES (0, 'with token'), (1, 'without token'), (2, 'not recorded')) b(n, p)
LEFT JOIN t ON p = presence GROUP BY n, p ORDER BY n

-- name: token_validity
SELECT v, count(id), count(id) / {total} FROM
  (VALUES (0, 'absent'), (1, 'valid'), (2, 'invalid'), (3, 'unknown'), (4, 'not recorded')) b(n, v)
LEFT JOIN t ON v = validity GROUP BY n, v ORDER BY n

-- name: token_reasons
SELECT token_reason, count(*), count(DISTINCT client_ip),
  count(*) / (SELECT count(*) FROM t WHERE validity = 'invalid') FROM t
WHERE validity = 'invalid' GROUP BY token_reason ORDER BY token_reason NULLS LAST

-- name: token_usage_by_hour
SELECT hour, count(*), {presences}, count(*) FILTER (presence = 'with token')
  / nullif(count(*) FILTER (presence <> 'not recorded'), 0)
FROM t GROUP BY hour ORDER BY hour NULLS LAST

-- name: status_by_token_presence
SELECT presence, class, n, n / sum(n) OVER (PARTITION BY presence)
FROM (SELECT presence, class, count(*) AS n FROM t GROUP BY presence, class)
ORDER BY list_position(['with token', 'without token', 'not recorded'], presence), class

-- name: clients
SELECT client, count(*), count(*) / {total},
  bool_or(status_code IS NOT DISTINCT FROM 429), max(timestamp)
FROM t GROUP BY client ORDER BY count(*) DESC, client LIMIT 20

-- name: client_hours
SELECT client, count(*), count(DISTINCT asked), count(DISTINCT coalesce(hour::VARCHAR, '')),
  max(per_hour), count(DISTINCT (asked, hour)) FILTER (status_code = 429)
FROM (SELECT *, count(*) OVER (PARTITION BY client, hour) AS per_hour,
    CASE WHEN route IS NULL AND class = '4xx' THEN '(unmatched)' ELSE place END AS asked FROM t)
GROUP BY client ORDER BY count(*) DESC, client LIMIT 10

-- name: user_agents
SELECT user_agent, count(*), count(DISTINCT client_ip),
  count(*) FILTER (class IN ('4xx', '5xx', 'no response')) / count(*) FROM t GROUP BY user_agent
ORDER BY count(*) DESC, user_agent LIMIT 20

-- name: rate_limit_pressure
SELECT client, count(*), max(n), sum(n - 100) FROM
  (SELECT client, minute, count(*) AS n FROM t WHERE minute IS NOT NULL GROUP BY client, minute)
WHERE n > 100 GROUP BY client ORDER BY sum(n - 100) DESC, client LIMIT 20

-- name: uuid_logins
SELECT login_uuid, count(*), count(*) FILTER (status_code < 400), count(DISTINCT client_ip),
  min(timestamp), max(timestamp) FROM t
WHERE login_uuid IS NOT NULL GROUP BY login_uuid ORDER BY count(*) DESC, login_uuid LIMIT 10

-- name: null_hot_spots
WITH spots AS (
  SELECT endpoint, 'request' AS source, unnest(null_params_details) AS n, class, id FROM t
  UNION ALL SELECT endpoint, 'response', unnest(null_response_details), class, id FROM t
), spot AS (
  SELECT endpoint, source, n.location AS location,
    regexp_replace(n.field_path, '\[\d+\]', '[]', 'g') AS field_path, n.kind AS kind, class, id
  FROM spots)
SELECT endpoint, source, location, field_path, kind, count(DISTINCT id), count(*),
  {distinct_classes},
  count(DISTINCT id) FILTER (class = '5xx') / count(DISTINCT id) AS rate,
  rate / nullif((SELECT {rate_5xx} FROM t WHERE t.endpoint = spot.endpoint), 0)
FROM spot GROUP BY endpoint, source, location, field_path, kind
ORDER BY count(DISTINCT id) FILTER (class = '5xx') DESC, count(DISTINCT id) DESC,
  endpoint, source, location, field_path, kind

-- name: slowest_requests
SELECT request_id, timestamp, endpoint, path, status_code, d, client
FROM t WHERE d IS NOT NULL ORDER BY d DESC, id LIMIT 10

-- name: failing_requests
SELECT request_id, timestamp, endpoint, path, status_code, d, client, error_message
FROM t WHERE class = '5xx' ORDER BY id DESC LIMIT 10

-- name: scenarios
SELECT scenario, count(*), {classes} FROM t GROUP BY scenario ORDER BY scenario NULLS LAST

-- name: findings
WITH ordinary AS (
  SELECT * FROM t WHERE coalesce(scenario, '') = ''
    OR NOT regexp_matches(coalesce(client_ip, ''), '^(127[.].*|::1)$')
), plain AS (
  SELECT method, place, count(*) FILTER (null_params_count = 0) AS n,
    count(*) FILTER (class = '5xx' AND null_params_count = 0) AS failed,
    count(*) FILTER (class = '5xx' AND null_params_count > 0) AS failed_with
  FROM t GROUP BY ALL
), spot AS (
  SELECT method, place, regexp_replace(n.field_path, '\[\d+\]', '[]', 'g') AS field_path,
    n.location AS location, n.kind AS kind, count(DISTINCT id) AS n,
    count(DISTINCT id) FILTER (class = '5xx') AS failed
  FROM (SELECT method, place, class, id, unnest(null_params_details) AS n FROM t) GROUP BY ALL
), failing AS (
  SELECT method, place, location, field_path, spot.failed AS failed, spot.failed / spot.n AS rate,
    failed_with
  FROM spot JOIN plain USING (method, place)
  WHERE spot.failed > 0 AND spot.failed / spot.n >= 2 * plain.failed / plain.n
    AND plain.n > 0 AND (plain.failed = 0 OR spot.failed >= 3)
), slow AS (
  SELECT method, place, now.timed FROM
    (SELECT method, place, endpoint, count(d) AS timed, quantile_disc(d, 0.95) AS p95 FROM t
     GROUP BY ALL) now
  JOIN (SELECT endpoint, count(d) AS timed, quantile_disc(d, 0.95) AS p95 FROM before
        GROUP BY ALL) past USING (endpoint)
  WHERE now.timed >= 20 AND past.timed >= 20 AND now.p95 >= 2 * past.p95
)
SELECT 'PT101', method, place, '', count(*) AS n FROM t
WHERE auth_required AND validity IN ('absent', 'invalid') AND class = '2xx' GROUP BY ALL
UNION ALL
SELECT 'PT201', method, place, field_path, least(sum(failed), any_value(failed_with))
FROM failing JOIN (
  SELECT method, place, rate,
    sum(most) OVER (PARTITION BY method, place ORDER BY rate DESC) - most AS accounted_for
  FROM (SELECT method, place, rate, max(failed) AS most FROM failing GROUP BY ALL))
USING (method, place, rate)
WHERE accounted_for < failed_with GROUP BY method, place, location, field_path
UNION ALL
SELECT 'PT301', NULL, NULL, 'client ' || client_ip, count(*) FILTER (status_code IN (401, 403))
FROM ordinary WHERE client_ip IS NOT NULL GROUP BY client_ip
HAVING count(*) FILTER (status_code IN (401, 403)) >= greatest(20, count(*) / 2)
UNION ALL
SELECT 'PT302', NULL, NULL, 'token ' || api_token, count(*) FROM ordinary
WHERE validity = 'valid' AND api_token <> '***' GROUP BY api_token
HAVING count(DISTINCT client_ip) >= 5
UNION ALL
SELECT 'PT303', method, place, '', max(failed) FROM
  (SELECT method, place, count(*) FILTER (class = '5xx') AS failed, count(*) AS n FROM ordinary
   WHERE minute IS NOT NULL AND method IS NOT NULL GROUP BY method, place, minute)
WHERE failed >= greatest(10, n / 2) GROUP BY ALL
UNION ALL
SELECT 'PT304', method, place, '', timed FROM slow
ORDER BY ALL

-- name: health
SELECT count(*), 0, 0, sum(coalesce(lost_before, 0)), count(*) FILTER (weight <> 1),
  coalesce(sum(weight) FILTER (weight <> 1), 0), NULL, min(timestamp), max(timestamp) FROM t
