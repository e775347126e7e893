/* Charts as drawings of our own: they follow the theme, need no library that makes code from text, and print. */
"use strict";

const Charts = (() => {
  const SHAPES = ["circle", "square", "triangle", "diamond", "cross"]; // five, so that with twelve colours no two series share both

  /**
   * A chart that is drawn anew whenever its width changes.
   * spec: { label, height, x: axis, y: axis, draw: (plot) → nodes }; axis: { label, low, high, log, format, count }
   */
  function chart(spec) {
    const save = element("button", { type: "button", class: "quiet save", "aria-label": `Save as PNG: ${spec.label}`, on: { click: () => Downloads.png(spec.label, holder.querySelector("svg")) } }, "PNG");
    const holder = element("div", { class: "chart" });
    const redraw = () => {
      const width = Math.max(280, holder.clientWidth || 640);
      holder.replaceChildren(frame(spec, width), save);
    };
    new ResizeObserver(redraw).observe(holder);
    return holder;
  }

  function frame(spec, width) {
    const height = spec.height || 340;
    const longest = Math.max(...ticks(spec.y, Math.floor(height / 60)).map((value) => spec.y.format(value).length));
    const margin = { left: 16 + 7 * longest, right: spec.right ? Math.min(spec.right, width * 0.32) : 14, top: 14, bottom: 42 };
    const x = scale(spec.x, margin.left, width - margin.right);
    const y = scale(spec.y, height - margin.bottom, margin.top);
    const plot = { x, y, left: margin.left, right: width - margin.right, top: margin.top, bottom: height - margin.bottom, width, height };
    return drawn(
      "svg",
      { viewBox: `0 0 ${width} ${height}`, width, height, role: "group", "aria-label": spec.label },
      grid(spec, plot),
      spec.draw(plot),
    );
  }

  function scale(axis, from, to) {
    const place = axis.log ? Math.log10 : (value) => value;
    const low = place(axis.low);
    const span = place(axis.high) - low || 1;
    const at = (value) => from + ((place(value) - low) / span) * (to - from);
    return Object.assign(at, { axis });
  }

  function grid(spec, plot) {
    const nodes = [];
    for (const value of ticks(spec.y, Math.floor(plot.height / 60))) {
      const at = plot.y(value);
      nodes.push(drawn("line", { class: "grid", x1: plot.left, x2: plot.right, y1: at, y2: at }));
      nodes.push(drawn("text", { class: "tick", x: plot.left - 8, y: at + 4, "text-anchor": "end" }, spec.y.format(value)));
    }
    for (const value of ticks(spec.x, Math.floor((plot.right - plot.left) / 90))) {
      const at = plot.x(value);
      nodes.push(drawn("line", { class: "grid faint", x1: at, x2: at, y1: plot.top, y2: plot.bottom }));
      nodes.push(drawn("text", { class: "tick", x: at, y: plot.bottom + 18, "text-anchor": "middle" }, spec.x.format(value)));
    }
    nodes.push(drawn("line", { class: "axis", x1: plot.left, x2: plot.right, y1: plot.bottom, y2: plot.bottom }));
    nodes.push(drawn("text", { class: "axis-label", x: plot.right, y: plot.bottom + 36, "text-anchor": "end" }, spec.x.label));
    nodes.push(drawn("text", { class: "axis-label", x: 0, y: 10 }, spec.y.label));
    return nodes;
  }

  function ticks(axis, wanted) {
    return axis.log ? powers(axis.low, axis.high) : even(axis.low, axis.high, Math.max(2, wanted), axis.whole);
  }

  function powers(low, high) {
    const wide = Math.log10(high / low) > 2.5;
    const found = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1) {
      for (const digit of wide ? [1] : [1, 2, 5]) {
        const value = digit * 10 ** power;
        if (value >= low && value <= high) found.push(value);
      }
    }
    return found;
  }

  function even(low, high, wanted, whole) {
    const rough = (high - low) / wanted;
    const power = 10 ** Math.floor(Math.log10(rough || 1));
    let step = [1, 2, 5, 10].map((digit) => digit * power).find((one) => one >= rough) || power;
    if (whole) step = Math.max(1, Math.round(step));
    const found = [];
    for (let value = Math.ceil(low / step) * step; value <= high + step / 1e6; value += step) found.push(Number(value.toPrecision(12)));
    return found;
  }

  /** The ends of an axis around values, with a little room; log axes get room by a factor. */
  function around(values, { log = false, zero = false } = {}) {
    const there = values.filter((value) => Number.isFinite(value) && (!log || value > 0));
    if (!there.length) return { low: log ? 1 : 0, high: log ? 10 : 1 };
    let low = Math.min(...there);
    let high = Math.max(...there);
    if (log) return { low: low / 1.5, high: high * 1.5, log };
    const room = (high - low || Math.abs(high) || 1) * 0.06;
    low = zero ? Math.min(0, low) : low - room;
    return { low, high: high + room };
  }

  /** A point's mark: series differ in shape as well as in colour. */
  function mark(series, x, y, size = 5) {
    const shape = series < 0 ? "circle" : SHAPES[series % SHAPES.length];
    const attributes = { class: `mark ${seriesClass(series)}` };
    if (shape === "circle") return drawn("circle", { ...attributes, cx: x, cy: y, r: size });
    const r = size;
    const paths = {
      square: `M${x - r * 0.9} ${y - r * 0.9}h${r * 1.8}v${r * 1.8}h${-r * 1.8}z`,
      triangle: `M${x} ${y - r * 1.15}l${r * 1.15} ${r * 2}h${-r * 2.3}z`,
      diamond: `M${x} ${y - r * 1.3}l${r * 1.3} ${r * 1.3}l${-r * 1.3} ${r * 1.3}l${-r * 1.3} ${-r * 1.3}z`,
      cross: `M${x - r} ${y - r * 0.4}h${r * 0.6}v${-r * 0.6}h${r * 0.8}v${r * 0.6}h${r * 0.6}v${r * 0.8}h${-r * 0.6}v${r * 0.6}h${-r * 0.8}v${-r * 0.6}h${-r * 0.6}z`,
    };
    return drawn("path", { ...attributes, d: paths[shape] });
  }

  const COLOURS = 12;
  const seriesClass = (series) => (series < 0 ? "series-base" : `series-${series % COLOURS}`);

  /** Labels in a column beside a drawing, moved apart so that none covers another: [{y}] gets `at`. */
  function spread(labels, top, bottom, gap = 15) {
    const sorted = [...labels].sort((a, b) => a.y - b.y);
    const place = (list, from, sign) => list.reduce((last, label) => (label.at = sign > 0 ? Math.max(label.at ?? label.y, last + gap) : Math.min(label.at, last - gap)), from);
    place(sorted, top - gap, 1);
    place([...sorted].reverse(), bottom + gap, -1);
    return labels;
  }

  /** A line through points [[x, y], …], broken where a value is missing. */
  function path(points, plot) {
    let started = false;
    let d = "";
    for (const [x, y] of points) {
      if (!Number.isFinite(x) || !Number.isFinite(y)) {
        started = false;
        continue;
      }
      d += `${started ? "L" : "M"}${plot.x(x).toFixed(1)} ${plot.y(y).toFixed(1)}`;
      started = true;
    }
    return d;
  }

  function band(points, plot) {
    const there = points.filter(([, low, high]) => Number.isFinite(low) && Number.isFinite(high));
    if (there.length < 2) return null;
    const up = there.map(([x, , high]) => `${plot.x(x).toFixed(1)} ${plot.y(high).toFixed(1)}`);
    const down = there.map(([x, low]) => `${plot.x(x).toFixed(1)} ${plot.y(low).toFixed(1)}`).reverse();
    return `M${up.join("L")}L${down.join("L")}z`;
  }

  /**
   * Lines with a legend that picks one out. series: [{ name, series, points: [[x, y, low, high]], open }]
   */
  function lines(spec) {
    const all = spec.series.flatMap((one) => one.points);
    const values = all.map(([, y]) => y).filter((y) => Number.isFinite(y));
    const log = Boolean(spec.y.mayBeLog) && Math.min(...values) > 0 && Math.max(...values) > 20 * Math.min(...values);
    const bounds = { x: around(all.map(([x]) => x), { zero: spec.x.zero }), y: around(all.flatMap(([, y, low, high]) => [y, low, high]), { log }) };
    const holder = element("div", { class: "lines" });
    const drawing = chart({
      label: spec.label,
      height: spec.height,
      x: { ...bounds.x, low: all.length ? Math.min(...all.map(([x]) => x)) : 0, ...spec.x },
      y: { ...bounds.y, ...spec.y },
      draw: (plot) => spec.series.map((one, place) => line(one, place, plot, spec.points)),
    });
    const names = spec.series.map((one, place) => legendItem(one, place, holder));
    holder.append(drawing, element("ul", { class: "legend", "aria-label": "Lines" }, names));
    return holder;
  }

  function line(one, place, plot, points) {
    const shape = seriesClass(one.series);
    const shaded = band(one.points.map(([x, , low, high]) => [x, low, high]), plot);
    return drawn(
      "g",
      { class: "line", "data-line": place, role: "img", "aria-label": one.description || one.name },
      drawn("title", {}, one.description || one.name),
      shaded ? drawn("path", { class: `band ${shape}`, d: shaded }) : null,
      drawn("path", { class: `stroke ${shape}`, d: path(one.points, plot) }),
      points ? one.points.map(([x, y]) => mark(one.series, plot.x(x), plot.y(y), 4)) : null,
    );
  }

  function legendItem(one, place, holder) {
    const pick = (on) => {
      holder.classList.toggle("picking", on);
      for (const each of holder.querySelectorAll(".line")) each.classList.toggle("picked", on && each.dataset.line === String(place));
    };
    const on = { mouseenter: () => pick(true), mouseleave: () => pick(false), focus: () => pick(true), blur: () => pick(false) };
    const sign = drawn("svg", { width: 18, height: 12, "aria-hidden": "true" }, drawn("line", { class: `stroke ${seriesClass(one.series)}`, x1: 0, x2: 18, y1: 6, y2: 6 }), mark(one.series, 9, 6, 3.5));
    const inner = one.open ? element("a", { href: one.open, on }, sign, one.name) : element("button", { type: "button", class: "plain", on }, sign, one.name);
    return element("li", {}, inner);
  }

  return { chart, lines, around, mark, spread, seriesClass };
})();
