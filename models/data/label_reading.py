"""Moves read out of text: our own sentences by their templates, anybody else's by their words.

A sentence states at most one move: a stem, a direction and an amount. A sentence about several stems is read clause by
clause, each of which may take what it lacks from the clause before it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from mixingbuddy.models.data import label_words as words
from mixingbuddy.models.data.label_templates import all_templates, pattern_of, pattern_with

_SENTENCE_END = re.compile(r"(?<!\bapprox)(?<!\bca)(?<!\bvs)(?<!\be\.g)(?<!\bi\.e)[.!?]+(?=\s|$)|;")
_CLAUSE_END = re.compile(r",(?=\s)|\s(?:and|but|while|whereas|then|so|because|since)\s|\s-\s")


@dataclass
class _Reading:
    """What has been understood so far."""

    stems: Sequence[str]
    moves: dict[int, float] = field(default_factory=dict)
    claims: list[tuple[int, str]] = field(default_factory=list)
    nothing: bool = False
    cannot: bool = False
    last: int | None = None

    def add(self, place: int, gain_db: float) -> None:
        """Keep a move in dB; the same one may be said twice, another for the same stem may not."""
        if gain_db == 0.0:
            self.nothing = True
            return
        if self.moves.setdefault(place, gain_db) != gain_db:
            raise ValueError(
                f"two moves for '{self.stems[place]}': {self.moves[place]:+.1f} dB and {gain_db:+.1f} dB in one text"
            )


def read_moves(text: str, stems: Sequence[str]) -> tuple[tuple[str, float], ...]:
    """The moves in dB that `text` states, largest first; empty only where it says that nothing is to do.

    Raises ValueError with the reason where it states none, contradicts itself or leaves an amount or direction open.
    """
    reading = _Reading(stems)
    for line in text.split("\n"):
        if not _read_known(line.rstrip("\r"), reading):
            for sentence in _SENTENCE_END.split(words.marked(line, stems)):
                _read_sentence(sentence.strip(), reading)
    for place, side in reading.claims:
        if place not in reading.moves:
            raise ValueError(f"'{stems[place]}' should go {side}, but no amount in dB is said")
        if (reading.moves[place] > 0) != (side == "up"):
            raise ValueError(f"'{stems[place]}' is said to need a move up and a move down")
    if not reading.moves and reading.cannot:
        raise ValueError("the text says that it cannot judge")
    if not reading.moves and not reading.nothing:
        raise ValueError("the text states no move of a known stem, and not that nothing is to do")
    ranked = sorted(reading.moves.items(), key=lambda move: -abs(move[1]))
    return tuple((stems[place], gain_db) for place, gain_db in ranked)


def _read_known(line: str, reading: _Reading) -> bool:
    """Read a line that is one of our own sentences; whether it is. The longest stem name that fits is meant, and a
    list of names only where no single name fits."""
    best: tuple[tuple[str, ...], float] | None = None
    other_kinds = set()
    names = "|".join(re.escape(name) for name in sorted(reading.stems, key=len, reverse=True))
    for kind, _, template in all_templates():
        if not pattern_of(template).fullmatch(line):
            continue
        if kind not in ("too_loud", "too_quiet"):
            other_kinds.add(kind)
            continue
        match = pattern_with(template, f"(?:{names})(?:(?:, | and )(?:{names}))*").fullmatch(line) if names else None
        row = _row(match["stem"], reading.stems) if match else ()
        if match and row and (best is None or (-len(row), len(row[0])) > (-len(best[0]), len(best[0][0]))):
            best = row, float(match["gain"]) * (1 if kind == "too_quiet" else -1)
    if best:
        places = [reading.stems.index(name) for name in best[0]]
        reading.last = places[0] if len(places) == 1 else None
        for place in places:
            reading.add(place, best[1])
    elif other_kinds:
        reading.nothing |= "nothing" in other_kinds
        reading.cannot |= "cannot_say" in other_kinds
    return bool(best or other_kinds)


def _row(text: str, names: Sequence[str]) -> tuple[str, ...]:
    """The names of a list such as "A, B and C"; one name where the whole text is one; none where it is no list."""
    if text in names:
        return (text,)
    for name in sorted(names, key=len, reverse=True):
        for joint in (", ", " and "):
            if text.startswith(f"{name}{joint}") and (rest := _row(text[len(name) + len(joint) :], names)):
                return (name, *rest)
    return ()


def _read_sentence(sentence: str, reading: _Reading) -> None:
    places = words.places_in(sentence)
    amounts = words.amounts_in(sentence)
    if not amounts:
        _read_claim(sentence, places, reading)
    elif len(places) <= 1 and len(amounts) == 1 and words.direction_of(sentence) != "both":
        for clause in _CLAUSE_END.split(sentence) if places else ():
            if words.amounts_in(clause) and not words.places_in(clause) and not words.speaks_of_the_same(clause):
                raise ValueError(f"{abs(amounts[0]):g} dB are said of no known stem")
        _read_move(sentence, places[0] if places else reading.last, words.direction_of(sentence), reading)
    else:
        _read_clauses(_CLAUSE_END.split(sentence), reading)
    if places:
        reading.last = places[0] if len(places) == 1 else None


def _read_claim(text: str, places: list[int], reading: _Reading) -> None:
    """A text without an amount: that nothing is to do, that it cannot tell, or which way stems should go."""
    side = words.direction_of(text)
    if words.says_it_cannot(text):
        reading.cannot = True
    elif side in ("up", "down") and places and not words.is_negated(text):
        reading.claims += [(place, side) for place in places]
    elif words.says_nothing_to_do(text):
        reading.nothing = True


def _read_move(text: str, place: int | None, side: str | None, reading: _Reading) -> None:
    """A text with one amount in dB, about the stem at `place`, pointing to `side` unless the amount's sign tells."""
    (amount_db,) = words.amounts_in(text)
    signed = words.is_signed(text)
    if words.says_nothing_to_do(text) and side is None and not signed:
        reading.nothing = True
        return
    if place is None or not (words.places_in(text) or words.speaks_of_the_same(text)):
        raise ValueError(f"{abs(amount_db):g} dB are said of no known stem")
    name = reading.stems[place]
    if words.is_negated(text):
        raise ValueError(f"a move of '{name}' is only spoken of in the negative")
    if side is None and not signed:
        raise ValueError(f"'{name}' should move {abs(amount_db):g} dB, but not said is which way")
    if side == "both" or (signed and side == "up" and amount_db < 0) or (side == "down" and signed and amount_db > 0):
        raise ValueError(f"words or sign contradict each other on which way '{name}' should move")
    reading.add(place, amount_db if side is None else abs(amount_db) * (1 if side == "up" else -1))


def _read_clauses(clauses: Sequence[str], reading: _Reading) -> None:
    """Clauses of one sentence. Stems named in a row, as in "raise A and B by 3 dB", share what is said at its end."""
    place, side = reading.last, None
    row: list[tuple[int, str | None]] = []
    for clause in clauses:
        places, amounts, own_side = words.places_in(clause), words.amounts_in(clause), words.direction_of(clause)
        if len(places) > 1 or len(amounts) > 1:
            raise ValueError("several stems or amounts in one clause: which belongs to which is not clear")
        if places and places[0] != place:
            place = places[0]
            side = side if amounts or row else None
        if not amounts:
            if places and re.search(rf"{words.MARK}\W*$", clause):
                row.append((places[0], own_side))
                side = own_side or side
            else:
                _read_claim(clause, places, reading)
                side = own_side if own_side and not words.is_negated(clause) else side
            continue
        side = own_side or (None if words.is_signed(clause) else side)
        for earlier, earlier_side in row if places else ():
            if earlier_side and own_side:
                raise ValueError(f"no amount in dB is said for '{reading.stems[earlier]}'")
            _read_move(clause, earlier, side, reading)
        row = []
        _read_move(clause, place, side, reading)
    reading.claims += [(earlier, said) for earlier, said in row if said in ("up", "down")]
