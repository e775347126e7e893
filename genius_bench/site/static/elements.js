/* Elements, made without a word of HTML: children that are strings become text nodes. */
"use strict";

const SVG = "http://www.w3.org/2000/svg";

/** `element("a", { class: "…", href: "#/…", on: { click } }, "text", other)`. Children may be null or lists. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  setAttributes(made, attributes);
  add(made, children);
  return made;
}

/** The same for the elements of a drawing. */
function drawn(tag, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, tag);
  setAttributes(made, attributes);
  add(made, children);
  return made;
}

function setAttributes(made, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) made.addEventListener(event, listener);
    } else if (name === "value") {
      made.value = value; // what a control stands for is never shown: it stays as it is
    } else if (name === "vary") {
      for (const [variable, amount] of Object.entries(value)) made.style.setProperty(variable, amount);
    } else if (name === "href" && !String(value).startsWith("#")) {
      throw new TypeError(`a link may only lead to a page of this site: ${value}`);
    } else if (name.startsWith("on") || name === "style" || name === "src" || name === "srcdoc") {
      throw new TypeError(`attribute ${name} is never set`);
    } else {
      made.setAttribute(name, value === true ? "" : Text.plain(value));
    }
  }
}

function add(parent, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    if (child instanceof Node) parent.append(child);
    else if (parent.namespaceURI === SVG || parent.tagName === "OPTION") parent.append(Text.plain(child));
    else parent.append(Text.node(child));
  }
}

/** A drop-down: `options` are [value, label] or {label, options}. */
function choice(label, options, value, change) {
  const select = element("select", { "aria-label": label, on: { change: () => change(select.value) } });
  const one = ([key, said]) => element("option", { value: key, selected: key === value }, said);
  for (const option of options) {
    select.append(
      Array.isArray(option) ? one(option) : element("optgroup", { label: option.label }, option.options.map(one)),
    );
  }
  return element("label", { class: "choice" }, element("span", {}, label), select);
}

/** Buttons of which one is pressed: `options` are [value, label]. */
function switcher(label, options, value, change) {
  const buttons = options.map(([key, said]) =>
    element("button", { type: "button", "aria-pressed": String(key === value), "data-value": key, on: { click: () => press(key) } }, said),
  );
  function press(key) {
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.value === key));
    change(key);
  }
  return element("div", { class: "switcher", role: "group", "aria-label": label }, buttons);
}

/** The address of a page: `address(["run", id], { task })`. */
function address(path, query = {}) {
  const kept = Object.entries(query).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const words = new URLSearchParams(kept).toString();
  return `#/${path.map((part) => encodeURIComponent(wellFormed(part))).join("/")}${words ? `?${words}` : ""}`;
}

/** Text that an address can hold: half a character becomes the sign for one that is none. */
function wellFormed(text) {
  return String(text).replace(/[\ud800-\udfff]/gu, "\ufffd");
}
