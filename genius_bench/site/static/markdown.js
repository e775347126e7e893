/* Markdown as a reader expects it: marked reads it, and what it found is made of our own elements. HTML in it stays text,
   links and pictures lead nowhere. */
"use strict";

const Markdown = (() => {
  const LONGEST = 30_000; // characters; what is longer is shown as it is
  const DEEPEST = 24;
  let reader = null;
  let katex = null;

  /** A promise of the text as Markdown; as it is where it cannot be read so. */
  async function make(text) {
    if (text.length > LONGEST) return plain(text, "too long to be arranged");
    await prepare();
    try {
      return element("div", { class: "markdown", dir: "auto", role: "region", "aria-label": "Arranged text", tabindex: "0" }, blocks(reader.lexer(text), 0));
    } catch (error) {
      return plain(text, error.message);
    }
  }

  async function prepare() {
    const [marked, found] = await Promise.all([Data.library("marked", "marked"), Data.library("katex", "katex")]);
    katex = found;
    reader ??= new marked.Marked({ extensions: [formulas("inline"), formulas("block")] });
  }

  function formulas(level) {
    const begins = level === "inline" ? /\$|\\[([]/ : /(?:^|\n) {0,3}(?:\$\$|\\\[)/;
    return {
      name: `${level} formula`,
      level,
      start: (text) => { const found = begins.exec(text); return found ? found.index + (found[0].startsWith("\n") ? 1 : 0) : undefined; },
      tokenizer(text) {
        const found = Formulas.at(text);
        if (!found || (level === "block" && !found.display)) return undefined;
        return { type: `${level} formula`, ...found };
      },
    };
  }

  function plain(text, why) {
    return element("div", {}, element("p", { class: "faint" }, `Shown as it is: ${why}.`), Text.block(text));
  }

  function blocks(tokens, depth) {
    if (depth > DEEPEST) throw new RangeError("nested too deep");
    return tokens.map((token) => (Object.hasOwn(BLOCKS, token.type) ? BLOCKS[token.type](token, depth + 1) : inline([token], depth + 1)));
  }

  const BLOCKS = {
    space: () => null,
    hr: () => element("hr"),
    heading: (token, depth) => element("p", { class: `heading level-${token.depth}` }, inline(token.tokens, depth)),
    paragraph: (token, depth) => element("p", {}, inline(token.tokens, depth)),
    blockquote: (token, depth) => element("blockquote", {}, blocks(token.tokens, depth)),
    code: (token) => element("pre", { class: "text" }, token.text),
    html: (token) => element("pre", { class: "text" }, token.raw),
    list: (token, depth) => element(token.ordered ? "ol" : "ul", { start: token.ordered && token.start !== 1 ? token.start : null }, token.items.map((item) => element("li", {}, item.task ? (item.checked ? "☑ " : "☐ ") : null, blocks(item.tokens.filter((one) => one.type !== "checkbox"), depth)))),
    table: (token, depth) => element("table", {}, element("thead", {}, row("th", token.header, depth)), element("tbody", {}, token.rows.map((cells) => row("td", cells, depth)))),
    "block formula": (token) => element("p", {}, Formulas.node(katex, token)),
  };

  const row = (tag, cells, depth) => element("tr", {}, cells.map((cell) => element(tag, {}, inline(cell.tokens, depth))));

  function inline(tokens, depth) {
    if (depth > DEEPEST) throw new RangeError("nested too deep");
    return (tokens || []).map((token) => (Object.hasOwn(INLINE, token.type) ? INLINE[token.type](token, depth + 1) : token.raw));
  }

  const INLINE = {
    text: (token, depth) => (token.tokens ? inline(token.tokens, depth) : token.text),
    escape: (token) => token.text,
    strong: (token, depth) => element("strong", {}, inline(token.tokens, depth)),
    em: (token, depth) => element("em", {}, inline(token.tokens, depth)),
    del: (token, depth) => element("del", {}, inline(token.tokens, depth)),
    codespan: (token) => element("code", {}, token.text),
    br: () => element("br"),
    link: (token) => token.raw,
    image: (token) => token.raw,
    "inline formula": (token) => Formulas.node(katex, token),
  };

  return { make };
})();
