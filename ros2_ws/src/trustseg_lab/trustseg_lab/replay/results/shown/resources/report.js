"use strict";
const D = JSON.parse(document.getElementById("data").textContent);
const M = D.summary.metrics, T = D.timing, S = D.series, $ = (id) => document.getElementById(id);
const make = (tag, text, parent, cls) => {
  const e = document.createElement(tag);
  if (text !== undefined && text !== null) e.textContent = text;
  if (cls) e.className = cls;
  if (parent) parent.append(e);
  return e;
};
const known = (v) => v !== null && v !== undefined && !Number.isNaN(v);
const num = (v, digits = 2) => known(v) ? Number(v).toFixed(digits) : "-";
const percent = (v) => known(v) ? (100 * v).toFixed(1) + " %" : "-";
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const STATES = ["UNKNOWN", "OK", "DEGRADED", "FAILED", "STALE", "LATCHED"];
const STATE_COLORS = ["#8a94a6", "#1a7f3c", "#d69e2e", "#c4242a", "#7c3aed", "#111827"];

function card(parent, value, title) { const c = make("div", null, parent, "card"); make("b", value, c); make("span", title, c); }
function bars(parent, rows) {
  for (const r of rows) {
    const row = make("div", null, parent, "row");
    make("span", r.name, row);
    const fill = make("i", null, make("div", null, row));
    fill.style.width = (100 * Math.max(0, Math.min(1, r.value || 0))) + "%";
    if (r.color) fill.style.background = r.color;
    make("b", r.text, row);
  }
}
function table(parent, head, rows) {
  const top = make("tr", null, make("thead", null, parent));
  head.forEach((h) => make("th", h, top));
  const body = make("tbody", null, parent);
  rows.forEach((cells) => { const tr = make("tr", null, body); cells.forEach((c) => make("td", c, tr)); });
}

// Verdict first -----------------------------------------------------------------------------------------------------
(function verdict() {
  const v = D.verdict;
  $("verdict").className = v.tone;
  $("headline").textContent = v.headline;
  $("subline").textContent = v.subline;
  v.notes.forEach((n) => make("li", n, $("notes")));
  document.title = D.summary.input.name + ": " + v.headline;
  const f = $("figures");
  card(f, String(M.frames), "images received");
  card(f, M.processed + " / " + M.rejected, "processed / rejected");
  card(f, num(M.duration_s, 1) + " s", "recorded time");
  card(f, percent(M.failure_share), "flag up, after start-up");
  card(f, String(M.failures), "failures");
  card(f, num(M.predicted_miou_mean), "predicted quality, mean");
  card(f, num(M.mean_confidence), "mean confidence");
  card(f, percent(M.low_confidence_share), "doubtful pixels");
  card(f, num(T.latency_p99_ms, 1) + " ms", "latency here, 99 %");
})();

// Timeline ----------------------------------------------------------------------------------------------------------
(function timeline() {
  const canvas = $("timeline"), ctx = canvas.getContext("2d"), n = S.t.length;
  const first = S.t[0], last = Math.max(S.t[n - 1], first + 1e-3);
  const pad = { left: 44, right: 10 };
  const lines = [["true quality", "true", "--ink"], ["predicted quality", "predicted", "--blue"], ["its lower bound", "lower", "--faint"]]
    .filter((l) => S[l[1]].some(known));
  const gap = 3 * D.period_s * S.group * D.summary.settings.every;
  let a = first, b = last, chosen = null;
  for (const [name, , tint] of lines) { const i = make("i", null, $("legend")); i.style.background = color(tint); $("legend").append(name); }
  D.states.forEach((s) => { const i = make("i", null, $("legend")); i.style.background = STATE_COLORS[STATES.indexOf(s)]; $("legend").append(s); });
  if (S.group > 1) $("grouped").textContent = "Each point stands for " + S.group + " frames, and shows their worst.";
  const x = (t, w) => pad.left + (t - a) / (b - a) * (w - pad.left - pad.right);
  const time = (px, w) => a + (px - pad.left) / (w - pad.left - pad.right) * (b - a);
  function nearest(t) { let lo = 0, hi = n - 1; while (lo < hi) { const m = (lo + hi) >> 1; if (S.t[m] < t) lo = m + 1; else hi = m; }
    return lo > 0 && t - S.t[lo - 1] < S.t[lo] - t ? lo - 1 : lo; }
  function plot(values, tint, top, bottom, low, high, w) {
    ctx.strokeStyle = tint; ctx.lineWidth = 1.5; ctx.beginPath();
    let down = false;
    for (let i = Math.max(0, nearest(a) - 1); i < n && S.t[i] <= b + (b - a) * .02; i++) {
      if (!known(values[i])) { down = false; continue; }
      if (i && S.t[i] - S.t[i - 1] > gap) down = false; // silence is no straight line
      const px = x(S.t[i], w), py = bottom - (values[i] - low) / (high - low) * (bottom - top);
      if (down) ctx.lineTo(px, py); else ctx.moveTo(px, py);
      down = true;
    }
    ctx.stroke();
  }
  function draw() {
    const w = canvas.clientWidth, h = canvas.clientHeight, ratio = window.devicePixelRatio || 1;
    canvas.width = w * ratio; canvas.height = h * ratio; ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.clearRect(0, 0, w, h); ctx.font = "11px system-ui, sans-serif"; ctx.textBaseline = "middle";
    const reasonRows = D.reason_names.length, strip = Math.min(13, 90 / Math.max(1, reasonRows));
    const flagTop = h * .42, reasonsTop = flagTop + 26, latencyTop = reasonsTop + reasonRows * strip + 18, bottom = h - 22;
    ctx.fillStyle = color("--faint"); ctx.textAlign = "right";
    for (const v of [0, .5, 1]) { const y = flagTop - 10 - v * (flagTop - 24); ctx.fillText(String(v), pad.left - 5, y);
      ctx.strokeStyle = color("--line"); ctx.lineWidth = 1; ctx.beginPath(); ctx.moveTo(pad.left, y); ctx.lineTo(w - pad.right, y); ctx.stroke(); }
    ctx.fillText("flag", pad.left - 5, flagTop + 8);
    ctx.save(); ctx.beginPath(); ctx.rect(pad.left, 0, w - pad.left - pad.right, h); ctx.clip();
    for (const [, key, tint] of lines) plot(S[key], color(tint), 14, flagTop - 10, 0, 1, w);
    D.changes.forEach((c, i) => {
      const end = i + 1 < D.changes.length ? D.changes[i + 1].t : last + D.period_s;
      if (end < a || c.t > b) return;
      ctx.fillStyle = STATE_COLORS[STATES.indexOf(c.state)];
      ctx.globalAlpha = c.failure ? 1 : .75; ctx.fillRect(x(c.t, w), flagTop, Math.max(1, x(end, w) - x(c.t, w)), 16); ctx.globalAlpha = 1;
    });
    ctx.fillStyle = color("--red");
    for (let i = 0; i < n; i++) {
      if (!S.reasons[i].length || S.t[i] < a - D.period_s || S.t[i] > b) continue;
      const px = x(S.t[i], w), wide = Math.max(1.5, x(S.t[i] + D.period_s * S.group, w) - px);
      for (const r of S.reasons[i]) ctx.fillRect(px, reasonsTop + r * strip + 1, wide, strip - 2);
    }
    ctx.textAlign = "left";
    D.reason_names.forEach((name, i) => {
      ctx.fillStyle = color("--panel"); ctx.globalAlpha = .75;
      ctx.fillRect(pad.left, reasonsTop + i * strip + 1, ctx.measureText(name).width + 8, strip - 2);
      ctx.fillStyle = color("--ink"); ctx.globalAlpha = 1; ctx.fillText(name, pad.left + 4, reasonsTop + (i + .5) * strip);
    });
    const most = Math.max(1e-3, T.latency_p99_ms * 1.2 || 1);
    plot(S.latency.map((v) => known(v) ? Math.min(v, most) : v), color("--amber"), latencyTop, bottom, 0, most, w);
    if (chosen !== null) { ctx.strokeStyle = color("--ink"); const px = x(S.t[chosen], w); ctx.beginPath(); ctx.moveTo(px, 0); ctx.lineTo(px, bottom); ctx.stroke(); }
    ctx.restore();
    ctx.fillStyle = color("--faint"); ctx.textAlign = "right"; ctx.fillText(most < 1000 ? num(most, 0) + " ms" : num(most / 1000, 1) + " s", pad.left - 4, latencyTop + 4); ctx.fillText("0", pad.left - 5, bottom);
    ctx.textAlign = "center";
    const steps = Math.max(2, Math.floor(w / 90)), digits = b - a < 5 ? 2 : b - a < 50 ? 1 : 0;
    for (let i = 0; i <= steps; i++) { const t = a + (b - a) * i / steps; ctx.fillText(t.toFixed(digits) + (i === steps ? " s" : ""), Math.min(w - 22, Math.max(20, x(t, w))), h - 9); }
  }
  function read(i) {
    chosen = i;
    const parts = ["seq " + S.seq[i], S.t[i].toFixed(3) + " s", S.state[i]];
    if (S.reasons[i].length) parts.push(S.reasons[i].map((r) => D.reason_names[r]).join(" "));
    if (known(S.true[i])) parts.push("true " + num(S.true[i]));
    if (known(S.predicted[i])) parts.push("predicted " + num(S.predicted[i]) + ", at least " + num(S.lower[i]));
    if (known(S.latency[i])) parts.push(num(S.latency[i], 1) + " ms");
    $("moment").textContent = parts.join("  ");
    draw();
  }
  function zoom(factor, t) {
    const span = Math.min(last - first, Math.max((last - first) / 5000, (b - a) * factor)), share = (t - a) / (b - a);
    a = Math.min(Math.max(first, t - span * share), last - span); b = a + span; draw();
  }
  function move(by) { const span = b - a; a = Math.min(Math.max(first, a + by), last - span); b = a + span; draw(); }
  const at = (e) => time(e.clientX - canvas.getBoundingClientRect().left, canvas.clientWidth);
  canvas.addEventListener("wheel", (e) => { e.preventDefault(); zoom(e.deltaY > 0 ? 1.25 : .8, at(e)); }, { passive: false });
  const held = new Map(); let moved = 0;
  canvas.addEventListener("pointerdown", (e) => { canvas.setPointerCapture(e.pointerId); held.set(e.pointerId, e.clientX); moved = 0; });
  canvas.addEventListener("pointermove", (e) => {
    if (!held.has(e.pointerId)) { if (e.pointerType === "mouse") read(nearest(at(e))); return; }
    const before = held.get(e.pointerId), others = [...held].filter(([id]) => id !== e.pointerId);
    moved += Math.abs(e.clientX - before);
    if (others.length) { const o = others[0][1], wide = Math.abs(before - o), now = Math.abs(e.clientX - o); if (now > 5 && wide > 5) zoom(wide / now, at({ clientX: (o + e.clientX) / 2 })); }
    else move((before - e.clientX) / (canvas.clientWidth - pad.left - pad.right) * (b - a));
    held.set(e.pointerId, e.clientX);
  });
  const release = (e) => { if (held.delete(e.pointerId) && moved < 5 && e.type === "pointerup") { read(nearest(at(e))); if (window.showDrive) window.showDrive(at(e)); } };
  canvas.addEventListener("pointerup", release); canvas.addEventListener("pointercancel", release);
  $("in").onclick = () => zoom(.5, (a + b) / 2); $("out").onclick = () => zoom(2, (a + b) / 2);
  $("all").onclick = () => { a = first; b = last; draw(); };
  window.addEventListener("resize", draw);
  window.showMoment = (seq) => { const i = S.seq.findIndex((s) => s >= seq); if (i >= 0) { if (S.t[i] < a || S.t[i] > b) { const span = b - a; a = Math.min(Math.max(first, S.t[i] - span / 2), last - span); b = a + span; } read(i); } };
  draw();
})();

// Pictures of a frame, and the drive from its beginning to its end ---------------------------------------------------
const PICTURES = { camera: "camera", mask: "mask over the camera", confidence: "confidence: bright is a guess" };
function showPictures(parent, f) {
  parent.replaceChildren();
  const shown = Object.keys(PICTURES).filter((k) => f.pictures[k]);
  shown.forEach((k) => { const fig = make("figure", null, parent), img = make("img", null, fig);
    img.src = "data:image/jpeg;base64," + f.pictures[k]; img.alt = PICTURES[k] + ", status " + f.seq; make("figcaption", PICTURES[k], fig); });
  if (!shown.length) make("p", "There is no mask of this image: it was rejected.", parent);
}
const captionOf = (f) => "seq " + f.seq + "  " + f.t.toFixed(3) + " s  " + f.state + (f.reasons ? "  " + f.reasons : "");
(function drive() {
  if (!D.drive.length) { $("drive").remove(); return; }
  const last = D.drive.length - 1;
  let timer = null;
  $("scrub").max = last;
  function show(i) {
    const f = D.drive[i];
    $("scrub").value = i;
    $("scrubbed").textContent = (i + 1) + " of " + (last + 1);
    $("scene").textContent = captionOf(f);
    showPictures($("scenery"), f);
    window.showMoment(f.seq);
  }
  function stop() { clearInterval(timer); timer = null; $("play").textContent = "\u25b6"; }
  $("scrub").oninput = () => { stop(); show(Number($("scrub").value)); };
  $("play").onclick = () => {
    if (timer) { stop(); return; }
    $("play").textContent = "\u23f8";
    if (Number($("scrub").value) === last) show(0);
    timer = setInterval(() => { const next = Number($("scrub").value) + 1; if (next > last) stop(); else show(next); }, 250);
  };
  // A tap on the timeline shows the nearest picture too.
  window.showDrive = (t) => { stop(); let best = 0; D.drive.forEach((f, i) => { if (Math.abs(f.t - t) < Math.abs(D.drive[best].t - t)) best = i; });
    const f = D.drive[best]; $("scrub").value = best; $("scrubbed").textContent = (best + 1) + " of " + (last + 1); $("scene").textContent = captionOf(f); showPictures($("scenery"), f); };
  show(0);
})();

// Failures, step by step --------------------------------------------------------------------------------------------
(function failures() {
  if (!D.events.length) { $("failures").replaceChildren(); make("h2", "Failures", $("failures")); make("p", D.no_events, $("failures")); return; }
  let event = 0, step = 0;
  D.events.forEach((e, i) => { const o = make("option", e.title, $("event")); o.value = i; });
  function show() {
    const e = D.events[event], f = e.frames[step];
    $("event").value = event;
    $("step").textContent = e.frames.length ? (step + 1) + " of " + e.frames.length : "no pictures";
    $("pictures").replaceChildren();
    $("caption").textContent = f ? captionOf(f) + (f.seq === e.start_seq ? "  <- raised the flag" : "") : "";
    if (!f) return;
    showPictures($("pictures"), f);
    window.showMoment(f.seq);
  }
  const start = (e) => { const i = D.events[e].frames.findIndex((f) => f.seq >= D.events[e].start_seq); return i < 0 ? 0 : i; };
  const go = (e) => { event = (e + D.events.length) % D.events.length; step = D.events[event].start_seq ? start(event) : Math.max(0, D.events[event].frames.length >> 1); show(); };
  const by = (d) => { const many = D.events[event].frames.length; if (many) { step = Math.min(many - 1, Math.max(0, step + d)); show(); } };
  $("event").onchange = () => go(Number($("event").value));
  $("eventback").onclick = () => go(event - 1); $("eventnext").onclick = () => go(event + 1);
  $("stepback").onclick = () => by(-1); $("stepnext").onclick = () => by(1);
  document.addEventListener("keydown", (e) => { if (e.target.tagName === "SELECT") return; if (e.key === "ArrowLeft") by(-1); if (e.key === "ArrowRight") by(1); });
  go(0);
})();

// Everything else ---------------------------------------------------------------------------------------------------
(function rest() {
  const truth = D.summary.truth;
  if (!truth) $("truth").remove();
  else {
    const c = $("truthcards");
    card(c, percent(truth.miou), "mIoU"); card(c, percent(truth.accuracy), "pixel accuracy");
    card(c, num(truth.mean_quality), "true quality, mean"); card(c, num(truth.image_verdict.mae, 3), "error of the predicted quality");
    card(c, truth.poor_frames + " / " + truth.missed, "poor frames / missed by the flag"); card(c, percent(truth.false_alarm_share), "good frames with the flag up");
    card(c, percent(truth.confidence.auroc), "AUROC of confidence"); card(c, percent(truth.confidence.fpr95), "FPR at 95 % TPR");
    card(c, percent(truth.confidence.ece), "ECE"); card(c, String(truth.labelled_frames), "labelled frames");
    bars($("iou"), D.summary.bundle.classes.map((k) => ({ name: k.name, value: truth.class_iou[k.name], text: percent(truth.class_iou[k.name]), color: `rgb(${k.color})` })));
  }
  const base = D.baseline;
  if (!base) $("baseline").remove();
  else {
    const c = base.comparison, cards = $("basecards");
    for (const k of ["frames", "changed_frames", "new_alarms", "gone_alarms", "new_misses", "worse_frames", "missing_frames", "added_frames"]) card(cards, String(c[k]), k.replace(/_/g, " "));
    base.settings.forEach((s) => make("p", s, $("baseline"), "mono"));
    table($("differences"), ["frame", "time", "what changed", "regression"], c.differences.map((d) => [d.index, num(d.time_s, 3) + " s", d.what, num(d.regression)]));
  }
  const colors = Object.fromEntries(D.summary.bundle.classes.map((k) => [k.name, `rgb(${k.color})`]));
  for (const kind of ["class", "row", "brightness"])
    bars($("by" + kind), D.summary.confidence["by_" + kind].filter((r) => known(r.mean)).map((r) => ({ name: r.name, value: r.mean, text: num(r.mean), color: kind === "class" ? colors[r.name] : undefined })));
  const flickers = D.summary.flicker.filter((r) => known(r.flicker)), most = Math.max(...flickers.map((r) => r.flicker), 1e-9);
  if (!flickers.length) $("flicker").remove();
  else {
    $("change").textContent = percent(M.mask_change) + "; flicker overall " + percent(M.flicker);
    bars($("flickers"), flickers.map((r) => ({ name: r.name, value: r.flicker / most, text: percent(r.flicker) + " (" + percent(r.mask_change) + " change)", color: colors[r.name] })));
  }
  $("latency").textContent = "decode and pipeline: p50 " + num(T.latency_p50_ms, 1) + " ms, p95 " + num(T.latency_p95_ms, 1) + " ms, p99 " + num(T.latency_p99_ms, 1) + " ms, worst " + num(T.latency_max_ms, 1) + " ms";
  const rejected = Object.entries(D.summary.rejected);
  if (!rejected.length) $("rejected").remove();
  else table($("rejections"), ["reason", "images", "first (seq)", "why"], rejected.map(([k, v]) => [k, v.frames, v.first.join(", "), v.why]));
  const reasons = Object.entries(D.summary.reasons), judged = M.processed + M.rejected;
  if (!reasons.length) make("p", "No image carried any reason.", $("reasons"));
  bars($("reasons"), reasons.map(([k, v]) => ({ name: k, value: v / judged, text: String(v) })));
  table($("about"), ["", ""], D.about);
  const canvas = $("histogram"), ctx = canvas.getContext("2d");
  function draw() {
    const w = canvas.clientWidth, h = canvas.clientHeight, ratio = window.devicePixelRatio || 1, H = D.histogram;
    canvas.width = w * ratio; canvas.height = h * ratio; ctx.setTransform(ratio, 0, 0, ratio, 0, 0); ctx.clearRect(0, 0, w, h);
    if (!H.counts.length) return;
    const most = Math.max(...H.counts), low = H.edges[0], high = H.edges[H.edges.length - 1], x = (v) => 10 + (v - low) / (high - low) * (w - 20);
    ctx.fillStyle = color("--amber");
    H.counts.forEach((c, i) => { const left = x(H.edges[i]), y = (h - 40) * c / most; ctx.fillRect(left, h - 20 - y, Math.max(1, x(H.edges[i + 1]) - left - 1), y); });
    ctx.font = "11px system-ui, sans-serif"; ctx.fillStyle = color("--faint"); ctx.textAlign = "left"; ctx.fillText(num(low, 1) + " ms", 10, h - 6);
    ctx.textAlign = "right"; ctx.fillText(num(high, 1) + " ms", w - 10, h - 6);
    ["p50", "p95", "p99"].forEach((p, i) => { const px = x(T[`latency_${p}_ms`]); ctx.strokeStyle = color("--ink"); ctx.beginPath(); ctx.moveTo(px, 12 * (i + 1)); ctx.lineTo(px, h - 20); ctx.stroke();
      ctx.fillStyle = color("--ink"); ctx.textAlign = px > w - 40 ? "right" : "left"; ctx.fillText(p, px + (px > w - 40 ? -3 : 3), 12 * (i + 1)); });
  }
  window.addEventListener("resize", draw); draw();
})();
