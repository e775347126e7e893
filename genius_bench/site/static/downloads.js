/* Files for the reader: tables as CSV, charts as PNG, samples as JSON; and texts for the clipboard. Nothing leaves the page
   but to the reader's own disk. */
"use strict";

const Downloads = (() => {
  function save(name, blob) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name.toLowerCase().replace(/[^a-z0-9.]+/g, "-").replace(/^-|-$/g, "");
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  /** columns: [{ label, value: row → number|string|null }] */
  function csv(name, columns, rows) {
    const lines = [columns.map((column) => field(column.label)), ...rows.map((row) => columns.map((column) => field(column.value(row))))];
    save(`${name}.csv`, new Blob([lines.map((line) => `${line.join(",")}\r\n`).join("")], { type: "text/csv" }));
  }

  /** Text that a spreadsheet would take for a formula gets an apostrophe before it. */
  function field(value) {
    if (value === null || value === undefined) return "";
    if (typeof value === "number") return Number.isFinite(value) ? String(value) : "";
    const text = wellFormed(value);
    const calm = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(calm) ? `"${calm.replaceAll('"', '""')}"` : calm;
  }

  function json(name, value) {
    save(`${name}.json`, new Blob([JSON.stringify(value, null, 2)], { type: "application/json" }));
  }

  const STYLES = ["fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-linejoin", "stroke-linecap", "opacity", "font-size", "font-family", "font-weight"];

  /** A drawing as it looks now, twice as fine, on the page's paper. */
  function png(name, svg) {
    const copy = svg.cloneNode(true);
    const drawnParts = [svg, ...svg.querySelectorAll("*")];
    [copy, ...copy.querySelectorAll("*")].forEach((part, place) => {
      const style = getComputedStyle(drawnParts[place]);
      for (const one of STYLES) part.setAttribute(one, style.getPropertyValue(one));
    });
    copy.setAttribute("xmlns", SVG);
    const image = new Image();
    image.onload = () => {
      const canvas = document.createElement("canvas");
      canvas.width = 2 * svg.clientWidth;
      canvas.height = 2 * svg.clientHeight;
      const pen = canvas.getContext("2d");
      pen.fillStyle = getComputedStyle(document.body).backgroundColor;
      pen.fillRect(0, 0, canvas.width, canvas.height);
      pen.drawImage(image, 0, 0, canvas.width, canvas.height);
      canvas.toBlob((blob) => save(`${name}.png`, blob));
    };
    image.src = `data:image/svg+xml,${encodeURIComponent(new XMLSerializer().serializeToString(copy))}`;
  }

  /** A button that copies a text as it is, and says so. */
  function copyButton(label, text) {
    const copied = () => navigator.clipboard?.writeText(text) ?? Promise.reject(); // pages on plain http have none
    const button = element("button", { type: "button", class: "quiet", on: { click: () => copied().then(() => told("copied"), () => told("not allowed here")) } }, label);
    function told(words) {
      button.replaceChildren(words);
      setTimeout(() => button.replaceChildren(label), 1500);
    }
    return button;
  }

  return { csv, json, png, copyButton };
})();
