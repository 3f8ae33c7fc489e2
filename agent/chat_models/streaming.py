"""A draft becomes sentences as its tokens come, and only what was checked gets out."""

import re
from collections.abc import Callable, Sequence

# A full stop ends a sentence unless the next word is written small; 'approx. 3 dB' and '1. Vocals' are none.
_STOPS, _CLOSING = ".!?…", "\"'”’)]"
_END = re.compile(rf"[{_STOPS}]+[{re.escape(_CLOSING)}]*(?=\s+[^\sa-z])|\n")
_NO_END = re.compile(r"(?<![\w.])(?:\d+|e\.g|i\.e|vs|approx|ca|max|min|no|resp|etc|incl)\.$", re.IGNORECASE)
_LONGEST_NO_END = 12


class SentenceGate:
    """Lets the sentences of one draft out in order, up to the first that the check objects to, and none after it."""

    def __init__(self, check: Callable[[str], Sequence[str]], tell: Callable[[str], None]) -> None:
        """`check` gets the draft up to and with the sentence in question, because 'it' is explained before it."""
        self._check = check
        self._tell = tell
        self._rest = ""
        self._read = 0  # no sentence ends before this index of the rest
        self._space = ""  # the blanks and line breaks before the next sentence belong to it
        self._told: list[str] = []
        self._at = 0
        self._closed = False

    def add(self, text: str) -> None:
        """The next piece of the draft, of any length."""
        self._rest += text
        while not self._closed and (end := sentence_end(self._rest, self._read)) is not None:
            sentence, self._rest, self._read = self._rest[:end], self._rest[end:], 0
            self._let_out(sentence)
        # Only a stop at the very end of what came is still undecided.
        self._read = len(self._rest.rstrip().rstrip(_CLOSING).rstrip(_STOPS))

    def end(self) -> None:
        """The draft is complete: what is left is its last sentence."""
        self._let_out(self._rest)
        self._rest, self._read = "", 0

    def close(self) -> None:
        """Nothing more of this draft gets out."""
        self._closed = True

    def restart(self) -> None:
        """The draft broke off and begins anew: what was told already is not told again, nor anything that differs."""
        self._rest, self._read, self._space, self._at = "", 0, "", 0

    def _let_out(self, piece: str) -> None:
        body = piece.rstrip()
        sentence = self._space + body
        self._space = piece[len(body) :] if body else self._space + piece
        if self._closed or not body:
            return
        if self._at < len(self._told):
            self._closed = self._told[self._at] != sentence
        elif self._check("".join(self._told) + sentence):
            self._closed = True
        else:
            self._told.append(sentence)
            self._tell(sentence)
        self._at += 1


def sentence_end(text: str, start: int = 0) -> int | None:
    """Where the first sentence that ends behind `start` ends (the index behind it); None while it may still go on."""
    for match in _END.finditer(text, start):
        if match[0] == "\n" or not _NO_END.search(text[max(0, match.end() - _LONGEST_NO_END) : match.end()]):
            return match.end()
    return None
