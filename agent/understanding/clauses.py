"""Cut a message into clauses: at its marks and joining words, and where each side says something of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from mixingbuddy.agent.understanding.tokens import Token, has
from mixingbuddy.prompts import load_table

HARD = {";", "!", "?", "\n", "."}


@dataclass(frozen=True)
class Clause:
    """Tokens that are read together.

    `joined`: nothing but a comma or a joining word stands before it. `aside`: it says when or why, as in
    "the kick vanishes when the bass comes in". `but`: a "but" stands before it.
    """

    tokens: tuple[Token, ...]
    question: bool = False
    joined: bool = False
    aside: bool = False
    but: bool = False

    @property
    def said(self) -> str:
        return " ".join(word for token in self.tokens for word in token.words)


def cut(tokens: Sequence[Token]) -> tuple[Clause, ...]:
    """The clauses of a message, in order."""
    return _with_tags(_merged(_pieces(tokens)))


def _pieces(tokens: Sequence[Token]) -> list[Clause]:
    """The message cut at every mark and joining word."""
    pieces: list[Clause] = []
    current: list[Token] = []
    opening = Clause(())
    for index, token in enumerate(tokens):
        ends = _ends_at(token, current, tokens[index + 1 : index + 2])
        if ends == "lead":
            current = []
        if ends in {"", "lead"}:
            if token.kind != "mark":
                current.append(token)
            continue
        if current:
            pieces.append(replace(opening, tokens=tuple(current), question=token.value == "?"))
        elif token.value == "?" and pieces:
            pieces[-1] = replace(pieces[-1], question=True)
        joined = (not current and opening.joined and ends != "hard") or ends != "hard"
        opening = Clause(
            (), joined=joined, aside=ends == "aside", but=token.kind == "but" or (opening.but and not current)
        )
        current = [token] if ends == "list" else []
    if current:
        pieces.append(replace(opening, tokens=tuple(current)))
    return [replace(piece, question=piece.question or _asks(piece.tokens)) for piece in pieces]


def _ends_at(token: Token, before: Sequence[Token], behind: Sequence[Token]) -> str:
    """How a piece ends at a token: 'hard', 'soft', 'aside', 'list' where the token begins the next; '' for not at all.

    'lead': what stands before the token only leads in to it, as the assent in "ok so everything down 1".
    """
    if token.kind == "mark":
        return "hard" if token.value in HARD else "soft" if token.value == "," else ""
    if token.kind == "but":
        # "Everything but the bass" is one thing.
        return "" if before and before[-1].is_a("all|rest|not=nothing") else "soft"
    if token.kind == "join":
        return "soft"
    if token.kind == "when" and before and not has(behind, "version"):
        return "aside"
    if _led_in(token, before):
        return "lead"
    if token.kind == "thanks" and has(before, "named|it|direction"):
        return "list"
    if token.is_a("more|less") and has(before, "more|less") and has(before, "stems"):
        return "list"
    # "Kick +2 snare +1"
    sized = bool(before) and before[-1].is_a("number|unit") and has(before, "stems")
    return "list" if token.kind == "stems" and sized and not has(before, "than|limit") else ""


def _led_in(token: Token, before: Sequence[Token]) -> bool:
    """Whether only an assent or a greeting stands before a word of weight."""
    lead = has(before, "assent|greeting") and all(earlier.is_a("assent|greeting|small") for earlier in before)
    return lead and not token.is_a("small|alone|it|mix|word|in")


def _asks(tokens: Sequence[Token]) -> bool:
    opening = next((token for token in tokens if not token.is_a("small|in|assent|praise|greeting|mark")), None)
    words = load_table("grammar")["clauses"]["ask_words"]
    return (
        opening is not None
        and not opening.is_a("idiom")
        and (opening.is_a(_kinds("asks")) or opening.words[0] in words)
    )


@lru_cache(maxsize=8)
def _kinds(name: str) -> str:
    return "|".join(load_table("grammar")["clauses"][name])


def _merged(pieces: Sequence[Clause]) -> list[Clause]:
    """Pieces that say nothing of their own go to the piece before them, or wait for the one behind them."""
    merged: list[Clause] = []
    waiting: Clause | None = None
    for index, piece in enumerate(pieces):
        behind = pieces[index + 1] if index + 1 < len(pieces) else None
        if waiting is not None:
            piece, waiting = _joined(waiting, piece), None
        leads_on = behind is not None and behind.joined and not behind.aside
        leads_on = leads_on and behind is not None and not _stands_alone(behind.tokens)
        # "The lead is fine but the drums are loud": the lead is not loud.
        said = behind is not None and behind.but and has(piece.tokens, "be")
        if (
            said
            or (_opens(piece.tokens) and not (leads_on and _asks_of_stems(piece.tokens)))
            or piece.aside
            or (merged and _stands_alone(merged[-1].tokens) and not leads_on)
        ):
            merged.append(piece)
        elif merged and piece.joined and (not leads_on or _ends_open(merged[-1])):
            at = _main(merged) if piece.tokens[0].is_a("rather_said") else -1
            merged[at] = _joined(merged[at], piece)
        elif leads_on:
            waiting = piece
        else:
            merged.append(piece)
    return merged


def _main(clauses: Sequence[Clause]) -> int:
    """The place of the last clause that does not only say when or why."""
    return next((at for at in range(len(clauses) - 1, -1, -1) if not clauses[at].aside), -1)


def _joined(first: Clause, second: Clause) -> Clause:
    comma = Token("comma", ",", (), second.tokens[0].start, second.tokens[0].start)
    return replace(first, tokens=(*first.tokens, comma, *second.tokens), question=second.question or first.question)


def _opens(tokens: Sequence[Token]) -> bool:
    """Whether a piece says something of its own."""
    opening = next((token for token in tokens if not token.is_a("small")), None)
    if has(tokens, _kinds("opens")) or (opening is not None and opening.is_a(_kinds("opening"))):
        return True
    if all(token.is_a("not=no|small") for token in tokens):
        return has(tokens, "not=no")
    counted = has(tokens, "number|amount|sign") or (len(tokens) > 1 and tokens[-1].kind == "numeral")
    return has(tokens, "named|side") and counted


def _asks_of_stems(tokens: Sequence[Token]) -> bool:
    """'Where do the bass', to go on with 'and the kick overlap'."""
    return has(tokens, "stems") and all(token.is_a("ask|be=is|named|side|small") for token in tokens)


def _stands_alone(tokens: Sequence[Token]) -> bool:
    """'No', 'thanks', 'hey there': nothing else belongs to it."""
    return all(token.is_a("alone|small") for token in tokens) and has(tokens, "alone")


def _ends_open(clause: Clause) -> bool:
    """Whether the clause ends with a stem, so that more stems may follow."""
    last = next((token for token in reversed(clause.tokens) if not token.is_a("small|number|numeral")), None)
    return last is not None and last.is_a("stems|missing|version")


def _with_tags(clauses: Sequence[Clause]) -> tuple[Clause, ...]:
    """A tag such as 'no?' makes a question of what stands before it."""
    kept: list[Clause] = []
    for clause in clauses:
        if kept and clause.question and all(token.is_a(_kinds("tags")) for token in clause.tokens):
            kept[-1] = replace(kept[-1], question=True)
        else:
            kept.append(clause)
    return tuple(kept)
