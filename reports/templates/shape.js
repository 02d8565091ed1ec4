"use strict";
// Histogram against density, and quantiles against the law's, of the numbers that a verdict's draws gave.
const Shape = (() => {
  function make(tag, className, ...children) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    element.append(...children.filter((child) => child !== "" && child !== null));
    return element;
  }

  function draw(tag, attributes, ...children) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  // The inverse of the normal distribution function, to 1e-3: Abramowitz and Stegun 26.2.23.
  function quantile(p) {
    const t = Math.sqrt(-2 * Math.log(Math.min(p, 1 - p)));
    const z = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
    return p < 0.5 ? -z : z;
  }

  const END = 4, WIDTH = 220, HEIGHT = 110;
  const across = (z) => 10 + ((WIDTH - 20) * (z + END)) / (2 * END);

  function bars(cells, total) {
    const step = 0.25, most = Math.max(0.42, ...cells.map((n) => n / total / step));
    const up = (density) => HEIGHT - 14 - ((HEIGHT - 20) * density) / most;
    const parts = cells.map((n, k) => {
      const top = up(n / total / step);
      return draw("rect", { class: "bar", x: across(-END + k * step), y: top, width: (WIDTH - 20) / 32 - 0.6, height: HEIGHT - 14 - top });
    });
    const curve = Array.from({ length: 65 }, (_, k) => -END + k / 8).map((z) => `${across(z).toFixed(1)} ${up(Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)).toFixed(1)}`);
    return [...parts, draw("path", { class: "curve", d: `M${curve.join("L")}` })];
  }

  function quantiles(cells, total) {
    const up = (z) => HEIGHT - 14 - ((HEIGHT - 22) * (Math.max(-END, Math.min(END, z)) + END)) / (2 * END);
    const parts = [draw("line", { class: "curve", x1: across(-END), y1: up(-END), x2: across(END), y2: up(END) })];
    let below = 0;
    cells.slice(0, -1).forEach((n, k) => {
      below += n;
      if (below > 0 && below < total) parts.push(draw("circle", { class: "dot", cx: across(-END + (k + 1) * 0.25).toFixed(1), cy: up(quantile(below / total)).toFixed(1), r: 2.4 }));
    });
    return parts;
  }

  function picture(label, parts) {
    const ticks = [-3, 0, 3].map((z) => draw("text", { x: across(z), y: HEIGHT - 2 }, String(z)));
    return draw("svg", { class: "shape", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label }, ...parts, ...ticks);
  }

  function figure(v) {
    const total = v.cells.reduce((sum, n) => sum + n, 0);
    const words = `The first ${total.toLocaleString("en")} numbers as normal scores under the law: a histogram against the density, and quantiles against the law's. On the line the law holds.`;
    return make("figure", `shapes ${v.state[0].toLowerCase()}`, picture("Histogram against the density", bars(v.cells, total)),
      picture("Quantiles against those of the law", quantiles(v.cells, total)), make("figcaption", "", words));
  }

  return { make, draw, figure };
})();
