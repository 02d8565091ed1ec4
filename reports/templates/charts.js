"use strict";
// Draws the charts of the page in its own colours. The texts of the records only reach Vega as data.
(async () => {
  const style = getComputedStyle(document.documentElement);
  let text = document.querySelector("#embedded").textContent;
  const { roles } = JSON.parse(text);
  for (const [colour, role] of Object.entries(roles)) text = text.replaceAll(colour, style.getPropertyValue(`--${role}`).trim());
  const { specs } = JSON.parse(text);
  const options = { renderer: "svg", actions: { export: true, source: false, compiled: false, editor: false } };
  await Promise.all([...document.querySelectorAll(".live")].map((place, k) => vegaEmbed(place, specs[k], options)));
  for (const svg of document.querySelectorAll(".live svg.marks")) {
    for (const part of svg.querySelectorAll("[role], [aria-label]")) {
      for (const name of ["role", "aria-roledescription", "aria-label"]) part.removeAttribute(name);
    }
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", `${svg.closest("section").querySelector("h2").textContent}: ratios with intervals`);
  }
  for (const menu of document.querySelectorAll(".live summary")) menu.setAttribute("aria-label", "Export the chart");
  document.documentElement.dataset.ready = "yes";
})();
