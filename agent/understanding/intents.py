"""Read a message: its tokens, its clauses, and the request in each.

Words are data (`prompts/vocabulary.toml`), and so is what they make up (`prompts/grammar.toml`). Consent is read most
strictly: only a clause that says nothing else may apply anything.
"""

from collections.abc import Mapping, Sequence

from mixingbuddy.agent.requests import Dialogue, Request
from mixingbuddy.agent.understanding.clauses import Clause, cut
from mixingbuddy.agent.understanding.consent import settled
from mixingbuddy.agent.understanding.dialogue import PASSING, continued, next_dialogue, with_focus
from mixingbuddy.agent.understanding.lexer import LONGEST_TEXT, lex, plain_text
from mixingbuddy.agent.understanding.notes import notes_in
from mixingbuddy.agent.understanding.reading import read_clause
from mixingbuddy.agent.understanding.reasons import with_reason
from mixingbuddy.agent.understanding.sharing import shared
from mixingbuddy.agent.understanding.targets import find_targets
from mixingbuddy.agent.understanding.tokens import Token, has
from mixingbuddy.tools.roles import Role

__all__ = ["Dialogue", "Request", "as_words", "find_stems", "is_request", "next_dialogue", "read_requests"]


def read_requests(
    text: str, roles: Mapping[str, Role], dialogue: Dialogue | None = None, versions: Sequence[str] = ()
) -> tuple[Request, ...]:
    """Every request in `text`, for a song whose stems have these roles. At least one; `unknown` where nothing fits.

    `dialogue` is what earlier messages left behind; `versions` are the names that versions of the mix were given.
    """
    plain = plain_text(text)
    tokens = lex(plain, roles, versions)
    clauses = cut(tokens)
    notes = notes_in(clauses)
    if notes is not None:
        return (notes,)
    before = dialogue or Dialogue()
    mentioned = [stem for c in clauses if not has(c.tokens, "rest") for stem in find_targets(c.tokens, roles).stems]
    read: list[tuple[Clause, Request]] = []
    for clause in clauses:
        request = read_clause(clause, plain, roles, mentioned, before)
        here = [earlier for _, earlier in read]
        if request.intent == "unknown" or has(clause.tokens, "what_about"):
            request = continued(clause, request, _last(here, before)) or request
        read.append((clause, with_focus(request, clause, here, before, roles)))
    doubtful = len(text) > LONGEST_TEXT or _hedges(tokens, clauses)
    requests = settled(shared(with_reason(read, plain)), read, doubtful)
    known = tuple(request for request in requests if request.intent != "unknown" or request.meant)
    return known or tuple(requests[:1]) or (Request(intent="unknown"),)


def _hedges(tokens: Sequence[Token], clauses: Sequence[Clause]) -> bool:
    """Whether a "but" cuts the message, or a part of it only says when or why."""
    kept = {id(token) for clause in clauses for token in clause.tokens}
    return any(clause.aside for clause in clauses) or any(t.kind == "but" and id(t) not in kept for t in tokens)


def _last(here: Sequence[Request], dialogue: Dialogue) -> Request | None:
    """The latest request that can be followed up."""
    return next((request for request in reversed(here) if request.intent not in PASSING), dialogue.last)


def is_request(text: str) -> bool:
    """Whether a text reads as something that a user may ask for, as 'a bit less' and 'vocals up' do."""
    return any(request.intent not in {"unknown", "smalltalk"} for request in read_requests(text, {}))


def find_stems(text: str, roles: Mapping[str, Role]) -> tuple[str, ...]:
    """The stems that a text names, by their own name, their role or their group."""
    return find_targets(lex(plain_text(text), roles), roles).stems


def as_words(items: Sequence[str]) -> str:
    """'a', 'a and b', 'a, b and c'."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""
