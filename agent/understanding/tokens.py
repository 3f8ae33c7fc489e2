"""A token: a phrase of the user's with its meaning, and how rules speak of kinds of tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from mixingbuddy.prompts import load_table

Phrase = tuple[str, ...]
Spec = str  # "kind", "kind=value", the name of a group of kinds, or several with "|" between


@dataclass(frozen=True)
class Token:
    """A phrase with a meaning. `start` and `end` are its place in the plain text; `stems` what it names."""

    kind: str
    value: str
    words: Phrase
    start: int
    end: int
    stems: tuple[str, ...] = ()

    def is_a(self, spec: Spec) -> bool:
        """Whether the token is of one of the kinds in `spec`: 'not', 'way=up', 'stems|missing'."""
        kinds = kinds_in(spec)
        return self.kind in kinds or f"{self.kind}={self.value}" in kinds


@lru_cache(maxsize=2048)
def kinds_in(spec: Spec) -> frozenset[str]:
    """The kinds of a spec, with those of every group of `grammar.toml` in the place of its name."""
    groups = load_table("grammar")["groups"]
    kinds: set[str] = set()
    for kind in spec.split("|"):
        kinds |= kinds_in("|".join(groups[kind])) if kind in groups else {kind}
    return frozenset(kinds)


def has(tokens: Sequence[Token], spec: Spec) -> bool:
    return any(token.is_a(spec) for token in tokens)


def first(tokens: Sequence[Token], spec: Spec) -> int | None:
    """The place of the first token of these kinds."""
    return next((index for index, token in enumerate(tokens) if token.is_a(spec)), None)


def in_order(tokens: Sequence[Token], specs: Sequence[Spec]) -> bool:
    """Whether tokens of these kinds follow each other, whatever is between them."""
    rest = iter(tokens)
    return all(any(token.is_a(spec) for token in rest) for spec in specs)


def side_by_side(tokens: Sequence[Token], specs: Sequence[Spec]) -> bool:
    """Whether tokens of these kinds follow each other with nothing but small words between them."""
    weighty = [token for token in tokens if not token.is_a("small") or any(token.is_a(spec) for spec in specs)]
    starts = range(len(weighty) - len(specs) + 1)
    return any(all(weighty[at + i].is_a(spec) for i, spec in enumerate(specs)) for at in starts)


def words_of(tokens: Sequence[Token]) -> Phrase:
    """The plain words of tokens, in their normal spelling."""
    return tuple(word for token in tokens for word in token.words)
