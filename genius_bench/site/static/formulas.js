/* Formulas by KaTeX, as MathML that the browser draws itself: no fonts, no styles. KaTeX's tree is copied element by element,
   so that nothing of a formula becomes anything but signs and their arrangement. */
"use strict";

const Formulas = (() => {
  const MATHML = "http://www.w3.org/1998/Math/MathML";
  const ELEMENTS = new Set("math semantics mrow mi mn mo mtext mspace mfrac msqrt mroot msub msup msubsup munder mover munderover mtable mtr mtd mstyle mpadded mphantom menclose".split(" "));
  const ATTRIBUTES = new Set("display displaystyle scriptlevel mathvariant fence stretchy separator lspace rspace minsize maxsize largeop accent accentunder linethickness columnalign columnspacing rowspacing width height depth voffset notation".split(" "));
  const refused = () => { throw new TypeError("links, pictures and classes are no formula"); };
  const OPTIONS = { output: "mathml", throwOnError: true, trust: refused, strict: "ignore", maxSize: 20, maxExpand: 200 };

  /** Where a formula stands, at the beginning of a text: [all, display, inline], or null. */
  const DISPLAY = /^(?:\$\$([^]{1,2000}?)\$\$|\\\[([^]{1,2000}?)\\\])/;
  const INLINE = /^(?:\\\(([^]{1,1000}?)\\\)|\$(?![\s$])([^$\n]{0,1000}?[^$\s\\])\$(?!\d))/;

  function at(text) {
    const shown = DISPLAY.exec(text);
    if (shown) return { raw: shown[0], tex: shown[1] ?? shown[2], display: true };
    const inline = INLINE.exec(text);
    return inline && { raw: inline[0], tex: inline[1] ?? inline[2], display: false };
  }

  /** A formula; its source where it is none, or holds what is not seen. */
  function node(katex, { raw, tex, display }) {
    try {
      const made = copied(mathOf(katex.__renderToDomTree(tex, { ...OPTIONS, displayMode: display })));
      if (Text.isCalm(made.textContent)) return element("span", { class: display ? "formula display" : "formula", title: raw }, made);
    } catch {
      // no formula that KaTeX knows
    }
    return element("code", {}, raw);
  }

  function mathOf(tree) {
    if (tree.type === "math") return tree;
    for (const child of tree.children || []) {
      const found = mathOf(child);
      if (found) return found;
    }
    return null;
  }

  function copied(tree) {
    if (tree.text !== undefined) return document.createTextNode(tree.text);
    if (tree.type === undefined) return space(tree);
    if (tree.type === "annotation") return document.createTextNode("");
    if (!ELEMENTS.has(tree.type)) throw new TypeError(`no part of a formula: ${tree.type}`);
    const made = document.createElementNS(MATHML, tree.type);
    for (const [name, value] of Object.entries(tree.attributes)) if (ATTRIBUTES.has(name)) made.setAttribute(name, value);
    made.append(...tree.children.map(copied));
    return made;
  }

  function space(tree) {
    const made = document.createElementNS(MATHML, "mspace");
    made.setAttribute("width", `${Math.max(-2, Math.min(20, Number(tree.width) || 0))}em`);
    return made;
  }

  return { at, node };
})();
