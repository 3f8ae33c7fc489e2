"""The reply guard: no number, no stem, no direction and no success reaches the user that was not measured."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from langchain_core.messages import BaseMessage

from mixingbuddy.agent.guarding.figures import BARE
from mixingbuddy.agent.guarding.ledger import turn_of
from mixingbuddy.agent.guarding.reply_claims import applied, heard, success, versions
from mixingbuddy.agent.guarding.reply_clauses import Clause, Quote, read_clauses
from mixingbuddy.agent.guarding.reply_directions import comparisons, moves, states
from mixingbuddy.agent.guarding.reply_evidence import Evidence
from mixingbuddy.agent.guarding.reply_figures import figures
from mixingbuddy.agent.guarding.reply_leaks import leaks_in
from mixingbuddy.agent.guarding.reply_wishes import wishes
from mixingbuddy.agent.requests import MOST_WORDS
from mixingbuddy.agent.results import TermExplained, TurnContext, read_results
from mixingbuddy.agent.understanding.intents import is_request
from mixingbuddy.tools.errors import printable
from mixingbuddy.tools.moves import GainMove
from mixingbuddy.tools.roles import Role

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
LONGEST_WORD = 20  # characters, on average and at most


def objections(
    reply: str,
    messages: Sequence[BaseMessage],
    roles: Mapping[str, Role],
    sayings: Iterable[str] = (),
    *,
    context: TurnContext | None = None,
    max_words: int = MOST_WORDS,
) -> tuple[str, ...]:
    """What in `reply` (a whole reply or one sentence) is not borne out by this turn; empty where all of it is.

    `roles` are the song's stems. `sayings` are quoted words that are allowed besides stem names; so is what the user
    may say back. `context` is what the model was told of the conversation: locks, faders, versions, what waits.
    Every objection is one sentence that says what is true instead. Never raises for any text.
    """
    if not reply.strip():
        return ("the reply is empty",)
    found = []
    if len(reply.split()) > max_words or len(reply) > LONGEST_WORD * max_words:
        found.append(f"the reply has {len(reply.split())} words, {max_words} at most")
        reply = reply[: LONGEST_WORD * max_words]
    evidence, sayings = Evidence.of_turn(messages, roles, context), tuple(sayings)
    clauses, mentions, quotes = read_clauses(_own_part(reply, messages), roles)
    found += leaks_in(mentions, evidence, sayings)
    found += _quotes(quotes, evidence, sayings)
    for clause in clauses:
        found += [*_stems(clause, evidence, sayings), *figures(clause, evidence)]
        found += [line for check in _CHECKS for line in check(clause, evidence)]
    return tuple(dict.fromkeys(found))


def _own_part(reply: str, messages: Sequence[BaseMessage]) -> str:
    """The reply without what stands word for word in the glossary's answer of this turn: no claim about this song."""
    results, _ = read_results(turn_of(messages))
    terms = [result for result in results if isinstance(result, TermExplained)]
    for term in terms:
        for text in (term.what_it_is, term.how_it_sounds, term.what_to_try, term.typical_values):
            for sentence in _SENTENCE_END.split(text):
                reply = reply.replace(sentence, " ")
    return reply


def tells(reply: str, roles: Mapping[str, Role], moves: Iterable[GainMove]) -> bool:
    """Whether a reply names every move, its stem with its size: only what was told can be agreed to."""
    clauses, _, _ = read_clauses(reply, roles)
    return all(any(_names(clause, move) for clause in clauses) for move in moves)


def _names(clause: Clause, move: GainMove) -> bool:
    sizes = [f for f in clause.figures if f.unit in {BARE, "dB"} and sum(f.slack) <= 1.0]
    return move.stem in clause.stems and any(size.rounds(move.gain_db) for size in sizes)


def _quotes(quotes: Iterable[Quote], evidence: Evidence, sayings: Sequence[str]) -> list[str]:
    """What stands in quotes and is neither a name of this song, nor said in this turn, nor a request."""
    known = {saying.casefold() for saying in sayings}
    unknown = []
    for quote in quotes:
        said = quote.text.casefold()
        asked = not quote.named and is_request(quote.text)
        if said and said not in known and said not in evidence.shown.casefold() and not asked:
            unknown.append(f"'{printable(quote.text, 60)}' is no stem of this song, which has: {_stem_list(evidence)}")
    return unknown


def _stems(clause: Clause, evidence: Evidence, sayings: Sequence[str]) -> list[str]:
    """Instruments that the song does not have."""
    known = f"{evidence.asked} {' '.join(sayings)}".casefold()
    found = []
    for mention in clause.mentions if "§" in clause.text else ():
        word = mention.words.casefold()
        if mention.stems or word in known or clause.denied or clause.carried or clause.mood.general:
            continue
        if word in evidence.shown.casefold() and (evidence.explains or not clause.figures):
            continue
        meant = clause.figures or clause.says("directions", "up", "down") or clause.says("state", "loud", "quiet")
        loose = evidence.explains or mention.owners or word.startswith("bass")
        if meant or not loose:
            found.append(f"the song has no '{mention.words}'; its stems are: {_stem_list(evidence)}")
    return found


def _stem_list(evidence: Evidence) -> str:
    names = [f"'{printable(name, 40)}'" for name in evidence.roles]
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")


# Each gives the claims of a clause that the turn does not bear out, as sentences that say what is true.
_CHECKS: tuple[Callable[[Clause, Evidence], Iterable[str]], ...] = (
    moves,
    states,
    comparisons,
    success,
    applied,
    versions,
    heard,
    wishes,
)
