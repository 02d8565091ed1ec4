"use strict";
// On every page: the search over the whole report, the filter of long tables, tables as cards on a telephone.
// Texts of the records only ever become text nodes. The index is loaded, from beside the page, at the first search.
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const box = $("#find"), form = $(".find"), hits = $(".find .hits"), root = form.dataset.root;
  const KINDS = { law: "Laws", finding: "Findings", subject: "Subjects", folklore: "Folklore" };
  const FEW = 5, MANY = 100;

  function make(tag, className, ...children) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    element.append(...children);
    return element;
  }

  let loading;
  function index() {
    loading ??= new Promise((resolve, reject) => {
      globalThis.varlawSearch = (data) => resolve({ entries: [...unpacked(data)], left: data.left });
      const script = make("script", "");
      script.src = `${root}search.js`;
      script.onerror = () => reject(new Error("search.js"));
      document.head.append(script);
    });
    return loading;
  }

  function* unpacked(data) {
    const entry = (kind, name, about, href, state = null) =>
      ({ kind, name, about, href: href && root + href, state, low: name.toLowerCase(), aliases: [], hay: `${name} ${about} ${kind}`.toLowerCase() });
    for (const [name, title, words, href, aliases] of data.laws) yield { ...entry("law", name, title, href), aliases, hay: `${name} ${title} ${words} law`.toLowerCase() };
    for (const [name, reason, href] of data.findings) yield entry("finding", name, reason, href, data.states.d);
    for (const [address, lines] of data.subjects) {
      let name = "";
      for (const line of lines.split("\n")) {
        const [, same, letter, rest] = line.match(/^(\d+)(\w)([^]*)$/);
        name = name.slice(0, same) + rest;
        yield entry("subject", name, "", address + encodeURIComponent(name), data.states[letter]);
      }
    }
    for (const [kind, name, about, href] of data.others) yield entry(kind, name, about, href);
  }

  // 0 the name itself, or one that people use, 1 its beginning, 2 the beginning of a part of it, 3 within it, 4 in what is said of it.
  function rank(entry, words) {
    const text = words.join(" ");
    if (entry.low === text || entry.aliases.includes(text)) return 0;
    if (entry.low.startsWith(text)) return 1;
    if (words.every((w) => entry.low.split(/[._ /-]/).some((part) => part.startsWith(w)))) return 2;
    return words.every((w) => entry.low.includes(w)) ? 3 : 4;
  }

  async function find(text) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const { entries, left } = await index();
    const found = words.length ? entries.filter((e) => words.every((w) => e.hay.includes(w))) : [];
    for (const e of found) e.rank = rank(e, words);
    found.sort((a, b) => a.rank - b.rank || a.name.length - b.name.length || (a.name < b.name ? -1 : 1));
    return { found, left };
  }

  function shown(found, most) {
    const kinds = Object.keys(KINDS).map((kind) => found.filter((e) => e.kind === kind)).filter((of) => of.length);
    kinds.sort((a, b) => Math.min(a[0].rank, 3) - Math.min(b[0].rank, 3));
    return kinds.flatMap((of) => {
      const list = make("ul", "", ...of.slice(0, most).map(item));
      const count = of.length > most ? `${most} of ${of.length}` : `${of.length}`;
      return [make("p", "kind", `${KINDS[of[0].kind]} `, make("small", "", count)), list];
    });
  }

  function item(entry) {
    const link = make(entry.href ? "a" : "span", "hit", make("code", "", entry.name));
    if (entry.href) link.href = entry.href;
    if (entry.state) link.append(make("span", `state ${entry.state[1][0].toLowerCase()}`, entry.state.join(" ")));
    if (entry.about) link.append(make("small", "", entry.about));
    return make("li", "", link);
  }

  function said({ found, left }) {
    const kept = left ? ` ${left} subjects that conform are in the records only.` : "";
    return (found.length ? `${found.length} found.` : "Nothing found.") + kept;
  }

  const MISSING = "The file search.js does not lie beside this report, so only this page can be filtered.";
  async function suggest() {
    const text = box.value;
    if (!text.trim()) { hits.hidden = true; return; }
    const answer = await find(text).catch(() => null);
    if (text !== box.value) return; // somebody typed on meanwhile
    const more = make("a", "hit", "All results");
    more.href = `${root}search.html#q=${encodeURIComponent(text)}`;
    hits.replaceChildren(make("p", "none", answer ? said(answer) : MISSING), ...(answer ? shown(answer.found, FEW) : []));
    hits.firstChild.setAttribute("role", "status");
    if (answer?.found.length && whole) hits.append(more);
    hits.hidden = false;
  }
  const whole = $$('nav[aria-label="Pages"] a').length > 2; // a report of one page has no page of results

  function move(step) {
    const links = [box, ...$$("a", hits)];
    links[(links.indexOf(document.activeElement) + step + links.length) % links.length].focus();
  }

  async function copy(button) {
    const code = button.previousElementSibling;
    getSelection().selectAllChildren(code);
    let done = false;
    try { await navigator.clipboard.writeText(code.textContent); done = true; } catch { done = document.execCommand("copy"); }
    button.textContent = done ? "Copied" : "Selected";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  }

  function start() {
    form.hidden = false;
    for (const button of $$(".copy")) button.hidden = false;
    document.addEventListener("click", (event) => { if (event.target.matches("button.copy")) copy(event.target); });
    box.addEventListener("input", suggest);
    box.addEventListener("focus", () => { index().catch(() => {}); if (box.value) suggest(); });
    form.addEventListener("submit", (event) => { event.preventDefault(); $("a", hits)?.click(); });
    form.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step && !hits.hidden) { event.preventDefault(); move(step); }
      if (event.key === "Escape") { hits.hidden = true; box.focus(); }
    });
    hits.addEventListener("click", () => { hits.hidden = true; });
    document.addEventListener("click", (event) => { if (!form.contains(event.target)) hits.hidden = true; });
    document.addEventListener("keydown", (event) => {
      if (event.key === "/" && !event.target.closest("input, textarea, select")) { event.preventDefault(); box.focus(); }
    });
  }

  // -- the words in the address: #q=..., which a file may change without being loaded again, or ?q=... --------------
  function words() {
    const given = (location.hash.match(/^#q=([^&]*)/) ?? location.search.match(/[?&]q=([^&]*)/))?.[1] ?? "";
    try { return decodeURIComponent(given.replaceAll("+", " ")); } catch { return ""; }
  }
  function address(text) {
    const hash = text || location.search ? `#q=${encodeURIComponent(text)}` : location.pathname;
    if (words() !== "" && text) history.replaceState(null, "", hash);
    else history.pushState(null, "", hash);
  }

  async function results() {
    const answer = words() ? await find(words()).catch(() => null) : { found: [] };
    $("#found").textContent = !answer ? MISSING : words() ? `${words()}: ${said(answer)}` : "";
    $("#results").replaceChildren(...(answer ? shown(answer.found, MANY) : []));
  }

  function resultsPage() {
    box.removeEventListener("input", suggest);
    const again = () => { box.value = words(); results(); };
    box.addEventListener("input", () => { address(box.value); results(); });
    addEventListener("hashchange", again);
    addEventListener("popstate", again);
    again();
  }

  // A table of this page: rows, or groups of rows, that hold all words. What an address names is shown in any case.
  function narrowing(tools) {
    const input = $("input", tools), status = $("p", tools);
    const units = $$("table.units").flatMap((t) => (t.tBodies.length > 1 ? [...t.tBodies] : [...t.rows].slice(1)));
    const hay = units.map((unit) => unit.textContent.toLowerCase());
    const narrow = () => {
      const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let found = 0;
      units.forEach((unit, k) => { unit.hidden = !wanted.every((w) => hay[k].includes(w)); found += !unit.hidden; });
      for (const table of $$("table.units")) (table.closest("section, details.group") ?? table).classList.toggle("empty", !$$("tbody:not([hidden]) tr:not([hidden])", table).length);
      for (const group of $$("details.group")) group.open = wanted.length > 0 || group.dataset.open !== undefined;
      status.textContent = wanted.length ? `${found} of ${units.length} match` : "";
    };
    tools.hidden = false;
    tools.addEventListener("submit", (event) => event.preventDefault());
    input.addEventListener("input", () => { address(input.value); narrow(); });
    const again = () => { if (input.value !== words()) input.value = words(); narrow(); };
    addEventListener("hashchange", again);
    addEventListener("popstate", again);
    again();
  }

  // -- cards --------------------------------------------------------------------------------------------------------
  // The headings of each column go into the cells: below 600 px the style sheet shows a row as a card.
  function label(table) {
    const names = [];
    for (const row of table.tHead.rows) {
      let column = 0;
      for (const cell of row.cells) {
        while (row.rowIndex && names[column]?.deep) column += 1;
        for (let k = 0; k < cell.colSpan; k += 1, column += 1) {
          names[column] = { text: `${names[column]?.text ?? ""} ${cell.textContent}`.trim(), deep: cell.rowSpan > 1 };
        }
      }
    }
    for (const body of table.tBodies) {
      let spanned = 0, left = 0; // a heading of several rows, always in the first column
      for (const row of body.rows) {
        let column = left-- > 0 ? spanned : 0;
        for (const cell of row.cells) {
          if (cell.rowSpan > 1) [spanned, left] = [cell.colSpan, cell.rowSpan - 1];
          if (cell.tagName === "TD") cell.dataset.label = names[column]?.text ?? "";
          column += cell.colSpan;
        }
      }
    }
    table.classList.add("cards");
  }

  start();
  if ($("#results")) resultsPage();
  for (const tools of $$(".tools.narrow")) narrowing(tools);
  const narrow = matchMedia("(max-width: 37.5rem)");
  const cards = () => { if (narrow.matches) for (const table of $$("table.plain:not(.cards), table.matrix:not(.cards)")) if (table.tHead) label(table); };
  narrow.addEventListener("change", cards);
  cards();
  if (location.hash && !words()) { // a row that was not there yet when the browser looked for it
    const named = document.getElementById(location.hash.slice(1));
    for (let outer = named?.closest("details:not([open])"); outer; outer = outer.parentElement.closest("details:not([open])")) outer.open = true;
    named?.scrollIntoView();
  }
  document.documentElement.dataset.search = "yes";
})();
