"""What is no part of what a model says: what it only thought, and the tokens that end its turn."""

import re

NAME = r"(?:think(?:ing)?|thoughts?|reasoning|reflection|scratchpad|analysis)"
TAG = re.compile(
    rf"<(?P<end>/)?{NAME}(?:\s[^<>\n]{{0,80}})?>"
    rf"|\[(?P<end_in_brackets>/)?think\]"
    rf"|◁(?P<end_in_triangles>/)?think▷"
    rf"|<\|(?:begin|(?P<end_of>end))_of_thought\|>|<\|(?:start|(?P<end_of_thinking>end))_thinking\|>"
    rf"|<\|channel\|>(?:analysis|(?P<final>final))<\|message\|>",
    re.IGNORECASE,
)
"""How models mark the two ends of what they think: `<think>` and its kin, and the tokens of a few model families."""

TURN_END = r"(?:<[|\uff5c][^|\uff5c<>\n]{1,40}[|\uff5c]>|</s>|<eos>|<end_of_turn>)\s*$"
"""A token that ends a turn, where it was taken for text."""
LAST = re.compile(TURN_END, re.IGNORECASE)
MOST_ENDS = 8


def without_thoughts(text: str) -> str:
    """`text` without its thoughts and the tokens that end it: `<think>A?</think>B</s>` is B.

    A thought that never ends goes on to the end of the text. An end without a beginning (chat templates put the
    beginning into the prompt) leaves what follows it. Any end closes any beginning, because models mix them up.
    """
    said: list[str] = []
    thinking, position = False, 0
    for tag in TAG.finditer(text):
        if not any(tag.groups()):
            if not thinking:
                said.append(text[position : tag.start()])
            thinking = True
        elif thinking:
            thinking = False
        else:
            said.clear()
        position = tag.end()
    return _without_ends("".join(said) if thinking else "".join([*said, text[position:]]))


def _without_ends(text: str) -> str:
    for _ in range(MOST_ENDS):
        if (end := LAST.search(text)) is None:
            break
        text = text[: end.start()]
    return text
