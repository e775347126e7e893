"""GitHub's Markdown: a table, its title above, its notes below."""

import re

from genius_bench.boards.sheet import Sheet, Words
from genius_bench.readable import readable_name


def markdown(sheet: Sheet) -> str:
    lines = [f"**{_escaped(f'{sheet.name}: {sheet.title}')}.** {_escaped(sheet.caption)}", ""]
    lines.append("| " + " | ".join(_escaped(heading) for heading in sheet.headings) + " |")
    rules = [":---" if place in sheet.left else "---:" for place in range(len(sheet.headings))]
    lines.append("| " + " | ".join(rules) + " |")
    for title, rows in sheet.groups:
        if title:
            lines.append(f"| *{_escaped(title)}* |" + " |" * (len(sheet.headings) - 1))
        lines += ["| " + " | ".join(_words(words) for words in row) + " |" for row in rows]
    if sheet.notes:
        lines += ["", *(f"- {_escaped(note)}" for note in sheet.notes)]
    return "\n".join(lines) + "\n"


def _words(words: Words) -> str:
    text = _escaped(words.text)
    if words.bold:
        text = f"**{text}**"
    return f"<u>{text}</u>" if words.underlined else text


def _escaped(text: str) -> str:
    """Nothing in it is syntax any more."""
    return re.sub(r"([\\`*_{}\[\]<>#|&~])", r"\\\1", readable_name(text.replace("\n", " ")))
