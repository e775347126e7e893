"""What a model only thought, which is no part of what it says."""

import re

NAME = r"(?:think(?:ing)?|thoughts?|reasoning|reflection|scratchpad|analysis)"
TAG = re.compile(
    rf"<(?P<end>/)?{NAME}(?:\s[^<>\n]{{0,80}})?>"
    rf"|\[(?P<end_in_brackets>/)?think\]"
    rf"|◁(?P<end_in_triangles>/)?think▷"
    rf"|<\|(?:begin|(?P<end_of>end))_of_thought\|>"
    rf"|<\|channel\|>(?:analysis|(?P<final>final))<\|message\|>",
    re.IGNORECASE,
)
"""How models mark the two ends of what they think: `<think>` and its kin, and the tokens of a few model families."""


def without_thoughts(text: str) -> str:
    """`text` without its thoughts: `<think>A?</think>B` is B.

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
    return "".join(said) if thinking else "".join([*said, text[position:]])
