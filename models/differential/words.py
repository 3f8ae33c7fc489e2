"""The words that the model writes: every word of the explanation templates, and slots that figures and names fill.

A slot is one token, filled after writing with the figure or name it stands for; so a text cannot say another figure
than the structured answer does. Which words point up or down is known for every token.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cache, cached_property

from mixingbuddy.models.data.label_templates import SLOTS, all_templates, direction_words

PAD, BEGIN, END = "<pad>", "<begin>", "<end>"
SPECIAL = (PAD, BEGIN, END)
PIECES = r"\{[a-z]+\}|[A-Za-z0-9]+(?:['-][A-Za-z0-9]+)*|[^\sA-Za-z0-9]"
_NO_SPACE_BEFORE, _NO_SPACE_AFTER = frozenset(".,:;)!?"), frozenset("(")


def pieces(text: str) -> list[str]:
    """A template as tokens."""
    return re.findall(PIECES, text)


def joined(tokens: Iterable[str]) -> str:
    """Tokens as a template: spaces between words, none before punctuation or inside brackets."""
    text = ""
    for token in tokens:
        glued = not text or token in _NO_SPACE_BEFORE or text[-1] in _NO_SPACE_AFTER
        text += token if glued else f" {token}"
    return text


@cache
def template_vocabulary() -> tuple[str, ...]:
    """Every token of the templates, in the order that a new model numbers them."""
    words = {piece for _, _, template in all_templates() for piece in pieces(template)}
    slots = {f"{{{slot}}}" for slot in SLOTS}
    return (*SPECIAL, *sorted(slots), *sorted(words - slots))


class Words:
    """The vocabulary of one model. The templates may have moved on since it was trained; its numbers stay."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self.vocabulary = tuple(vocabulary)
        self.numbers = {token: number for number, token in enumerate(self.vocabulary)}

    @cached_property
    def slots(self) -> dict[int, str]:
        """Number and name of every slot."""
        return {number: token[1:-1] for number, token in enumerate(self.vocabulary) if token.startswith("{")}

    @cached_property
    def pointing(self) -> dict[str, tuple[int, ...]]:
        """Numbers of the tokens that point "up" and "down"."""
        return {
            side: tuple(number for number, token in enumerate(self.vocabulary) if token.lower() in words)
            for side, words in direction_words().items()
        }

    def encode(self, template: str) -> list[int]:
        """A template as numbers, from the beginning to the end. Raises KeyError for a word that it does not have."""
        return [self.numbers[token] for token in (BEGIN, *pieces(template), END)]

    def decode(self, numbers: Iterable[int]) -> str:
        """Numbers as a template."""
        return joined(token for number in numbers if (token := self.vocabulary[number]) not in SPECIAL)
