"use strict";
// Filter, search, sort and addresses of a report. Texts of the records only ever become text nodes.
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const { RANKS } = Panel, { make } = Shape;

  async function evidence() {
    const embedded = $("#embedded");
    if (embedded.dataset.encoding !== "deflate") return JSON.parse(embedded.textContent);
    const bytes = Uint8Array.from(atob(embedded.textContent), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    return JSON.parse(await new Response(stream).text());
  }

  function haystacks(data, rows) {
    return new Map(rows.map((row) => {
      const cells = $$("[data-cell]", row).map((b) => Number(b.dataset.cell));
      const places = new Set(cells.flatMap((c) => data.cells[c].slice(0, 3).concat(data.cells[c][3].flatMap((r) => r.slice(0, 6)))));
      const words = [...places].map((k) => data.texts[k]);
      return [row, (row.textContent + " " + words.join(" ")).toLowerCase()];
    }));
  }

  function filter(hay) {
    const wanted = $("#search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const states = $$(".pick[aria-pressed=true]").map((b) => b.dataset.state);
    const asked = wanted.length > 0 || states.length < $$(".pick").length;
    const folded = new Set($$(".board").filter((board) => $(".more[aria-expanded=false]", board)));
    let found = 0;
    for (const [row, text] of hay) {
      const matches = states.some((s) => row.dataset.t.includes(s)) && wanted.every((w) => text.includes(w));
      row.hidden = !matches || (!asked && row.dataset.quiet !== undefined && folded.has(row.closest(".board")));
      found += matches;
    }
    for (const board of $$(".board")) board.hidden = $(".row:not([hidden])", board) === null && (asked || !folded.has(board));
    for (const board of $$(".board")) if (asked && !board.hidden) board.open = true;
    for (const more of $$(".more")) more.hidden = asked;
    $("#shown").textContent = asked ? `${found} of ${hay.size} rows match` : `${hay.size} rows`;
  }

  function unfold(more, open) {
    more.setAttribute("aria-expanded", String(open));
    $("b", more).textContent = open ? "hide" : "show";
  }

  const ORDERS = {
    worst: (a, b) => a.dataset.w - b.dataset.w || (a.dataset.w < RANKS.indexOf("conforms") ? b.dataset.d - a.dataset.d : ORDERS.name(a, b)),
    far: (a, b) => b.dataset.d - a.dataset.d,
    name: (a, b) => (a.cells[0].textContent < b.cells[0].textContent ? -1 : 1),
  };

  // -- addresses: #q=words&show=vu&sort=far, the same after a question mark, #evidence/platform/subject/claim, #finding/name ---------------------------
  const NONE = () => location.pathname + location.search;

  function filterAddress() {
    const states = $$(".pick[aria-pressed=true]").map((b) => b.dataset.state).join("");
    const given = { q: $("#search").value.trim(), show: states.length < $$(".pick").length ? states || "-" : "", sort: $("#sort").value };
    if (given.sort === "worst") given.sort = "";
    const parts = Object.entries(given).filter(([, value]) => value).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
    return parts.length ? `#${parts.join("&")}` : location.search ? "#q=" : NONE();
  }

  // What is typed replaces its own address; every other step can be undone with the browser's way back.
  function remember(hay, typed) {
    filter(hay);
    const before = history.state?.typed;
    if (typed && before) history.replaceState({ typed }, "", filterAddress());
    else history.pushState({ typed }, "", filterAddress());
  }

  const decoded = (text) => { try { return decodeURIComponent(text); } catch { return text; } };

  function recall(hay) {
    const asked = /^#(q|show|sort)=/.test(location.hash) ? location.hash : location.search;
    const given = Object.fromEntries(asked.slice(1).split("&").map((part) => part.replaceAll("+", " ").split("=").map(decoded)));
    $("#search").value = given.q ?? "";
    if ($("#sort").value !== (given.sort ?? "worst")) { $("#sort").value = given.sort ?? "worst"; sort($("#sort").value); }
    for (const b of $$(".pick")) b.setAttribute("aria-pressed", String(!given.show || given.show.includes(b.dataset.state)));
    filter(hay);
    const { top, bottom } = $("#matrix").getBoundingClientRect();
    if (/^.(q|show|sort)=/.test(asked) && (top > innerHeight || bottom < 0)) $("#matrix").scrollIntoView();
  }

  function places(data) {
    const found = new Map();
    data.cells.forEach(([subject, claim, platform], k) =>
      found.set([platform, subject, claim].map((t) => encodeURIComponent(data.texts[t])).join("/"), k));
    return found;
  }

  function addressOf(data, cell) {
    const [subject, claim, platform] = data.cells[cell].slice(0, 3).map((t) => encodeURIComponent(data.texts[t]));
    return `#evidence/${platform}/${subject}/${claim}`;
  }

  // Shows what the address names. A panel that the address no longer names is closed.
  function route(data, hay, cells) {
    const hash = location.hash;
    const cell = hash.startsWith("#evidence/") ? cells.get(hash.slice("#evidence/".length)) : undefined;
    if (cell !== undefined) { Panel.open(data, cell); return; }
    if ($("#panel").open) $("#panel").close();
    const named = hash ? document.getElementById(hash.slice(1)) : null;
    if (named?.matches(".card, .board")) named.open = true;
    if (named) named.scrollIntoView();
    else if (hash.startsWith("#evidence/") || hash.startsWith("#finding/")) lost(hash);
    else if (!hash || /^#(q|show|sort)=/.test(hash)) recall(hay);
  }

  function lost(hash) {
    $("#shown").textContent = `${decoded(hash.slice(1))} is not on this page: not in this run, or left out to keep the page small`;
    $("#matrix").scrollIntoView();
  }

  function sort(order) {
    for (const body of $$(".matrix tbody")) body.append(...$$(".row", body).sort(ORDERS[order]));
  }

  function pick(button, hay) {
    const all = $$(".pick");
    const pressed = all.filter((b) => b.getAttribute("aria-pressed") === "true");
    const alone = pressed.length === 1 && pressed[0] === button;
    const everything = pressed.length === all.length;
    for (const b of all) {
      if (alone) b.setAttribute("aria-pressed", "true"); // the last one again: show everything
      else if (everything) b.setAttribute("aria-pressed", String(b === button)); // the first one: only this state
    }
    if (!alone && !everything) button.setAttribute("aria-pressed", String(!pressed.includes(button)));
    remember(hay, false);
  }

  async function start() {
    const data = await evidence();
    const hay = haystacks(data, $$(".row"));
    for (const element of $$(".tools, .open")) element.hidden = false;
    const cells = places(data), again = () => route(data, hay, cells);
    $("#search").addEventListener("input", () => remember(hay, true));
    $("#sort").addEventListener("change", (event) => { sort(event.target.value); remember(hay, false); });
    $("form.tools").addEventListener("submit", (event) => event.preventDefault());
    document.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      if (button.dataset.cell !== undefined) {
        history.pushState({ panel: true }, "", addressOf(data, Number(button.dataset.cell)));
        again();
      } else if (button.matches(".pick")) pick(button, hay);
      else if (button.matches(".more")) {
        unfold(button, button.getAttribute("aria-expanded") === "false");
        filter(hay);
      } else if (button.matches(".close")) $("#panel").close();
    });
    $("#panel").addEventListener("close", () => {
      if (!location.hash.startsWith("#evidence/")) return; // the address has moved on already
      if (history.state?.panel) history.back();
      else history.replaceState(null, "", filterAddress());
    });
    addEventListener("hashchange", again);
    addEventListener("popstate", again);
    $("#panel").addEventListener("click", (event) => { if (event.target === event.currentTarget) event.target.close(); });
    addEventListener("beforeprint", () => {
      for (const more of $$(".more")) unfold(more, true);
      for (const part of $$(".card, .board")) part.open = true;
      filter(hay);
    });
    // On a telephone the matrix begins as a table of contents.
    if (matchMedia("(max-width: 37.5rem)").matches) for (const board of $$(".board")) board.open = false;
    filter(hay);
    if (location.hash || location.search) again();
    document.documentElement.dataset.ready = "yes";
  }
  start().catch(() => {
    const words = "This browser is too old to filter, to search and to open single cells. The states below are complete without it.";
    $("#matrix h2").after(make("p", "warning", words));
  });
})();
