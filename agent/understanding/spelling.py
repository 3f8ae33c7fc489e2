"""One slip of the fingers: the known word that an unknown one is meant to be ('waht', 'mudy', 'masknig')."""

from collections.abc import Iterator, Mapping

SHORTEST_SWAP, SHORTEST_DOUBLE, SHORTEST_SLIP, SHORTEST_WRONG = 3, 4, 6, 8  # letters


def mended(word: str, known: Mapping[str, int]) -> str:
    """The known word that is one slip away from `word`, the commonest of them; the word itself where there is none.

    `known` counts the phrases that each word stands in.
    """
    if word in known or not word.isalpha() or not word.isascii():
        return word
    for slips in (_swapped(word), _doubled(word), _slipped(word)):
        found = [slip for slip in slips if slip in known]
        if found:
            return max(found, key=lambda slip: (known[slip], slip))
    return word


def _swapped(word: str) -> Iterator[str]:
    """Two neighbouring letters changed places."""
    if len(word) >= SHORTEST_SWAP:
        for at in range(len(word) - 1):
            yield word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def _doubled(word: str) -> Iterator[str]:
    """A letter that is there once instead of twice, or the other way round."""
    if len(word) >= SHORTEST_DOUBLE:
        for at, letter in enumerate(word):
            yield word[:at] + letter + word[at:]
            if at and word[at - 1] == letter:
                yield word[:at] + word[at + 1 :]


def _slipped(word: str) -> Iterator[str]:
    """A letter too many, too few or a wrong one, behind the first."""
    if len(word) >= SHORTEST_SLIP:
        for at in range(1, len(word) + 1):
            for letter in "abcdefghijklmnopqrstuvwxyz":
                yield word[:at] + letter + word[at:]
                if at < len(word) >= SHORTEST_WRONG:
                    yield word[:at] + letter + word[at + 1 :]
            if at < len(word):
                yield word[:at] + word[at + 1 :]
