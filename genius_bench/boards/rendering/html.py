"""A table element to paste into a page: no script, no style of its own but weight and underline."""

from html import escape

from genius_bench.boards.sheet import Sheet, Words
from genius_bench.readable import readable_name


def html(sheet: Sheet) -> str:
    lines = [
        "<table>",
        f"<caption><strong>{_escaped(f'{sheet.name}: {sheet.title}')}.</strong> {_escaped(sheet.caption)}</caption>",
    ]
    lines.append("<thead>")
    if sheet.headers:
        spans = (f'<th colspan="{count}">{_escaped(words)}</th>' for words, count in sheet.headers)
        lines.append(f"<tr>{''.join(spans)}</tr>")
    headings = (f'<th scope="col">{_escaped(heading)}</th>' for heading in sheet.headings)
    lines += [f"<tr>{''.join(headings)}</tr>", "</thead>"]
    for title, rows in sheet.groups:
        lines.append("<tbody>")
        if title:
            lines.append(
                f'<tr><th colspan="{len(sheet.headings)}" scope="rowgroup">{_escaped(title)}</th></tr>'
            )
        lines += [_row(row) for row in rows]
        lines.append("</tbody>")
    if sheet.notes:
        notes = "<br>".join(_escaped(note) for note in sheet.notes)
        lines.append(f'<tfoot><tr><td colspan="{len(sheet.headings)}">{notes}</td></tr></tfoot>')
    return "\n".join([*lines, "</table>"]) + "\n"


def _row(row: list[Words]) -> str:
    label, *cells = row
    return f'<tr><th scope="row">{_words(label)}</th>{"".join(f"<td>{_words(cell)}</td>" for cell in cells)}</tr>'


def _words(words: Words) -> str:
    text = f"<bdi>{_escaped(words.text)}</bdi>"
    if words.bold:
        text = f"<strong>{text}</strong>"
    return f"<u>{text}</u>" if words.underlined else text


def _escaped(text: str) -> str:
    return escape(readable_name(text), quote=True)
