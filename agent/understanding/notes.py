"""A client's revision notes: a whole message that passes on what somebody else asked for."""

from collections.abc import Sequence

from mixingbuddy.agent.requests import Request
from mixingbuddy.agent.understanding.clauses import Clause
from mixingbuddy.agent.understanding.reading import LONGEST_SAID, versions_in
from mixingbuddy.agent.understanding.tokens import Token, first, has


def notes_in(clauses: Sequence[Clause]) -> Request | None:
    """The one request of a message that begins with a client's notes; None for any other message."""
    opening = [clause for clause in clauses if not has(clause.tokens, "greeting|praise|assent")][:1]
    if not any(_passes_on(clause.tokens) for clause in opening):
        return None
    tokens = [token for clause in clauses for token in clause.tokens]
    slots = versions_in(tokens, "notes")
    said = " ".join(clause.said for clause in clauses)[:LONGEST_SAID]
    return Request.model_validate({"intent": "notes", "said": said} | slots)


def _passes_on(tokens: Sequence[Token]) -> bool:
    """'The client wants ...', 'revision notes: ...', 'the drummer says ...'."""
    at = first(tokens, "client|says")
    if at is None or has(tokens, "forget"):
        return False
    if tokens[at].is_a("client=notes"):
        return True
    if at == 0 and tokens[at].is_a("says=says") and len(tokens) > 1:
        # "Notes: vocals up"
        return True
    says = first(tokens[at:], "says|want")
    by_client = tokens[at].is_a("client=client") and says is not None
    before = tokens[at - 1 : at] if at else ()
    return by_client or (tokens[at].is_a("says=said") and has(before, "stems|all"))
