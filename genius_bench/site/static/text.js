/* Text of models, data sets and recipes: shown as text, whatever it holds.

   Controls, direction marks and other characters that are not seen themselves but change what is become visible signs;
   text that runs from right to left is isolated from what stands beside it. */
"use strict";

const Text = (() => {
  const HIDDEN =
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}\ud800-\udfff]/u;
  const RUNS = new RegExp(`(?:${HIDDEN.source})+`, "gu");
  const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefe\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

  function sign(character) {
    const code = character.codePointAt(0);
    if (code < 0x20) return String.fromCodePoint(0x2400 + code); // the picture of a control: ␛ for escape
    if (code === 0x7f) return "␡";
    return `⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
  }

  function signs(hidden) {
    return Array.from(hidden, sign).join("");
  }

  /** As a string: for titles, labels and options, which cannot hold elements. */
  function plain(value) {
    const text = String(value);
    const calm = HIDDEN.test(text) ? text.replace(RUNS, signs) : text;
    return RIGHT_TO_LEFT.test(calm) ? `\u2068${calm}\u2069` : calm;
  }

  /** As a node: calm text as it is, anything else isolated and with its hidden characters marked. */
  function node(value) {
    const text = String(value);
    if (!HIDDEN.test(text) && !RIGHT_TO_LEFT.test(text)) return document.createTextNode(text);
    const isolated = document.createElement("bdi");
    isolated.append(marked(text));
    return isolated;
  }

  function marked(text) {
    const nodes = document.createDocumentFragment();
    let end = 0;
    for (const found of text.matchAll(RUNS)) {
      nodes.append(text.slice(end, found.index));
      const mark = document.createElement("span");
      mark.className = "hidden-character";
      mark.title = "characters that would not be seen";
      mark.textContent = signs(found[0]);
      nodes.append(mark);
      end = found.index + found[0].length;
    }
    nodes.append(text.slice(end));
    return nodes;
  }

  /** A block of text with its own lines and direction; the places of `words` (lower case) are highlighted. */
  function block(value, words = "") {
    const text = String(value);
    const pre = document.createElement("pre");
    pre.className = "text";
    pre.dir = "auto";
    let end = 0;
    for (const start of places(text, words)) {
      pre.append(marked(text.slice(end, start)));
      const found = document.createElement("mark");
      found.append(marked(text.slice(start, start + words.length)));
      pre.append(found);
      end = start + words.length;
    }
    pre.append(marked(text.slice(end)));
    return pre;
  }

  function places(text, words, most = 200) {
    const lower = text.toLowerCase();
    const found = [];
    if (!words || lower.length !== text.length) return found; // lower case moved the places
    for (let at = lower.indexOf(words); at >= 0 && found.length < most; at = lower.indexOf(words, at + words.length)) {
      found.push(at);
    }
    return found;
  }

  /** Whether a text holds nothing that is not seen or turns round what stands beside it. */
  const isCalm = (text) => !HIDDEN.test(text.replace(/\u2061|\u2062|\u2063|\u2064/g, "")) && !RIGHT_TO_LEFT.test(text);

  return { plain, node, block, isCalm };
})();
