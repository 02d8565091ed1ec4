"use strict";
// The evidence of one cell: its verdicts with numbers, causes and replay lines. Texts only ever become text nodes.
const Panel = (() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const FIELDS = ["law", "statement", "op", "dtype", "device", "case", "state", "quantity", "ratioText", "intervalText",
    "effort", "likely", "open", "detail", "replay", "expected", "observed", "ratio", "low", "high", "delta", "certified",
    "alpha", "beta", "evidence", "error", "samples", "deviation", "script", "cells"];
  const { make, draw } = Shape;
  const RANKS = ["VIOLATES", "error", "undecided", "deviation", "conforms", "not applicable"]; // worst first
  const TEXTS = 15; // the first fields are places in the table of texts

  function verdicts(data, cell) {
    return data.cells[cell][3].map((values) =>
      Object.fromEntries(FIELDS.map((name, k) => [name, k < TEXTS ? data.texts[values[k]] : values[k]])));
  }

  const percent = (value) => (value === null ? "" : value < 1e-6 ? number(value) : `${Number((100 * value).toPrecision(3))} %`);
  const tiny = (value) => value !== 0 && Math.abs(value) < 1e-3;
  const number = (value) => (value === null ? "" : String(tiny(value) ? Number(value.toPrecision(4)).toExponential() : Number(value.toPrecision(4))));

  function badge(state) {
    const pick = $$(".pick").find((b) => b.textContent.includes(state));
    const symbol = pick ? $("span", pick).textContent : "";
    return make("span", `state ${state[0].toLowerCase()}`, `${symbol} ${state}`);
  }

  function facts(v) {
    const list = make("dl", "");
    const exact = v.intervalText.startsWith("exact");
    const entries = {
      [`expected ${v.quantity}`]: number(v.expected), measured: number(v.observed), ratio: v.ratioText,
      "99.9 % interval": exact ? "" : v.intervalText, from: v.effort,
      [exact ? "rounding allowed" : "delta looked for"]: percent(v.delta), certified: exact || v.certified >= 1 || ["VIOLATES", "deviation"].includes(v.state) ? "" : percent(v.certified),
      alpha: exact ? "" : number(v.alpha), beta: exact ? "" : number(v.beta), "ln evidence": number(v.evidence),
    };
    for (const [name, value] of Object.entries(entries)) {
      if (value) list.append(make("div", "", make("dt", "", name), make("dd", "", value)));
    }
    return list;
  }

  function deviation(known, texts) {
    const [id, reason, cited, address, foreseen, versions] = known.map((k) => texts[k]);
    const line = make("p", "", `Documented as ${id} (${foreseen} foreseen, versions ${versions}): ${reason} `);
    if (address) {
      const link = make("a", "", cited);
      link.href = address;
      link.rel = "noopener noreferrer";
      line.append(link);
    } else line.append(cited);
    return line;
  }

  // Ratio and interval of one verdict on the scale that all verdicts of the panel share.
  function strip(v, reach) {
    const clip = (x) => Math.min(Math.max(x, 1 / reach), reach);
    const place = (x) => (110 + (100 * Math.log(clip(x))) / Math.log(reach)).toFixed(1);
    const low = v.low ?? (v.intervalText.startsWith("exact") ? v.ratio : 0);
    const high = v.high ?? (v.intervalText.startsWith("exact") ? v.ratio : Infinity);
    const band = [place(Math.max(1 - v.error, 1e-9)), place(1 + v.error)];
    return draw("svg", { class: `strip ${v.state[0].toLowerCase()}`, viewBox: "0 0 220 22", "aria-hidden": "true" },
      draw("rect", { class: "band", x: band[0], y: 3, width: Math.max(band[1] - band[0], 1), height: 16 }),
      draw("line", { class: "axis", x1: 10, x2: 210, y1: 11, y2: 11 }),
      draw("line", { class: "law", x1: 110, x2: 110, y1: 1, y2: 21 }),
      draw("line", { class: "span", x1: place(low), x2: place(high), y1: 11, y2: 11 }),
      draw("circle", { cx: place(v.ratio), cy: 11, r: 4.5 }));
  }

  function reachOf(found) {
    const ends = found.flatMap((v) => [v.ratio, v.low, v.high, 1 + v.error]).filter((x) => x !== null && x > 0);
    const furthest = Math.max(...ends.map((x) => Math.abs(Math.log(x))), 0);
    return [1.01, 1.03, 1.1, 1.3, 2, 4, 10, 100].find((r) => Math.log(r) >= furthest) ?? 1e3;
  }

  function proof(v, texts, reach, open) {
    const where = [v.dtype, v.device].filter(Boolean).join(" on ");
    const line = make("summary", "", badge(v.state), make("span", "", where), make("small", "", v.case));
    if (v.ratio !== null) line.append(make("span", "num", `${v.ratioText} ${v.intervalText}`), strip(v, reach));
    const block = make("details", "proof", line, facts(v));
    block.open = open;
    if (v.likely) block.append(make("p", "likely", v.likely));
    if (v.open) block.append(make("p", "", v.open));
    if (v.detail) block.append(make("p", "", v.detail));
    if (v.cells.length > 2) block.append(Shape.figure(v));
    if (v.deviation) block.append(deviation(v.deviation, texts));
    if (v.replay) block.append(make("div", "replay", make("code", "", v.replay), copier()));
    if (v.script.length) block.append(script(v.script.map((line) => texts[line]).join("\n")));
    return block;
  }

  function script(text) {
    const code = make("pre", "", text);
    code.tabIndex = 0;
    return make("div", "script", make("p", "", "Minimal reproduction"), make("div", "replay", code, copier()));
  }

  function copier() {
    const button = make("button", "copy", "Copy");
    button.type = "button";
    return button;
  }

  // What the law says in these cases, each with its name, linked to its page where the report has one.
  function statements(found, pages) {
    const laws = new Map(found.map((v) => [`${v.statement} ${v.law}`, v]));
    return [...laws.values()].slice(0, 3).flatMap((v, k) => [k ? "; " : "", `${v.statement} (`, anchor(v.law, Object.hasOwn(pages, v.law) && pages[v.law]), ")"]);
  }

  function anchor(text, address) {
    const element = make(address ? "a" : "span", "", text);
    if (address) element.href = address;
    return element;
  }

  function openPanel(data, cell) {
    const [subject, claim, platform] = data.cells[cell].slice(0, 3).map((k) => data.texts[k]);
    const found = verdicts(data, cell).sort((a, b) => RANKS.indexOf(a.state) - RANKS.indexOf(b.state));
    const reach = reachOf(found);
    $("#panel-title").textContent = subject;
    const body = $("#panel-body");
    body.replaceChildren(make("p", "", `${claim}: `, ...statements(found, data.laws)),
      make("p", "none", `${platform}, ${found.length} ${found.length === 1 ? "verdict" : "verdicts"}`),
      ...found.slice(0, 200).map((v, k) => proof(v, data.texts, reach, k === 0 || found.length <= 3)));
    if (found.length > 200) body.append(make("p", "none", `and ${found.length - 200} more in run.json`));
    if (!$("#panel").open) $("#panel").showModal();
    body.parentElement.scrollTop = 0;
  }

  return { RANKS, open: openPanel };
})();
