/* All graded answers: what each is worth in a character, its text when it is needed, and the search among them. */
"use strict";

class Answers {
  static ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  static FLAGS = { correct: 1, published: 2, unread: 4, truncated: 8, empty: 16, error: 32, ungraded: 64 };
  static #VALUES = Object.fromEntries(Array.from(Answers.ALPHABET, (letter, value) => [letter.charCodeAt(0), value]));
  static SEPARATOR = "\u0001";

  /** What an answer must be to be shown: of its flags, and of the other model's answer to the same question. */
  static SHOWN = {
    all: () => true,
    right: (flags) => flags & 1,
    wrong: (flags) => !(flags & 1),
    disagree: (flags) => (flags & 1) !== (flags & 2) >> 1,
    unread: (flags) => flags & 4,
    truncated: (flags) => flags & 8,
    empty: (flags) => flags & 16,
    error: (flags) => flags & 32,
    ungraded: (flags) => flags & 64,
    failed: (flags) => flags & 124,
    gained: (flags, other) => other >= 0 && flags & 1 && !(other & 1),
    lost: (flags, other) => other >= 0 && !(flags & 1) && other & 1,
    changed: (flags, other) => other >= 0 && (flags & 1) !== (other & 1),
  };
  static COMPARING = new Set(["gained", "lost", "changed"]);

  static #opened = new Map();

  /** The answers of one group of settings, opened once. `progress(done, all)` as verdicts arrive. */
  static open(group, progress) {
    if (!Answers.#opened.has(group)) Answers.#opened.set(group, Answers.#read(group, progress));
    return Answers.#opened.get(group);
  }

  static async #read(group, progress) {
    const directory = (await Data.load("answers")).filter((pack) => pack.group === group);
    const answers = new Answers();
    const packs = [];
    let done = 0;
    await Data.loadAll(directory.map((pack) => `${pack.file}-verdicts`), (verdicts, index) => {
      packs[index] = verdicts;
      done += 1;
      progress(done, directory.length);
    });
    directory.forEach((entry, index) => answers.#addPack(entry, packs[index]));
    answers.#finish();
    return answers;
  }

  constructor() {
    this.sets = [];
    this.packs = [];
    this.questions = [];
    this.count = 0;
    this.#known = new Map();
    this.#layouts = new Map();
  }

  #known;
  #layouts;
  #matches = { words: "", questions: null, sets: new Map() };

  #addPack(entry, verdicts) {
    const pack = { file: entry.file, texts: null, arriving: null, sets: [] };
    this.packs.push(pack);
    const questions = verdicts.questions.map((question) => this.#question(entry.task, question));
    const layouts = verdicts.layouts.map((layout) => this.#layout(layout, questions));
    verdicts.sets.forEach((one, index) => {
      const flags = Uint8Array.from(one.flags, (letter) => Answers.#VALUES[letter.charCodeAt(0)]);
      for (const place of one.ungraded) flags[place] |= Answers.FLAGS.ungraded;
      const set = { task: entry.task, model: entry.models[index], pack, index, flags, layout: layouts[one.layout], shares: one.shares || null };
      pack.sets.push(set);
      this.sets.push(set);
    });
  }

  /** Sets in the order of tasks and models; answers are numbered through. */
  #finish() {
    const tasks = [...new Set(this.sets.map((set) => set.task))];
    const models = new Map(Holdings.site.models.map((one, place) => [one.id, place]));
    this.sets.sort((a, b) => tasks.indexOf(a.task) - tasks.indexOf(b.task) || (models.get(a.model) ?? 0) - (models.get(b.model) ?? 0));
    this.byName = new Map();
    for (const set of this.sets) {
      set.offset = this.count;
      this.count += set.flags.length;
      this.byName.set(`${set.task} ${set.model}`, set);
    }
    this.tasks = tasks;
    this.models = [...new Set(this.sets.map((set) => set.model))];
  }

  #question(task, [item, question, gold]) {
    const name = JSON.stringify([task, item, question, gold]);
    if (!this.#known.has(name)) {
      this.#known.set(name, this.questions.length);
      this.questions.push({ task, item, question, gold, lower: null });
    }
    return this.#known.get(name);
  }

  /** Equal layouts become one, so that the same place is the same question in all sets that have it. */
  #layout(layout, questions) {
    const question = layout.question.map((local) => questions[local]);
    const name = `${question.join(",")};${layout.repeat.join("")}`;
    if (!this.#layouts.has(name)) this.#layouts.set(name, { question: Uint32Array.from(question), repeat: layout.repeat, places: null });
    return this.#layouts.get(name);
  }

  /** Where a set answers a question for the n-th time; −1 when it does not. */
  placeOf(set, question, repeat) {
    const { layout } = set;
    if (!layout.places) {
      layout.places = new Map();
      layout.question.forEach((one, place) => layout.places.set(`${one} ${layout.repeat[place]}`, place));
    }
    return layout.places.get(`${question} ${repeat}`) ?? -1;
  }

  /** Number of an answer → its set and its place in it. */
  at(number) {
    let low = 0;
    let high = this.sets.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.sets[middle].offset <= number) low = middle;
      else high = middle - 1;
    }
    return { set: this.sets[low], place: number - this.sets[low].offset };
  }

  numberOf(task, model, item, repeat) {
    const set = this.byName.get(`${task} ${model}`);
    if (!set) return -1;
    const place = set.layout.question.findIndex((question, at) => wellFormed(this.questions[question].item) === item && set.layout.repeat[at] === repeat);
    return place < 0 ? -1 : set.offset + place;
  }

  /**
   * The numbers of the answers that fit, and how many sets could not be searched yet.
   * criteria: { tasks, models (Sets or null), against, repeats: "all"|"greedy"|"samples", show, words }
   */
  find({ tasks, models, against, repeats, show, words }) {
    const fits = Answers.SHOWN[show];
    const found = new Uint32Array(this.count);
    let number = 0;
    let unsearched = 0;
    for (const set of this.sets) {
      if ((tasks && !tasks.has(set.task)) || (models && !models.has(set.model))) continue;
      const other = against && against !== set.model ? this.byName.get(`${set.task} ${against}`) : null;
      if (Answers.COMPARING.has(show) && !other) continue;
      const matching = words ? this.#matchesOf(set, words) : null;
      if (words && !set.pack.texts) unsearched += 1;
      number = this.#collect(set, other, repeats, fits, matching, found, number);
    }
    return { found: found.subarray(0, number), unsearched };
  }

  #collect(set, other, repeats, fits, matching, found, number) {
    const { flags, layout, offset } = set;
    const alike = other && other.layout === layout;
    for (let place = 0; place < flags.length; place += 1) {
      const repeat = layout.repeat[place];
      if (repeats !== "all" && (repeat === 0) !== (repeats === "greedy")) continue;
      if (matching && !matching[place]) continue;
      const there = !other ? -1 : alike ? place : this.placeOf(other, layout.question[place], repeat);
      if (fits(flags[place], there < 0 ? -1 : other.flags[there])) {
        found[number] = offset + place;
        number += 1;
      }
    }
    return number;
  }

  /** Which answers of a set hold `words` in their question, gold, text or reading of it. */
  #matchesOf(set, words) {
    if (this.#matches.words !== words) this.#matches = { words, questions: this.#questionsWith(words), sets: new Map() };
    const { questions, sets } = this.#matches;
    const name = set.pack.texts ? set : set.layout;
    if (!sets.has(name)) {
      const matching = Uint8Array.from(set.layout.question, (question) => questions[question]);
      if (set.pack.texts) markTexts(this.#haystack(set), words, matching);
      sets.set(name, matching);
    }
    return sets.get(name);

    function markTexts({ text, ends }, sought, matching) {
      let place = 0;
      for (let at = text.indexOf(sought); at >= 0; at = text.indexOf(sought, ends[place])) {
        while (ends[place] <= at) place += 1;
        matching[place] = 1;
      }
    }
  }

  #questionsWith(words) {
    return Uint8Array.from(this.questions, (one) => {
      one.lower ??= `${one.item}\n${one.question}\n${one.gold}`.toLowerCase();
      return one.lower.includes(words) ? 1 : 0;
    });
  }

  /** All texts of a set as one lower-case string, and where each one ends. */
  #haystack(set) {
    if (!set.haystack) {
      const texts = set.pack.texts.sets[set.index];
      const parts = texts.response.map((text, place) => `${text}\n${texts.extracted[place]}${Answers.SEPARATOR}`.toLowerCase());
      const ends = new Uint32Array(parts.length);
      let end = 0;
      parts.forEach((part, place) => { end += part.length; ends[place] = end; });
      set.haystack = { text: parts.join(""), ends };
    }
    return set.haystack;
  }

  /** Loads the texts of a pack. */
  texts(pack) {
    pack.arriving ??= Data.load(`${pack.file}-texts`).then((texts) => { pack.texts = texts; return texts; });
    return pack.arriving;
  }

  /** The prompt of an answer as the model read it; "" where it was not kept. */
  async prompt({ set, questionNumber }) {
    const prompts = await Data.load(`${set.pack.file}-prompts`);
    const places = prompts.asked[prompts.sets[set.index]];
    const { item } = this.questions[questionNumber];
    return Object.hasOwn(places, item) ? prompts.texts[places[item]] : "";
  }

  /** Loads the texts of every pack, a few at a time, and makes them ready to be searched. */
  async allTexts(progress) {
    const waiting = this.packs.filter((pack) => !pack.texts);
    let done = 0;
    if (!waiting.length) progress(0, 0);
    await Data.loadAll(waiting.map((pack) => `${pack.file}-texts`), (texts, index) => {
      waiting[index].texts = texts;
      for (const set of waiting[index].sets) this.#haystack(set);
      done += 1;
      progress(done, waiting.length);
    });
  }

  /** Everything about one answer; its texts are null until they have arrived. */
  read(number) {
    const { set, place } = this.at(number);
    return this.readAt(set, place);
  }

  readAt(set, place) {
    const flags = set.flags[place];
    const repeat = set.layout.repeat[place];
    const question = this.questions[set.layout.question[place]];
    const texts = set.pack.texts?.sets[set.index];
    return {
      set, place, number: set.offset + place, flags, repeat, ...question, questionNumber: set.layout.question[place], model: set.model,
      right: Boolean(flags & 1), published: Boolean(flags & 2), share: set.shares?.[place] ?? null, texts: texts ? this.#textsAt(set, texts, place) : null,
    };
  }

  #textsAt(set, texts, place) {
    return {
      response: texts.response[place], extracted: texts.extracted[place], released: texts.released[place] ?? texts.extracted[place],
      finish: texts.finish[place], tokens: texts.tokens[place], error: texts.errors[place] || "", ungraded: texts.ungraded[place] || "", seed: set.pack.texts.seeds[texts.seeds]?.[place] || "",
      judgements: texts.judgements?.[place] || [], judgeErrors: texts.judge_errors?.[place] || [],
    };
  }
}
