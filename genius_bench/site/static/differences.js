/* Two texts, word by word: what one has and the other has not. */
"use strict";

const Differences = (() => {
  const PATIENCE = { timeout: 1500, maxEditLength: 4000 }; // milliseconds, and changes: texts beyond are shown as they are

  /** A promise of [node of the first, node of the second]. */
  async function make(first, second) {
    const { diffWordsWithSpace } = await Data.library("diff", "Diff");
    const parts = diffWordsWithSpace(second, first, PATIENCE);
    if (!parts) return [first, second].map((text) => element("div", {}, element("p", { class: "faint" }, "They differ too much to be told apart word by word."), Text.block(text)));
    return [block(parts.filter((part) => !part.removed), "ins"), block(parts.filter((part) => !part.added), "del")];
  }

  function block(parts, tag) {
    const pre = element("pre", { class: "text", dir: "auto" });
    for (const { value, added, removed } of parts) pre.append(added || removed ? element(tag, {}, value) : element("span", {}, value));
    return pre;
  }

  return { make };
})();
