/* One group of rollouts: the prompt once, what every response was worth, and the texts of one or two of them. */
"use strict";

const RolloutGroup = (() => {
  const nameOf = (one) => `response ${one.number + 1}`;
  const majority = (group) => group.majority ?? "no one answer";

  /** options: { step, response, beside: numbers as text, view, change: {response, beside, view} → void, close } */
  async function make(group, options) {
    const find = (number) => group.responses.find((one) => String(one.number) === number);
    const chosen = find(options.response) || group.responses[0];
    const other = options.beside === String(chosen.number) ? null : find(options.beside);
    const both = [chosen, other].filter(Boolean);
    const view = AnswerViews.known(options.view, both.length);
    const texts = await AnswerViews.make(both.map((one) => one.text), view);
    return element(
      "article",
      { class: "sample group-of-rollouts", tabindex: "-1", "aria-label": `Group ${group.query}` },
      header(group, options),
      element("h3", {}, "Prompt"),
      await AnswerViews.one(group.prompt, view),
      vote(group),
      table(group, chosen, options),
      element("div", { class: "controls" }, besides(group, chosen, other, options), AnswerViews.choose(both.length, view, (name) => options.change({ view: name }))),
      element("div", { class: `sides ${other ? "two-sides" : ""}` }, both.map((one, place) => side(one, texts[place]))),
    );
  }

  function header(group, { step, close }) {
    return element(
      "header",
      { class: "sample-head" },
      element("div", {}, element("h2", {}, Numbers.plural(group.responses.length, "response")), element("code", { class: "key" }, group.query)),
      element("div", { class: "sample-tools" },
        element("button", { type: "button", class: "quiet", on: { click: () => Downloads.json(`step ${step} ${group.query}`, group) } }, "JSON"),
        element("button", { type: "button", class: "quiet", "aria-label": "Close the group", on: { click: close } }, "✕")),
    );
  }

  function vote(group) {
    const gold = group.gold ? [element("span", { class: "faint" }, "gold "), element("strong", {}, group.gold), " · "] : null;
    return element("div", { class: "gold" }, gold, element("span", { class: "faint" }, "most said "), element("strong", {}, majority(group)));
  }

  /** A line a response; its first cell opens it below. */
  function table(group, chosen, options) {
    const open = (one) => element("button", { type: "button", "aria-pressed": String(one === chosen), "aria-label": nameOf(one), on: { click: () => options.change({ response: String(one.number) }) } }, String(one.number + 1));
    const number = (label, name, written, title) => ({ label, title, numeric: true, value: (one) => one[name], cell: (one) => written(one[name], 3) });
    const columns = [
      { label: "Response", value: (one) => one.number + 1, cell: open, ascending: true },
      { label: "Answer", value: (one) => one.answer, cell: (one) => (one.answer === null ? element("span", { class: "faint" }, "none stated") : element("span", { class: "value" }, one.answer.slice(0, 80))), ascending: true },
      { label: "Right", title: "By the gold answer", value: (one) => (one.right === null ? null : Number(one.right)), cell: (one) => verdict(one) },
      number("Reward", "reward", Numbers.fixed),
      number("Advantage", "advantage", Numbers.signed, "What its tokens are weighed with; none for responses that are not trained on"),
      number("Tokens", "tokens", Numbers.count),
    ];
    return Tables.sortable(columns, group.responses, { caption: "Responses", class: "responses", rowClass: (one) => (one === chosen ? "chosen" : null) }).node;
  }

  function verdict(one) {
    if (one.right === null) return element("span", { class: "faint" }, "not known");
    return element("span", { class: one.right ? "good" : "bad" }, one.right ? "✓ right" : "✗ wrong");
  }

  function besides(group, chosen, other, options) {
    const others = group.responses.filter((one) => one !== chosen);
    const label = (one) => `${nameOf(one)} · ${one.answer ?? "no answer"} · ${Numbers.fixed(one.reward, 2)}`;
    return choice("Beside", [["", "no other response"], ...others.map((one) => [String(one.number), label(one)])], other ? String(other.number) : "", (number) => options.change({ beside: number }));
  }

  function side(one, text) {
    const ended = one.finish === "length" ? "cut off at the limit" : `finish: ${one.finish}`;
    return element(
      "section",
      { class: "side" },
      element("h3", {}, nameOf(one)),
      element("p", { class: "faint facts-line" }, [`reward ${Numbers.fixed(one.reward, 3)}`, one.advantage === null ? "not trained on" : `advantage ${Numbers.signed(one.advantage, 3)}`, Numbers.plural(one.tokens, "token"), ended, `entropy ${Numbers.fixed(one.entropy, 3)} nats a token`].join(" · ")),
      text,
      element("p", { class: "side-tools" }, one.text ? Downloads.copyButton("Copy the response", one.text) : null),
    );
  }

  return { make, majority };
})();
