PRAGMA application_id = 1346590292;
PRAGMA user_version = 1;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE IF NOT EXISTS "api_requests" (
   "id" INTEGER PRIMARY KEY,
   "log_file_id" INTEGER,
   "log_offset" INTEGER,
   "request_id" TEXT,
   "event_id" TEXT,
   "timestamp" TEXT,
   "method" TEXT,
   "url" TEXT,
   "path" TEXT,
   "route" TEXT,
   "query_params" TEXT,
   "request_headers" TEXT,
   "response_headers" TEXT,
   "request_body" TEXT,
   "response_body" TEXT,
   "request_bytes" INTEGER,
   "response_bytes" INTEGER,
   "client_ip" TEXT,
   "user_agent" TEXT,
   "auth_required" INTEGER,
   "token_present" INTEGER,
   "token_scheme" TEXT,
   "token_source" TEXT,
   "token_validity" TEXT,
   "token_reason" TEXT,
   "api_token" TEXT,
   "status_code" INTEGER,
   "request_time_ms" REAL,
   "ttfb_ms" REAL,
   "response_time_ms" REAL,
   "complete" INTEGER,
   "client_disconnected" INTEGER,
   "error_message" TEXT,
   "null_params_count" INTEGER,
   "null_params_details" TEXT,
   "null_response_count" INTEGER,
   "null_response_details" TEXT,
   "nulls_partial" INTEGER,
   "request_data_summary" TEXT,
   "rate_limit" TEXT,
   "login_uuid" TEXT,
   "run_id" TEXT,
   "scenario" TEXT,
   "has_null_params" INTEGER,
   "has_null_response" INTEGER
);
INSERT INTO api_requests VALUES(1,1,0,'r0','e0000','2026-11-21T00:00:00.000000Z','GET',NULL,'/items/0',NULL,'',NULL,NULL,NULL,NULL,NULL,NULL,'10.0.0.1',NULL,NULL,1,NULL,NULL,'valid',NULL,NULL,200,NULL,NULL,0.5,NULL,NULL,NULL,1,'[{"field_name":"team","field_path":"team","location":"json_body","kind":"json_null"}]',0,'[]',0,'',NULL,NULL,NULL,NULL,1,0);
INSERT INTO api_requests VALUES(2,1,910,'r1','e0001','2026-11-21T01:00:00.000000Z','GET',NULL,'/items/1','/items/{id}','',NULL,NULL,NULL,NULL,NULL,NULL,'10.0.0.1',NULL,NULL,0,NULL,NULL,'absent',NULL,NULL,200,NULL,NULL,1.5,NULL,NULL,NULL,0,'[]',0,'[]',0,'',NULL,'u1',NULL,NULL,0,0);
INSERT INTO api_requests VALUES(3,1,1748,'r2','e0002','2026-11-21T02:00:00.000000Z','GET',NULL,'/items/2',NULL,'',NULL,NULL,NULL,NULL,NULL,NULL,'10.0.0.1',NULL,NULL,1,NULL,NULL,'valid',NULL,NULL,200,NULL,NULL,2.5,NULL,NULL,NULL,0,'[]',0,'[]',0,'',NULL,NULL,NULL,NULL,0,0);
INSERT INTO api_requests VALUES(4,1,2575,'r3','e0003','2026-11-21T03:00:00.000000Z','GET',NULL,'/items/3','/items/{id}','',NULL,NULL,NULL,NULL,NULL,NULL,'10.0.0.1',NULL,NULL,0,NULL,NULL,'absent',NULL,NULL,200,NULL,NULL,3.5,NULL,NULL,NULL,1,'[{"field_name":"team","field_path":"team","location":"json_body","kind":"json_null"}]',0,'[]',0,'',NULL,NULL,NULL,NULL,1,0);
INSERT INTO api_requests VALUES(5,1,3496,'r4','e0004','2026-11-21T04:00:00.000000Z','GET',NULL,'/items/4',NULL,'',NULL,NULL,NULL,NULL,NULL,NULL,'10.0.0.1',NULL,NULL,1,NULL,NULL,'valid',NULL,NULL,200,NULL,NULL,4.5,NULL,NULL,NULL,0,'[]',0,'[]',0,'',NULL,NULL,NULL,NULL,0,0);
INSERT INTO api_requests VALUES(6,1,4323,'r5','e0005','2026-11-21T05:00:00.000000Z','GET',NULL,'/items/5','/items/{id}','',NULL,NULL,NULL,NULL,NULL,NULL,'10.0.0.1',NULL,NULL,0,NULL,NULL,'absent',NULL,NULL,200,NULL,NULL,5.5,NULL,NULL,NULL,0,'[]',0,'[]',0,'',NULL,NULL,NULL,NULL,0,0);
INSERT INTO api_requests VALUES(7,1,5161,'r6','e0006','2026-11-21T06:00:00.000000Z','GET',NULL,'/items/6',NULL,'',NULL,NULL,NULL,NULL,NULL,NULL,'10.0.0.1',NULL,NULL,1,NULL,NULL,'valid',NULL,NULL,200,NULL,NULL,6.5,NULL,NULL,NULL,1,'[{"field_name":"team","field_path":"team","location":"json_body","kind":"json_null"}]',0,'[]',0,'',NULL,NULL,NULL,NULL,1,0);
INSERT INTO api_requests VALUES(8,1,6071,'r7','e0007','2026-11-21T07:00:00.000000Z','GET',NULL,'/items/7','/items/{id}','',NULL,NULL,NULL,NULL,NULL,NULL,'10.0.0.1',NULL,NULL,0,NULL,NULL,'absent',NULL,NULL,500,NULL,NULL,7.5,NULL,NULL,NULL,0,'[]',0,'[]',0,'',NULL,NULL,NULL,NULL,0,0);
INSERT INTO api_requests VALUES(9,1,6909,'r8','e0008','2026-11-21T08:00:00.000000Z','GET',NULL,'/items/8',NULL,'',NULL,NULL,NULL,NULL,NULL,NULL,'10.0.0.1',NULL,NULL,1,NULL,NULL,'valid',NULL,NULL,200,NULL,NULL,8.5,NULL,NULL,NULL,0,'[]',0,'[]',0,'',NULL,NULL,NULL,NULL,0,0);
INSERT INTO api_requests VALUES(10,1,7736,'r9','e0009','2026-11-21T09:00:00.000000Z','GET',NULL,'/items/9','/items/{id}','',NULL,NULL,NULL,NULL,NULL,NULL,'10.0.0.1',NULL,NULL,0,NULL,NULL,'absent',NULL,NULL,200,NULL,NULL,9.5,NULL,NULL,NULL,1,'[{"field_name":"team","field_path":"team","location":"json_body","kind":"json_null"}]',0,'[]',0,'',NULL,NULL,NULL,NULL,1,0);
INSERT INTO api_requests VALUES(11,1,8657,'r10','e0010','2026-11-21T10:00:00.000000Z','GET',NULL,'/items/10',NULL,'',NULL,NULL,NULL,NULL,NULL,NULL,'10.0.0.1',NULL,NULL,1,NULL,NULL,'valid',NULL,NULL,200,NULL,NULL,10.499999999999999999,NULL,NULL,NULL,0,'[]',0,'[]',0,'',NULL,NULL,NULL,NULL,0,0);
INSERT INTO api_requests VALUES(12,1,9487,'r11','e0011','2026-11-21T11:00:00.000000Z','GET',NULL,'/items/11','/items/{id}','',NULL,NULL,NULL,NULL,NULL,NULL,'10.0.0.1',NULL,NULL,0,NULL,NULL,'absent',NULL,NULL,200,NULL,NULL,11.499999999999999999,NULL,NULL,NULL,0,'[]',0,'[]',0,'',NULL,NULL,NULL,NULL,0,0);
CREATE TABLE IF NOT EXISTS "log_files" (
   "id" INTEGER PRIMARY KEY,
   "path" TEXT,
   "generation" INTEGER,
   "committed_offset" INTEGER,
   "head_length" INTEGER,
   "head" BLOB,
   "anchor_length" INTEGER,
   "anchor" BLOB,
   "lines" INTEGER,
   "stored" INTEGER,
   "rejected" INTEGER,
   "blank" INTEGER,
   "duplicate" INTEGER,
   "updated" TEXT
);
INSERT INTO log_files VALUES(1,'/var/log/api_traffic.log',1,10334,4096,X'5982b8489962beb2962d74c97ec190f313eb8dc505411bec16bdd2030996e0d8',128,X'41310749e1ba6fdb6cf95ccf7930fd5cfec09315f83cf1b21bdf266b13ffd441',14,12,1,1,0,'2026-11-22T02:36:57.080763Z');
CREATE TABLE IF NOT EXISTS "rejected_lines" (
   "id" INTEGER PRIMARY KEY,
   "log_file_id" INTEGER,
   "log_offset" INTEGER,
   "length" INTEGER,
   "reason" TEXT,
   "raw" TEXT
);
INSERT INTO rejected_lines VALUES(1,1,10328,4,'json','junk');
CREATE TABLE IF NOT EXISTS "null_value_logs" (
   "id" INTEGER PRIMARY KEY,
   "request_id" INTEGER REFERENCES "api_requests"("id"),
   "timestamp" TEXT,
   "path" TEXT,
   "client_ip" TEXT,
   "null_type" TEXT,
   "field_name" TEXT,
   "field_path" TEXT,
   "context" TEXT
);
INSERT INTO null_value_logs VALUES(1,1,'2026-11-21T00:00:00.000000Z','/items/0','10.0.0.1','request_parameter','team','team','{"location": "json_body", "field": "team", "path": "team", "value": null, "kind": "json_null"}');
INSERT INTO null_value_logs VALUES(2,4,'2026-11-21T03:00:00.000000Z','/items/3','10.0.0.1','request_parameter','team','team','{"location": "json_body", "field": "team", "path": "team", "value": null, "kind": "json_null"}');
INSERT INTO null_value_logs VALUES(3,7,'2026-11-21T06:00:00.000000Z','/items/6','10.0.0.1','request_parameter','team','team','{"location": "json_body", "field": "team", "path": "team", "value": null, "kind": "json_null"}');
INSERT INTO null_value_logs VALUES(4,10,'2026-11-21T09:00:00.000000Z','/items/9','10.0.0.1','request_parameter','team','team','{"location": "json_body", "field": "team", "path": "team", "value": null, "kind": "json_null"}');
CREATE TABLE IF NOT EXISTS "uuid_logins" (
   "id" INTEGER PRIMARY KEY,
   "request_id" INTEGER REFERENCES "api_requests"("id"),
   "uuid" TEXT,
   "ip_address" TEXT,
   "timestamp" TEXT,
   "user_agent" TEXT,
   "success" INTEGER
);
INSERT INTO uuid_logins VALUES(1,2,'u1','10.0.0.1','2026-11-21T01:00:00.000000Z',NULL,1);
CREATE TABLE IF NOT EXISTS "generated_requests" (
   "id" INTEGER PRIMARY KEY,
   "run_id" TEXT,
   "request_id" TEXT,
   "scenario" TEXT,
   "method" TEXT,
   "path" TEXT,
   "expected" TEXT,
   "status_code" INTEGER,
   "as_expected" INTEGER,
   "error" TEXT,
   "duration_ms" REAL
);
CREATE TABLE IF NOT EXISTS "findings" (
   "id" INTEGER PRIMARY KEY,
   "run_id" TEXT,
   "rule" TEXT,
   "severity" TEXT,
   "method" TEXT,
   "path" TEXT,
   "pointer" TEXT,
   "title" TEXT,
   "expected" TEXT,
   "observed" TEXT,
   "evidence" TEXT,
   "fingerprint" TEXT,
   "curl" TEXT
);
CREATE TABLE IF NOT EXISTS "summary_requests" (
   "id" INTEGER PRIMARY KEY,
   "hour" TEXT NOT NULL,
   "method" TEXT NOT NULL,
   "route" TEXT NOT NULL,
   "route_known" INTEGER NOT NULL,
   "status_code" INTEGER NOT NULL,
   "token_validity" TEXT NOT NULL,
   "auth_required" INTEGER NOT NULL,
   "scenario" TEXT NOT NULL,
   "requests" INTEGER NOT NULL,
   "requests_with_null_params" INTEGER NOT NULL,
   "requests_with_null_response" INTEGER NOT NULL,
   "incomplete" INTEGER NOT NULL,
   "request_bytes" INTEGER NOT NULL,
   "response_bytes" INTEGER NOT NULL,
   "timed" INTEGER NOT NULL,
   "duration_us_sum" INTEGER NOT NULL,
   "duration_square_sum" INTEGER NOT NULL,
   "duration_us_min" INTEGER NOT NULL,
   "duration_us_max" INTEGER NOT NULL,
   "durations" BLOB NOT NULL
);
INSERT INTO summary_requests VALUES(1,'2026-11-21T00','GET','/items/{id}',0,200,'valid',-1,'',1,1,0,0,0,0,1,500,250,500,500,X'370100000100000000000000');
INSERT INTO summary_requests VALUES(2,'2026-11-21T01','GET','/items/{id}',1,200,'absent',-1,'',1,0,0,0,0,0,1,1500,2250,1500,1500,X'6e0100000100000000000000');
INSERT INTO summary_requests VALUES(3,'2026-11-21T02','GET','/items/{id}',0,200,'valid',-1,'',1,0,0,0,0,0,1,2500,6250,2500,2500,X'880100000100000000000000');
INSERT INTO summary_requests VALUES(4,'2026-11-21T03','GET','/items/{id}',1,200,'absent',-1,'',1,1,0,0,0,0,1,3500,12250,3500,3500,X'990100000100000000000000');
INSERT INTO summary_requests VALUES(5,'2026-11-21T04','GET','/items/{id}',0,200,'valid',-1,'',1,0,0,0,0,0,1,4500,20250,4500,4500,X'a50100000100000000000000');
INSERT INTO summary_requests VALUES(6,'2026-11-21T05','GET','/items/{id}',1,200,'absent',-1,'',1,0,0,0,0,0,1,5500,30250,5500,5500,X'af0100000100000000000000');
INSERT INTO summary_requests VALUES(7,'2026-11-21T06','GET','/items/{id}',0,200,'valid',-1,'',1,1,0,0,0,0,1,6500,42250,6500,6500,X'b70100000100000000000000');
INSERT INTO summary_requests VALUES(8,'2026-11-21T07','GET','/items/{id}',1,500,'absent',-1,'',1,0,0,0,0,0,1,7500,56250,7500,7500,X'bf0100000100000000000000');
INSERT INTO summary_requests VALUES(9,'2026-11-21T08','GET','/items/{id}',0,200,'valid',-1,'',1,0,0,0,0,0,1,8500,72250,8500,8500,X'c50100000100000000000000');
INSERT INTO summary_requests VALUES(10,'2026-11-21T09','GET','/items/{id}',1,200,'absent',-1,'',1,1,0,0,0,0,1,9500,90250,9500,9500,X'ca0100000100000000000000');
INSERT INTO summary_requests VALUES(11,'2026-11-21T10','GET','/items/{id}',0,200,'valid',-1,'',1,0,0,0,0,0,1,10500,110250,10500,10500,X'cf0100000100000000000000');
INSERT INTO summary_requests VALUES(12,'2026-11-21T11','GET','/items/{id}',1,200,'absent',-1,'',1,0,0,0,0,0,1,11500,132250,11500,11500,X'd40100000100000000000000');
CREATE TABLE IF NOT EXISTS "summary_nulls" (
   "id" INTEGER PRIMARY KEY,
   "hour" TEXT NOT NULL,
   "method" TEXT NOT NULL,
   "route" TEXT NOT NULL,
   "status_code" INTEGER NOT NULL,
   "source" TEXT NOT NULL,
   "location" TEXT NOT NULL,
   "field_path" TEXT NOT NULL,
   "kind" TEXT NOT NULL,
   "requests" INTEGER NOT NULL,
   "occurrences" INTEGER NOT NULL
);
INSERT INTO summary_nulls VALUES(1,'2026-11-21T00','GET','/items/{id}',200,'request','json_body','team','json_null',1,1);
INSERT INTO summary_nulls VALUES(2,'2026-11-21T03','GET','/items/{id}',200,'request','json_body','team','json_null',1,1);
INSERT INTO summary_nulls VALUES(3,'2026-11-21T06','GET','/items/{id}',200,'request','json_body','team','json_null',1,1);
INSERT INTO summary_nulls VALUES(4,'2026-11-21T09','GET','/items/{id}',200,'request','json_body','team','json_null',1,1);
CREATE TABLE IF NOT EXISTS "rate_limit_tracking" (
   "id" INTEGER PRIMARY KEY,
   "client_identifier" TEXT NOT NULL,
   "endpoint" TEXT NOT NULL,
   "window_start" TEXT NOT NULL,
   "request_count" INTEGER NOT NULL,
   "last_request" TEXT NOT NULL,
   "is_blocked" INTEGER NOT NULL
);
INSERT INTO rate_limit_tracking VALUES(1,'10.0.0.1','/items/{id}','2026-11-21T00',1,'2026-11-21T00:00:00.000000Z',0);
INSERT INTO rate_limit_tracking VALUES(2,'10.0.0.1','/items/{id}','2026-11-21T01',1,'2026-11-21T01:00:00.000000Z',0);
INSERT INTO rate_limit_tracking VALUES(3,'10.0.0.1','/items/{id}','2026-11-21T02',1,'2026-11-21T02:00:00.000000Z',0);
INSERT INTO rate_limit_tracking VALUES(4,'10.0.0.1','/items/{id}','2026-11-21T03',1,'2026-11-21T03:00:00.000000Z',0);
INSERT INTO rate_limit_tracking VALUES(5,'10.0.0.1','/items/{id}','2026-11-21T04',1,'2026-11-21T04:00:00.000000Z',0);
INSERT INTO rate_limit_tracking VALUES(6,'10.0.0.1','/items/{id}','2026-11-21T05',1,'2026-11-21T05:00:00.000000Z',0);
INSERT INTO rate_limit_tracking VALUES(7,'10.0.0.1','/items/{id}','2026-11-21T06',1,'2026-11-21T06:00:00.000000Z',0);
INSERT INTO rate_limit_tracking VALUES(8,'10.0.0.1','/items/{id}','2026-11-21T07',1,'2026-11-21T07:00:00.000000Z',0);
INSERT INTO rate_limit_tracking VALUES(9,'10.0.0.1','/items/{id}','2026-11-21T08',1,'2026-11-21T08:00:00.000000Z',0);
INSERT INTO rate_limit_tracking VALUES(10,'10.0.0.1','/items/{id}','2026-11-21T09',1,'2026-11-21T09:00:00.000000Z',0);
INSERT INTO rate_limit_tracking VALUES(11,'10.0.0.1','/items/{id}','2026-11-21T10',1,'2026-11-21T10:00:00.000000Z',0);
INSERT INTO rate_limit_tracking VALUES(12,'10.0.0.1','/items/{id}','2026-11-21T11',1,'2026-11-21T11:00:00.000000Z',0);
CREATE TABLE IF NOT EXISTS "url_access_counts" (
   "id" INTEGER PRIMARY KEY,
   "path" TEXT NOT NULL,
   "access_count" INTEGER NOT NULL,
   "last_accessed" TEXT NOT NULL
);
INSERT INTO url_access_counts VALUES(1,'/items/0',1,'2026-11-21T00:00:00.000000Z');
INSERT INTO url_access_counts VALUES(2,'/items/1',1,'2026-11-21T01:00:00.000000Z');
INSERT INTO url_access_counts VALUES(3,'/items/10',1,'2026-11-21T10:00:00.000000Z');
INSERT INTO url_access_counts VALUES(4,'/items/11',1,'2026-11-21T11:00:00.000000Z');
INSERT INTO url_access_counts VALUES(5,'/items/2',1,'2026-11-21T02:00:00.000000Z');
INSERT INTO url_access_counts VALUES(6,'/items/3',1,'2026-11-21T03:00:00.000000Z');
INSERT INTO url_access_counts VALUES(7,'/items/4',1,'2026-11-21T04:00:00.000000Z');
INSERT INTO url_access_counts VALUES(8,'/items/5',1,'2026-11-21T05:00:00.000000Z');
INSERT INTO url_access_counts VALUES(9,'/items/6',1,'2026-11-21T06:00:00.000000Z');
INSERT INTO url_access_counts VALUES(10,'/items/7',1,'2026-11-21T07:00:00.000000Z');
INSERT INTO url_access_counts VALUES(11,'/items/8',1,'2026-11-21T08:00:00.000000Z');
INSERT INTO url_access_counts VALUES(12,'/items/9',1,'2026-11-21T09:00:00.000000Z');
CREATE UNIQUE INDEX "api_requests_log_file_id_log_offset"
    ON "api_requests" ("log_file_id", "log_offset");
CREATE INDEX "api_requests_timestamp"
    ON "api_requests" ("timestamp");
CREATE INDEX "api_requests_request_id"
    ON "api_requests" ("request_id");
CREATE UNIQUE INDEX "api_requests_event_id"
    ON "api_requests" ("event_id");
CREATE UNIQUE INDEX "log_files_path_generation"
    ON "log_files" ("path", "generation");
CREATE UNIQUE INDEX "rejected_lines_log_file_id_log_offset"
    ON "rejected_lines" ("log_file_id", "log_offset");
CREATE INDEX "null_value_logs_request_id"
    ON "null_value_logs" ("request_id");
CREATE INDEX "uuid_logins_uuid"
    ON "uuid_logins" ("uuid");
CREATE UNIQUE INDEX "generated_requests_run_id_request_id"
    ON "generated_requests" ("run_id", "request_id");
CREATE UNIQUE INDEX "summary_requests_hour_method_route_route_known_status_cod"
    ON "summary_requests" ("hour", "method", "route", "route_known", "status_code", "token_validity", "auth_required", "scenario");
CREATE UNIQUE INDEX "summary_nulls_hour_method_route_status_code_source_loc"
    ON "summary_nulls" ("hour", "method", "route", "status_code", "source", "location", "field_path", "kind");
CREATE UNIQUE INDEX "rate_limit_tracking_client_identifier_endpoint_window_start"
    ON "rate_limit_tracking" ("client_identifier", "endpoint", "window_start");
CREATE UNIQUE INDEX "url_access_counts_path"
    ON "url_access_counts" ("path");
COMMIT;
