/* Answers as the reader wants to see them: as text, arranged as Markdown with formulas, or word by word against another. */
"use strict";

const AnswerViews = (() => {
  const VIEWS = [["", "Text"], ["arranged", "Markdown and formulas"], ["differences", "Differences"]];

  /** Differences need two answers. */
  const offered = (answers) => (answers > 1 ? VIEWS : VIEWS.slice(0, 2));

  /** The view that was asked for, where there is such for one answer or two. */
  const known = (view, answers) => (offered(answers).some(([name]) => name === view) ? view : "");

  /** A promise of a node for each of one or two texts; `words` are highlighted. */
  async function make(texts, view, words = "") {
    if (view === "differences") return Differences.make(...texts);
    return Promise.all(texts.map((text) => (!text ? element("p", { class: "faint" }, "(no text)") : one(text, view, words))));
  }

  /** A promise of the node of a text that stands alone, such as a question: nothing to be compared with. */
  const one = async (text, view, words = "") => (view === "arranged" ? Markdown.make(text) : Text.block(text, words));

  const choose = (answers, view, look) => switcher("Answers as", offered(answers), view, look);

  return { known, make, one, choose };
})();
