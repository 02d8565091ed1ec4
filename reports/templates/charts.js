"use strict";
// Draws the charts of the page in its own colours. The texts of the records only reach Vega as data.
(async () => {
  const style = getComputedStyle(document.documentElement);
  let text = document.querySelector("#island").textContent;
  const { roles } = JSON.parse(text);
  for (const [colour, role] of Object.entries(roles)) text = text.replaceAll(colour, style.getPropertyValue(`--${role}`).trim());
  const { specs } = JSON.parse(text);
  const options = { renderer: "svg", actions: { export: true, source: false, compiled: false, editor: false } };
  await Promise.all([...document.querySelectorAll(".live")].map((place, k) => vegaEmbed(place, specs[k], options)));
  document.documentElement.dataset.ready = "yes";
})();
