"use strict";
// Everything shown was sent by somebody: it becomes text nodes and attributes, never markup.

const POLL_MS = 2000;
const KEY = "perfectcv-traffic-admin-token";
const SVG = "http://www.w3.org/2000/svg";
const CLASSES = ["2xx", "3xx", "4xx", "5xx", "1xx", "no response"];
const MEANINGS = { "1xx": "informational", "2xx": "success", "3xx": "redirect", "4xx": "client error", "5xx": "server error", "no response": "no response" };
const byId = (id) => document.getElementById(id);

let timer = 0;
let paused = false;
let round = 0;
let shownIds = null;
const chosen = {};

function element(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

function drawn(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children.map((child) => (child instanceof Node ? child : String(child))));
  return node;
}

const count = (value) => Number(value).toLocaleString("en");
const percent = (share) => `${(100 * share).toFixed(share && share < 0.1 ? 1 : 0)} %`;
const classOf = (status) => (status === null || status === "no response" ? "no response" : `${String(status)[0]}xx`);
const css = (kind) => `c${kind === "no response" ? "none" : kind}`;

function duration(ms) {
  if (ms === null) return "–";
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  return ms < 10000 ? `${count(Math.round(ms))} ms` : `${(ms / 1000).toFixed(1)} s`;
}

// ---- Asking ----

async function ask(path) {
  const answer = await fetch(path, {
    headers: { Authorization: `Bearer ${sessionStorage.getItem(KEY)}` }, cache: "no-store", credentials: "omit",
  });
  const body = await answer.json();
  if (answer.ok) return { body, behind: Number(answer.headers.get("X-Traffic-Behind-Bytes")) };
  throw Object.assign(new Error(body.detail), { status: answer.status });
}

async function refresh() {
  clearTimeout(timer);
  const mine = ++round;
  try {
    const [live, stats, failed] = await Promise.all([
      ask(`live?seconds=${byId("window").value}`), ask("request-stats"), ask("request-logs?failed=true&limit=12"),
    ]);
    if (mine === round) show(live.body, stats, failed.body.logs);
  } catch (error) {
    if (mine === round) complain(error);
  }
  if (mine === round && sessionStorage.getItem(KEY)) schedule();
}

function schedule() {
  if (!paused && !document.hidden) timer = setTimeout(refresh, POLL_MS);
}

function complain(error) {
  if ([401, 403, 429].includes(error.status)) {
    const why = { 401: "No token was sent.", 403: "That is not the token.", 429: "Too many wrong tokens: wait a minute." };
    leave(why[error.status]);
    return;
  }
  enter();
  byId("state").className = "late";
  byId("state").textContent = "Waiting for the service";
  byId("trouble").textContent = error.status ? error.message : "The service does not answer. Trying again.";
  byId("trouble").hidden = false;
}

// ---- Coming and going ----

function enter() {
  byId("entry").hidden = true;
  byId("controls").hidden = byId("numbers").hidden = false;
}

function leave(message) {
  sessionStorage.removeItem(KEY);
  clearTimeout(timer);
  round += 1;
  shownIds = null;
  byId("controls").hidden = byId("numbers").hidden = true;
  byId("entry").hidden = false;
  byId("refused").textContent = message;
  byId("state").className = "";
  byId("state").textContent = "Not connected";
  byId("token").value = "";
  byId("token").focus();
}

// ---- Showing ----

function show(live, stats, failed) {
  enter();
  byId("trouble").hidden = true;
  const late = stats.behind > 0;
  const when = new Date().toISOString().slice(11, 19);
  byId("state").className = late ? "late" : "live";
  byId("state").textContent = late ? `${when} UTC, the database is ${count(stats.behind)} bytes behind the log` : `${when} UTC, up to date`;
  const numbers = {
    rate: live.requests_per_second.toFixed(live.requests_per_second < 10 ? 2 : 0), "error-rate": percent(live.error_rate),
    p95: duration(live.p95_response_time_ms), total: count(stats.body.total_requests),
    errors: count(stats.body.error_count), dropped: count(stats.body.dropped_count),
  };
  for (const [id, text] of Object.entries(numbers)) byId(id).textContent = text;
  showCharts(live);
  showBars("statuses", Object.entries(stats.body.by_status_code), (status) => css(classOf(status)));
  showBars("tokens", Object.entries(stats.body.by_token_validity).map(([word, n]) => [TOKENS[word] || word, n]), tokenClass);
  showEndpoints(stats.body.top_endpoints);
  showFailures(failed);
  showNulls(live.null_hot_spots);
  showClients(live.clients_near_limit);
}

const TOKENS = { absent: "no token", valid: "valid token", invalid: "invalid token", unknown: "token of unknown validity" };

function tokenClass(label) {
  return { "no token": "absent", "not recorded": "unrecorded", "invalid token": "c5xx" }[label] || (label === "valid token" ? "present" : "c3xx");
}

function bar(label, share, kind, ...number) {
  const line = element("i");
  line.style.width = `${Math.max(0, Math.min(1, share)) * 100}%`;
  return element("li", { class: kind },
    element("span", { class: label.startsWith("/") ? "path" : "" }, label), element("span", { class: "number" }, ...number), element("span", { class: "bar" }, line));
}

function replace(id, items, nothing) {
  byId(id).replaceChildren(...(items.length ? items : [element("li", { class: "nothing" }, nothing)]));
}

function showBars(id, entries, kind) {
  const total = entries.reduce((sum, [, n]) => sum + n, 0);
  replace(id, entries.map(([label, n]) => bar(label, n / total, kind(label), element("b", {}, count(n)), element("span", {}, ` ${percent(n / total)}`))), "Nothing yet.");
}

function showEndpoints(endpoints) {
  const most = Math.max(...endpoints.map((each) => each.requests));
  replace("endpoints", endpoints.map((each) => bar(each.endpoint, each.requests / most, "present",
    element("b", {}, count(each.requests)),
    element("span", {}, ` · ${each.errors ? `${count(each.errors)} failed · ` : ""}${duration(each.avg_response_time_ms)}`))), "Nothing yet.");
}

function showNulls(spots) {
  replace("nulls", spots.map((spot) => element("li", {},
    element("code", {}, spot.field_path), element("span", {}, `${spot.source} of ${spot.method} ${spot.endpoint}`),
    element("span", {}, `${count(spot.requests)} requests${spot.errors ? `, ${count(spot.errors)} of them failed` : ""}`))), "No nulls.");
}

function showClients(clients) {
  replace("clients", clients.map((use) => bar(use.client_identifier, use.used, use.used > 0.9 ? "c5xx" : use.used > 0.7 ? "c4xx" : "present",
    element("b", {}, `${count(use.remaining)} left`), element("span", {}, ` of ${count(use.limit)}${use.source === "configured" ? " (configured)" : ""}`))), "No client with a limit in this time.");
}

function showFailures(logs) {
  const opened = document.activeElement?.dataset?.id;
  const known = shownIds;
  shownIds = new Set(logs.map((log) => log.id));
  const rows = logs.map((log) => {
    const open = element("button", { type: "button", "data-id": log.id }, `${log.method} ${log.path}`);
    open.addEventListener("click", () => showDetail(log));
    return element("tr", { class: known && !known.has(log.id) ? "new" : "" },
      element("td", {}, log.timestamp ? log.timestamp.slice(11) : "–"),
      element("td", {}, element("span", { class: `swatch ${css(classOf(log.status_code))}` }, log.status_code ?? "none")),
      element("td", { class: "path" }, open), element("td", {}, log.token_validity ?? "–"),
      element("td", { class: "error" }, (log.error_message ?? "").slice(0, 140)));
  });
  byId("failures").replaceChildren(...(rows.length ? rows : [element("tr", {}, element("td", { class: "nothing", colspan: 5 }, "None."))]));
  if (opened) byId("failures").querySelector(`[data-id="${CSS.escape(opened)}"]`)?.focus();
}

// ---- One request ----

function showDetail(log) {
  byId("detail-title").textContent = `${log.method} ${log.path}`;
  const nulls = [...log.null_params_details.map((one) => `request: ${one.field_path} (${one.kind}, ${one.location})`),
    ...log.null_response_details.map((one) => `response: ${one.field_path} (${one.kind}, ${one.location})`)];
  const facts = { Status: log.status_code ?? "no response", Time: `${log.timestamp} UTC`, Duration: duration(log.response_time_ms), Client: log.client_ip,
    Token: log.api_token ? `${log.api_token} (${log.token_validity})` : log.token_validity, Route: log.route, "Request id": log.request_id, Error: log.error_message };
  const parts = [pairs(facts), block("As curl", curl(log), true)];
  if (nulls.length) parts.push(block("Nulls", nulls.join("\n")));
  for (const side of ["request", "response"]) {
    const name = side[0].toUpperCase() + side.slice(1);
    if (log[`${side}_body`]) parts.push(block(`${name} body`, pretty(log[`${side}_body`])));
    if (log[`${side}_headers`]) parts.push(element("h3", {}, `${name} headers`), pairs(log[`${side}_headers`]));
  }
  byId("detail-body").replaceChildren(...parts);
  byId("detail").dataset.of = log.id;
  byId("detail").showModal();
}

function pairs(facts) {
  const known = Object.entries(facts).filter(([, value]) => value !== null && value !== "");
  return element("dl", {}, ...known.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
}

function block(title, text, copies = false) {
  const heading = element("h3", {}, title);
  if (copies) {
    const copy = element("button", { type: "button" }, "Copy");
    copy.addEventListener("click", async () => { await navigator.clipboard.writeText(text); copy.textContent = "Copied"; });
    heading.append(copy);
  }
  return element("div", {}, heading, element("pre", { tabindex: 0 }, text));
}

function pretty(text) {
  try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; }
}

// The client's own, and what would pass the new request off as the recorded one; as render/replay.py has it.
const LEFT_OUT = ["accept-encoding", "connection", "content-length", "expect", "host", "keep-alive", "proxy-connection", "te",
  "transfer-encoding", "upgrade", "x-request-id", "x-traffic-run", "x-traffic-scenario"];

function curl(log) {
  const quoted = (text) => `'${String(text).replaceAll("'", "'\\''")}'`;
  const headers = Object.entries(log.request_headers ?? {}).filter(([name]) => !LEFT_OUT.includes(name));
  const isHead = log.method === "HEAD"; // curl would wait for the body that no answer to HEAD has
  const parts = [`curl ${isHead ? "--head" : `-X ${quoted(log.method ?? "GET")}`} --globoff ${quoted(log.url ?? log.path)}`,
    ...headers.map(([name, value]) => `-H ${quoted(value ? `${name}: ${value}` : `${name};`)}`)];
  if (log.request_body && !isHead) parts.push(`--data-raw ${quoted(log.request_body)}`);
  return parts.join(" \\\n  ");
}

// ---- Charts ----

const HIGH = 210, LEFT = 56, BOTTOM = 26, TOP = 10;
const narrow = matchMedia("(max-width: 44rem)");
const wide = () => (narrow.matches ? 400 : 1000);

function scale(most) {
  const rough = most / 4 || 0.25;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
  const top = Math.max(step, Math.ceil(most / step) * step);
  return { step, top, y: (value) => HIGH - BOTTOM - (value / top) * (HIGH - BOTTOM - TOP) };
}

function frame(slots, most, unit) {
  const axis = scale(most);
  const slotWide = (wide() - LEFT) / slots.length;
  const x = (index) => LEFT + index * slotWide;
  const svg = drawn("svg", { viewBox: `0 0 ${wide()} ${HIGH}`, role: "img", tabindex: 0 });
  for (let value = 0; value <= axis.top * 1.001; value += axis.step) {
    svg.append(drawn("line", { class: value ? "grid" : "base", x1: LEFT, x2: wide(), y1: axis.y(value), y2: axis.y(value) }));
    svg.append(drawn("text", { x: LEFT - 8, y: axis.y(value) + 4, "text-anchor": "end" }, unit(value)));
  }
  for (let index = 0; index < slots.length; index += slots.length / (narrow.matches ? 2 : 4)) {
    svg.append(drawn("text", { x: x(index), y: HIGH - 6 }, slots[index].start.slice(11)));
  }
  return { svg, axis, x, slotWide };
}

function showCharts(live) {
  const slots = live.series;
  const step = live.window_seconds / slots.length;
  byId("pace-note").textContent = `every ${step} seconds, by what was answered${live.is_complete ? "" : "; the beginning of the time is left out, there were too many"}`;
  const used = CLASSES.filter((kind) => slots.some((slot) => slot.by_class[kind]));
  byId("legend").replaceChildren(...used.map((kind) => element("span", { class: `swatch ${css(kind)}` }, `${kind === MEANINGS[kind] ? "" : `${kind} `}${MEANINGS[kind]}`)));
  const pace = frame(slots, Math.max(0, ...slots.map((slot) => slot.requests)), (value) => (Number.isInteger(value) ? count(value) : ""));
  pace.svg.append(hatch());
  slots.forEach((slot, index) => stack(pace, slot, index));
  pace.svg.setAttribute("aria-label", `${live.requests} requests in ${live.window_seconds} seconds, ${percent(live.error_rate)} failed. Arrow keys read the steps.`);
  put("requests", pace, slots, (slot) => `${slot.requests} requests${slot.requests ? `: ${CLASSES.filter((kind) => slot.by_class[kind]).map((kind) => `${slot.by_class[kind]} × ${kind}`).join(", ")}` : ""}`);
  const slow = frame(slots, Math.max(0, ...slots.map((slot) => slot.p95_response_time_ms ?? 0)), (value) => (value < 1000 ? `${+value.toFixed(2)} ms` : `${value / 1000} s`));
  line(slow, slots);
  slow.svg.setAttribute("aria-label", `95 % of the requests were answered within ${duration(live.p95_response_time_ms)}. Arrow keys read the steps.`);
  put("durations", slow, slots, (slot) => (slot.requests ? `95 % within ${duration(slot.p95_response_time_ms)}` : "no requests"));
}

function hatch() {
  return drawn("defs", {}, drawn("pattern", { id: "hatch", width: 5, height: 5, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
    drawn("rect", { class: "hatch", width: 5, height: 5 }), drawn("line", { class: "hatch-line", x1: 0, y1: 0, x2: 0, y2: 5 })));
}

function stack({ svg, axis, x, slotWide }, slot, index) {
  let below = 0;
  for (const kind of CLASSES) {
    const n = slot.by_class[kind];
    if (!n) continue;
    const rect = { class: css(kind), x: x(index) + slotWide * 0.1, width: slotWide * 0.8, y: axis.y(below + n), height: axis.y(below) - axis.y(below + n) };
    const node = drawn("rect", rect);
    if (kind === "5xx") node.style.fill = "url(#hatch)";
    svg.append(node);
    below += n;
  }
}

function line({ svg, axis, x, slotWide }, slots) {
  // A step without requests has no duration: the curve is interrupted there, not drawn to zero.
  const runs = [[]];
  slots.forEach((slot, index) => {
    if (slot.p95_response_time_ms === null) runs.push([]);
    else runs.at(-1).push([x(index) + slotWide / 2, axis.y(slot.p95_response_time_ms)]);
  });
  for (const run of runs.filter((each) => each.length)) {
    const points = run.map((point) => point.join(",")).join(" ");
    const [first, last, floor] = [run[0][0], run.at(-1)[0], axis.y(0)];
    svg.append(drawn("polygon", { class: "area", points: `${first},${floor} ${points} ${last},${floor}` }), drawn("polyline", { class: "curve", points }));
    for (const [cx, cy] of run.length < 3 ? run : []) svg.append(drawn("circle", { class: "dot", cx, cy, r: 3 }));
  }
}

function put(id, { svg, x, slotWide }, slots, words) {
  const cursor = drawn("rect", { class: "cursor", y: TOP, height: HIGH - BOTTOM - TOP, width: slotWide, visibility: "hidden" });
  svg.append(cursor);
  const read = (index) => {
    chosen[id] = index;
    byId(`${id}-at`).textContent = index === undefined ? "" : `${slots[index].start.slice(11)} ${words(slots[index])}`;
    cursor.setAttribute("visibility", index === undefined ? "hidden" : "visible");
    if (index !== undefined) cursor.setAttribute("x", x(index));
  };
  const inside = (index) => Math.max(0, Math.min(slots.length - 1, index));
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    read(inside(Math.floor((((event.clientX - box.left) / box.width) * wide() - LEFT) / slotWide)));
  });
  svg.addEventListener("pointerleave", () => read(undefined));
  svg.addEventListener("blur", () => { if (svg.isConnected) read(undefined); });
  svg.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: -1, ArrowRight: 1, Home: -slots.length, End: slots.length }[event.key];
    if (!move) return;
    event.preventDefault();
    read(inside((chosen[id] ?? slots.length) + move));
  });
  const focused = byId(id).contains(document.activeElement);
  const before = chosen[id];
  byId(id).replaceChildren(svg);
  if (focused) svg.focus();
  read(before);
}

// ---- Start ----

byId("entry").addEventListener("submit", (event) => {
  event.preventDefault();
  const token = byId("token").value.trim();
  byId("refused").textContent = "";
  if (/^[\x21-\xff]+$/.test(token)) {
    sessionStorage.setItem(KEY, token);
    refresh();
  } else leave("That is not the token.");
});
byId("controls").addEventListener("submit", (event) => event.preventDefault());
byId("detail").addEventListener("close", () => {
  // The row that opened it was drawn anew meanwhile.
  byId("failures").querySelector(`[data-id="${byId("detail").dataset.of}"]`)?.focus();
});
byId("leave").addEventListener("click", () => leave(""));
byId("window").addEventListener("change", refresh);
byId("pause").addEventListener("click", () => {
  paused = !paused;
  byId("pause").setAttribute("aria-pressed", paused);
  if (paused) clearTimeout(timer); else refresh();
});
document.addEventListener("visibilitychange", () => {
  clearTimeout(timer);
  if (!document.hidden && !paused && sessionStorage.getItem(KEY)) refresh();
});
if (sessionStorage.getItem(KEY)) refresh(); else leave("");
