"""A reply cut into clauses, each with the stems it speaks of and the figures in it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from mixingbuddy.agent.guarding.figures import Figure, bare_figures_in, figures_in
from mixingbuddy.agent.guarding.reply_mentions import MARKED, Mention, Mentions
from mixingbuddy.prompts import load_table
from mixingbuddy.tools.roles import Role

QUOTED = re.compile(r"(?<!\w)['\"‘“]([^'\"‘’“”\n]{1,80})['\"’”](?!\w)")
REACH = 60  # characters before a quotation in which a word may say what it is
_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+")
_CLAUSE = re.compile(
    r",\s+|;\s*|:\s+|\s[–—-]+\s|—|[()]"
    r"|(?<!\d)\s+and\s+|\s+and\s+(?![-+−]?\d)"
    r"|\s+(?:but|while|whilst|whereas|then|so that|so|because|though|although|plus)\s+"
)
_PRONOUN = re.compile(r"\b(?:it|its|them|they|their|that|this|those|these)\b")
_PLURAL = re.compile(r"\b(?:them|they|their|those|these|both)\b")
_EMPTY = re.compile(r"\b(?:the|both|your|stems?|tracks?|faders?|and|a|an|also|first|next|finally|move)\b|[\W_]+")


@dataclass(frozen=True)
class Mood:
    """What holds for a whole sentence."""

    question: bool
    conditional: bool
    general: bool  # it speaks of no song in particular


@dataclass(frozen=True)
class Clause:
    """One clause of a reply, with a § for every mention. `text` is lower case; figures count places in `marked`."""

    text: str
    marked: str
    mentions: tuple[Mention, ...]
    figures: tuple[Figure, ...]
    mood: Mood
    listed: bool = False  # whether the clause says the same of several stems: "vocals and guitar up 2 dB"
    carried: bool = False  # whether the stems were named in an earlier sentence: "it"

    @property
    def owners(self) -> frozenset[str]:
        return frozenset(owner for mention in self.mentions for owner in mention.owners)

    @property
    def stems(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(stem for mention in self.mentions for stem in mention.stems))

    def says(self, *path: str) -> str:
        """The first phrase of a list of `prompts/claims.toml` that the clause holds, else ''."""
        found = phrases(*path).search(self.text)
        return found[0] if found else ""

    @property
    def question(self) -> bool:
        return self.mood.question

    @property
    def conditional(self) -> bool:
        return self.mood.conditional

    @property
    def denied(self) -> bool:
        return bool(self.says("moods", "negations")) or "n't" in self.text


@lru_cache(maxsize=64)
def phrases(*path: str) -> re.Pattern[str]:
    """Matches the phrases of the lists `path[1:]` in the table `path[0]`, the longest first, as whole words."""
    table: Mapping[str, Sequence[str]] = load_table("claims")[path[0]]
    words = sorted((word for name in path[1:] for word in table[name]), key=len, reverse=True)
    return re.compile(rf"(?<![\w'])(?:{'|'.join(re.escape(word) for word in words)})(?![\w])")


@dataclass(frozen=True)
class Quote:
    """Words in quotes that are no stem's name. `named` says whether the sentence uses them as one."""

    text: str
    named: bool


def read_clauses(reply: str, roles: Mapping[str, Role]) -> tuple[list[Clause], Mentions, tuple[Quote, ...]]:
    """The clauses of a reply, its mentions, and what else stands in quotes (requests, titles, invented names)."""
    mentions = Mentions(reply, roles)
    quotes = [quote for match in QUOTED.finditer(mentions.text) if (quote := _quote(match, mentions)) is not None]
    text = QUOTED.sub(lambda m: m[1] if MARKED.fullmatch(m[1].strip()) else " ", mentions.text)
    clauses: list[Clause] = []
    before: tuple[Mention, ...] = ()
    for sentence in _SENTENCE.split(text.replace("’", "'")):
        read = _of_sentence(sentence, mentions, before)
        clauses += read
        named = tuple(m for clause in read for m in clause.mentions if not clause.carried)
        before = named or before
    return clauses, mentions, tuple(quotes)


def _quote(match: re.Match[str], mentions: Mentions) -> Quote | None:
    """None for a stem's name, and where the user is told to say the words: say 'tell me'."""
    before = mentions.text[max(0, match.start() - REACH) : match.start()].casefold().rstrip()
    if MARKED.fullmatch(match[1].strip()) or phrases("mentions", "said").search(before):
        return None
    words = before.split()[-2:]
    verb = next((word for word in reversed(words) if word not in {"the", "your"}), "")
    return Quote(mentions.plain(match[1]).strip(), phrases("mentions", "object").fullmatch(verb) is not None)


def _of_sentence(sentence: str, mentions: Mentions, before: tuple[Mention, ...]) -> list[Clause]:
    lower = sentence.casefold()
    mood = Mood(
        question=lower.rstrip().endswith("?"),
        conditional=phrases("moods", "conditions").search(lower) is not None,
        general=phrases("moods", "general").search(lower) is not None,
    )
    # In "the faders are 0.5 dB off it" the word means no stem.
    carries = bool(before) and not phrases("moods", "whole").search(lower)
    pronoun = _PRONOUN if len(before) == 1 else _PLURAL
    clauses: list[Clause] = []
    waiting: list[Mention] = []
    last: tuple[Mention, ...] = ()
    carried = False
    for piece in (piece for piece in _CLAUSE.split(sentence) if piece.strip(" .,;:!?")):
        own = mentions.within(piece)
        if own and not _EMPTY.sub("", MARKED.sub("", piece.casefold())):
            waiting += own
            continue
        named = (*waiting, *own)
        listed = len(waiting) > 0 and len(named) > 1
        waiting = []
        if named:
            # "The gap between vocals and bass: -9.3 against -4.9 LU" is about both.
            last, carried = (named if carried else (*last, *named)), False
        elif not last and carries and pronoun.search(piece.casefold()):
            last, carried = before, True
        clauses.append(_clause(piece, named or last, mood, listed, carried))
    if waiting:
        clauses.append(_clause(" ".join("§" for _ in waiting), tuple(waiting), mood))
    return clauses


def _clause(piece: str, named: Iterable[Mention], mood: Mood, listed: bool = False, carried: bool = False) -> Clause:
    bare = MARKED.sub("§", piece)
    return Clause(
        text=" ".join(bare.casefold().split()),
        marked=bare,
        mentions=tuple(named),
        figures=(*figures_in(bare), *bare_figures_in(bare)),
        mood=mood,
        listed=listed,
        carried=carried,
    )
