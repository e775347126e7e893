"""LaTeX: \\usepackage{booktabs,graphicx} is all that a paper needs to include it. A table wider than the text
is scaled down to it."""

from genius_bench.boards.sheet import Sheet, Words
from genius_bench.readable import readable_name

SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "±": r"$\pm$",
    "−": r"$-$",
    "–": "--",
    "≈": r"$\approx$",
    "↓": r"$\downarrow$",
    "†": r"$^\dagger$",
    "Δ": r"$\Delta$",
    "·": r"$\cdot$",
    "…": r"\dots{}",
}


def latex(sheet: Sheet) -> str:
    """A table environment. Characters beyond ASCII that have no command of their own become `?`."""
    columns = "".join("l" if place in sheet.left else "r" for place in range(len(sheet.headings)))
    lines = [
        r"\begin{table}[t]",
        r"\centering",
        r"\small",
        rf"\caption{{{escaped(sheet.title)}. {escaped(sheet.caption)}}}",
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{@{{}}{columns}@{{}}}}",
        r"\toprule",
    ]
    if sheet.headers:
        lines.append(" & ".join(_span(words, count) for words, count in sheet.headers) + r" \\")
    lines += [" & ".join(escaped(heading) for heading in sheet.headings) + r" \\"]
    for title, rows in sheet.groups:
        lines.append(r"\midrule")
        if title:
            lines.append(rf"\multicolumn{{{len(sheet.headings)}}}{{@{{}}l}}{{\emph{{{escaped(title)}}}}} \\")
        lines += [" & ".join(_words(words) for words in row) + r" \\" for row in rows]
    lines += [r"\bottomrule", r"\end{tabular}}"]
    lines += [
        rf"\par\smallskip\parbox{{\linewidth}}{{\footnotesize {escaped(note)}}}" for note in sheet.notes
    ]
    return "\n".join([*lines, r"\end{table}"]) + "\n"


def _span(words: str, count: int) -> str:
    return rf"\multicolumn{{{count}}}{{c}}{{{escaped(words)}}}" if words else ""


def _words(words: Words) -> str:
    text = escaped(words.text)
    if words.bold:
        text = rf"\textbf{{{text}}}"
    return rf"\underline{{{text}}}" if words.underlined else text


def escaped(text: str) -> str:
    """Nothing in it is a command any more."""
    return "".join(
        SPECIAL.get(character, character if character.isascii() else "?")
        for character in readable_name(text.replace("\n", " "))
    )
