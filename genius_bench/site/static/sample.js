/* One sample: question, gold, and the answers of one or two models with both graders' verdicts. */
"use strict";

const Sample = (() => {
  const repeatName = (repeat) => (repeat === 0 ? "greedy" : `sample ${repeat}`);

  /**
   * options: { against, words, view, choose: model → void, look: view → void, open: number → void, close }
   */
  async function make(answers, number, options) {
    const one = answers.read(number);
    await answers.texts(one.set.pack);
    const other = otherOf(answers, one, options.against);
    if (other) await answers.texts(other.set.pack);
    const both = [answers.read(number), other ? answers.readAt(other.set, other.place) : null].filter(Boolean);
    const view = AnswerViews.known(options.view, both.length);
    const texts = await AnswerViews.make(both.map((each) => each.texts.response), view, options.words);
    return element(
      "article",
      { class: "sample", tabindex: "-1", "aria-label": `Sample ${one.item}` },
      header(one, both, options),
      element("h3", {}, "Question"),
      await AnswerViews.one(one.question, view, options.words),
      element("div", { class: "gold" }, element("span", { class: "faint" }, "gold "), one.gold ? element("strong", {}, one.gold) : element("span", { class: "faint" }, "none: the answer is judged")),
      repeats(answers, one, other, options),
      element("div", { class: "controls" }, compareChoice(answers, one, options), AnswerViews.choose(both.length, view, options.look)),
      element("div", { class: `sides ${other ? "two-sides" : ""}` }, both.map((each, place) => side(answers, each, texts[place]))),
    );
  }

  function otherOf(answers, one, against) {
    const set = against && against !== one.model ? answers.byName.get(`${one.task} ${against}`) : null;
    const place = set ? answers.placeOf(set, one.questionNumber, one.repeat) : -1;
    return place < 0 ? null : { set, place };
  }

  function header(one, both, options) {
    return element(
      "header",
      { class: "sample-head" },
      element("div", {}, element("h2", {}, one.task), element("code", { class: "key" }, one.item)),
      element("div", { class: "sample-tools" },
        element("a", { class: "button", href: address([], { group: options.group, model: one.model, task: one.task }) }, "its cell"),
        element("button", { type: "button", class: "quiet", on: { click: () => Downloads.json(`${one.item} ${repeatName(one.repeat)}`, both.map(record)) } }, "JSON"),
        element("button", { type: "button", class: "quiet", "aria-label": "Close the sample", on: { click: options.close } }, "✕")),
    );
  }

  /** All answers of the model to this question, one button each. */
  function repeats(answers, one, other, options) {
    const buttons = [];
    one.set.layout.question.forEach((question, place) => {
      if (question !== one.questionNumber) return;
      const right = one.set.flags[place] & 1;
      const repeat = one.set.layout.repeat[place];
      buttons.push(element(
        "button",
        { type: "button", class: right ? "right" : "wrong", "aria-pressed": String(place === one.place), "aria-label": `${repeatName(repeat)}, ${right ? "right" : "wrong"}`, on: { click: () => options.open(one.set.offset + place) } },
        `${right ? "✓" : "✗"} ${repeatName(repeat)}`,
      ));
    });
    return element("div", { class: "repeats", role: "group", "aria-label": "Answers to this question" }, buttons);
  }

  function compareChoice(answers, one, options) {
    const models = answers.models.filter((model) => model !== one.model && answers.byName.has(`${one.task} ${model}`));
    if (!models.length) return null;
    return element("p", { class: "controls" }, choice("Beside", [["", "no other model"], ...models.map((model) => [model, Holdings.modelName(model)])], options.against || "", options.choose));
  }

  /** A sample as a file: everything that stands here. */
  function record({ task, item, repeat, question, gold, model, right, published, share, texts }) {
    const { response, extracted, released, finish, tokens, seed, error, ungraded, judgements } = texts;
    return { task, item, repeat, model: Holdings.modelName(model), question, gold, response, right, extracted, published_rules: { right: published, extracted: released }, share, finish, tokens, seed, error, ungraded, judgements };
  }

  function side(answers, one, text) {
    const { texts } = one;
    return element(
      "section",
      { class: "side" },
      element("h3", {}, modelLink(one.model)),
      verdicts(one),
      element("p", { class: "faint facts-line" }, [`${repeatName(one.repeat)}`, texts.finish ? `finish: ${texts.finish}` : "", Numbers.plural(texts.tokens ?? 0, "token")].filter(Boolean).join(" · "), texts.seed ? [" · seed ", element("code", {}, texts.seed)] : null),
      failures(one),
      texts.error ? element("p", { class: "bad" }, texts.error) : null,
      texts.ungraded ? element("p", { class: "bad" }, texts.ungraded) : null,
      text,
      element("p", { class: "side-tools" }, texts.response ? Downloads.copyButton("Copy the answer", texts.response) : null),
      prompt(answers, one),
      texts.judgements.length ? element("details", {}, element("summary", {}, "What the judge wrote"), texts.judgements.map((text) => Text.block(text))) : null,
      texts.judgeErrors.map((text) => element("p", { class: "bad" }, text)),
    );
  }

  /** What the model read, with its template around it; loaded when it is opened. */
  function prompt(answers, one) {
    const holder = element("div", {}, element("p", { class: "faint" }, "Loading …"));
    const fill = async () => {
      const text = await answers.prompt(one);
      holder.replaceChildren(...(text ? [Text.block(text), Downloads.copyButton("Copy the prompt", text)] : [element("p", { class: "faint" }, "It was not kept: these answers are older than that.")]));
    };
    const open = (event) => { if (event.target.open) fill().catch((error) => holder.replaceChildren(error.message)); };
    return element("details", { class: "prompt-shown", on: { toggle: open } }, element("summary", {}, "The prompt as the model read it"), holder);
  }

  function modelLink(model) {
    const link = ModelsTable.openRow({ models: [model] });
    const name = Holdings.modelName(model);
    return link ? element("a", { href: link }, name) : name;
  }

  /** Both graders: what each read, and what it made of it. */
  function verdicts(one) {
    if (one.share !== null) return element("dl", { class: "graders" }, grader("judge", one.right, one.texts.extracted, `${Numbers.fixed(one.share, 2)} of 1`));
    return element("dl", { class: "graders" }, grader("robust", one.right, one.texts.extracted, one.texts.ungraded ? "not graded" : undefined), grader("published rules", one.published, one.texts.released));
  }

  function grader(name, right, read, said = right ? "right" : "wrong") {
    return element("div", { class: right ? "right" : "wrong" }, element("dt", {}, name), element("dd", {}, element("span", { class: "verdict-word" }, right ? "✓ " : "✗ ", said), read ? element("span", { class: "read" }, read) : element("span", { class: "faint" }, "read nothing")));
  }

  function failures(one) {
    const names = { unread: "no readable answer", truncated: "cut off", empty: "empty", error: "lost to an error", ungraded: "could not be graded" };
    const found = Object.entries(names).filter(([name]) => one.flags & Answers.FLAGS[name]);
    return found.length ? element("p", {}, found.map(([, said]) => element("span", { class: "tag bad" }, said))) : null;
  }

  return { make, repeatName };
})();
