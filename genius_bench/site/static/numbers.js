/* Numbers as readers expect them. */
"use strict";

const Numbers = (() => {
  const DASH = "–";
  const MINUS = "−";
  const missing = (value) => value === null || value === undefined || !Number.isFinite(value);

  /* Halves away from zero, as on the terminal (`rounded` in reporting/numbers.py), also where floating point lost one. */
  function rounded(value, digits) {
    const scale = 10 ** digits;
    return Math.sign(value) * Math.floor(Math.abs(value) * scale + 0.5 + 1e-7) / scale;
  }

  function fixed(value, digits = 1) {
    return missing(value) ? DASH : rounded(value, digits).toFixed(digits).replace(/^-(?=0(\.0*)?$)/, "").replace("-", MINUS);
  }

  function signed(value, digits = 1) {
    if (missing(value)) return DASH;
    const text = fixed(value, digits);
    return value > 0 && rounded(value, digits) > 0 ? `+${text}` : text;
  }

  function count(value) {
    return missing(value) ? DASH : Math.round(value).toLocaleString("en-GB");
  }

  function short(value) {
    if (missing(value)) return DASH;
    for (const [unit, size] of [["G", 1e9], ["M", 1e6], ["k", 1e3]]) {
      if (Math.abs(value) >= size) return `${trimmed(value / size)}${unit}`;
    }
    return trimmed(value);
  }

  function trimmed(value) {
    return String(Number(value.toPrecision(3)));
  }

  function power(value) {
    if (missing(value)) return DASH;
    if (value === 0) return "0";
    const exponent = Math.floor(Math.log10(Math.abs(value)));
    const raised = Array.from(String(exponent), (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit] || "⁻").join("");
    const mantissa = (value / 10 ** exponent).toFixed(1).replace(/\.0$/, "");
    return mantissa === "1" ? `10${raised}` : `${mantissa} × 10${raised}`;
  }

  function duration(seconds) {
    if (missing(seconds)) return DASH;
    if (seconds < 60) return `${fixed(seconds, seconds < 10 ? 1 : 0)} s`;
    const minutes = Math.floor(seconds / 60);
    if (minutes < 60) return `${minutes} min ${String(Math.round(seconds % 60)).padStart(2, "0")} s`;
    return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
  }

  function probability(value) {
    if (missing(value)) return DASH;
    return value < 0.001 ? "p < 0.001" : `p = ${fixed(value, 3)}`;
  }

  function bytes(value) {
    return missing(value) ? DASH : `${trimmed(value / 2 ** (value >= 2 ** 30 ? 30 : 20))} ${value >= 2 ** 30 ? "GiB" : "MiB"}`;
  }

  function plural(number, one, many = `${one}s`) {
    return `${count(number)} ${number === 1 ? one : many}`;
  }

  /** Numbers within a sentence that was written for a terminal: with a sign for minus, intervals in one piece. */
  function sentence(text) {
    return text.replace(/(?<=[\s[])-(?=\d)/g, MINUS).replace(/, (?=[+−]\d)/g, ",\u00a0");
  }

  /** ± where the interval lies evenly around the value, else its two ends. */
  function interval(value, low, high, digits = 1) {
    const even = Math.abs(high - value - (value - low)) <= 0.15 * (high - low);
    return even ? `±${fixed((high - low) / 2, digits)}` : `[${fixed(low, digits)}, ${fixed(high, digits)}]`;
  }

  return { fixed, signed, sentence, count, short, power, duration, probability, bytes, plural, interval, DASH };
})();
