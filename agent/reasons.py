"""Why something was turned down: the user's words behind a refusal."""

from collections.abc import Sequence

from mixingbuddy.agent.clauses import Clause
from mixingbuddy.agent.requests import Intent, Request
from mixingbuddy.agent.tokens import has

# What follows a refusal is its reason, unless it asks for something itself.
REASONS: frozenset[Intent] = frozenset(
    {"unknown", "complaint", "taste", "cannot", "smalltalk", "notes", "too_loud", "too_quiet", "reference", "inspect"}
    | {"thanks"}
)


def with_reason(read: Sequence[tuple[Clause, Request]], plain: str) -> list[tuple[Clause, Request]]:
    """'No, I like it dark': what follows a refusal and asks for nothing is its reason."""
    at = next((index for index, (_, request) in enumerate(read) if request.intent == "reject"), None)
    rest = [] if at is None else read[at + 1 :]
    rest = [(c, r) for c, r in rest if r.intent != "reject" or has(c.tokens, "reject=like")]
    if at is None or not rest or any(_asks_for_something(clause, request) for clause, request in rest):
        return list(read)
    clause, refusal = read[at]
    reason = plain[rest[0][0].tokens[0].start : rest[-1][0].tokens[-1].end]
    return [*read[:at], (clause, refusal.model_copy(update={"reason": reason}))]


def _asks_for_something(clause: Clause, request: Request) -> bool:
    if clause.question:
        return True
    if request.intent == "reject":
        return False
    if request.intent in {"cannot", "reference"}:
        # "It's a lo-fi track" tells, "add reverb" asks.
        return not has(clause.tokens, "be|taste|not")
    return request.intent not in REASONS and not has(clause.tokens, "regret")
