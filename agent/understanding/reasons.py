"""Why something was turned down: the user's words behind a refusal."""

from collections.abc import Sequence

from mixingbuddy.agent.requests import Intent, Request
from mixingbuddy.agent.understanding.clauses import Clause
from mixingbuddy.agent.understanding.tokens import has

# What follows a refusal is its reason, unless it asks for something itself.
REASONS: frozenset[Intent] = frozenset([
    "unknown", "complaint", "taste", "cannot", "smalltalk", "notes", "too_loud", "too_quiet", "reference",
    "inspect", "thanks",
])  # fmt: skip

# What is asked for in the place of something else: "no, undo it" refuses by asking.
BARE_NO = {"no", "nah", "nope", "naw"}
INSTEAD: frozenset[Intent] = frozenset({"scale", "undo", "redo", "go", "help_level"})


def with_reason(read: Sequence[tuple[Clause, Request]], plain: str) -> list[tuple[Clause, Request]]:
    """'No, I like it dark': what follows a refusal and asks for nothing is its reason."""
    at = next((index for index, (_, request) in enumerate(read) if request.intent == "reject"), None)
    rest = [] if at is None else read[at + 1 :]
    rest = [(c, r) for c, r in rest if r.intent != "reject" or has(c.tokens, "reject=like")]
    if at is None or not rest:
        return list(read)
    instead = all(request.intent in INSTEAD and not has(clause.tokens, "regret") for clause, request in rest)
    if _says_only_no(read[at][0]) and instead:
        return [*read[:at], *rest]
    if any(_asks_for_something(clause, request) for clause, request in rest):
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


def _says_only_no(clause: Clause) -> bool:
    return all(token.is_a("small") or token.words[0] in BARE_NO for token in clause.tokens)
