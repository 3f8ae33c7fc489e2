"""What earlier words leave behind: whom 'it' means, and what 'and in the chorus?' goes on with."""

from collections.abc import Sequence

from mixingbuddy.agent.amounts import read_amount
from mixingbuddy.agent.clauses import Clause
from mixingbuddy.agent.requests import Dialogue, Intent, Request
from mixingbuddy.agent.tokens import has

# Requests that a stem may be missing from, because it was named before.
ABOUT_STEMS: frozenset[Intent] = frozenset(
    {"turn", "too_loud", "too_quiet", "how_loud", "lock", "unlock", "cannot", "limit", "taste", "inspect", "listen"}
    | {"complaint"}
)
# These need no 'it': "louder", "too quiet still".
WITHOUT_A_WORD: frozenset[Intent] = frozenset({"turn", "too_loud", "too_quiet"})
# What 'it' can be without a stem: the whole mix.
ALSO_OF_THE_MIX: frozenset[Intent] = frozenset({"limit", "inspect", "listen", "cannot", "complaint"})
# Requests that leave no trace: after "thanks" one may still say "and the bass?".
PASSING: frozenset[Intent] = frozenset(
    {"greeting", "thanks", "smalltalk", "unknown", "apply", "wait", "reject", "help", "tell_me", "help_level"}
)
CAN_BE_CONTINUED: frozenset[Intent] = frozenset(
    {
        "how_loud",
        "inspect",
        "too_loud",
        "too_quiet",
        "complaint",
        "cannot",
        "overview",
        "listen",
        "why",
        "compare",
        "turn",
    }
)


def with_focus(request: Request, clause: Clause, earlier: Sequence[Request], dialogue: Dialogue) -> Request:
    """The request with the stems that its 'it' means, from this message or from the ones before."""
    if request.intent == "reject" and has(clause.tokens, "reject=leave") and any(r.stems for r in earlier):
        request = request.model_copy(update={"intent": "lock"})
    if request.intent not in ABOUT_STEMS or request.stems or request.missing or request.spared:
        return request
    if has(clause.tokens, "mix|all"):
        return request
    said = has(clause.tokens, "it|lock=it|reject=leave")
    here = next((r for r in reversed(earlier) if r.stems or r.missing), None)
    if here is not None and (said or request.intent in WITHOUT_A_WORD):
        return request.model_copy(update={"stems": here.stems, "called": here.called, "missing": here.missing})
    if request.intent in ALSO_OF_THE_MIX and not has(clause.tokens, "it=them"):
        return request
    if dialogue.focus and (said or request.intent in WITHOUT_A_WORD):
        return request.model_copy(update={"stems": dialogue.focus, "called": dialogue.called})
    return request


def continued(clause: Clause, request: Request, last: Request | None) -> Request | None:
    """'And in the chorus?', 'what about the bass?', '2 dB': the last request, said more precisely or of something else."""
    if last is None or last.intent not in CAN_BE_CONTINUED:
        return None
    amount = read_amount(clause.tokens)
    update: dict[str, object] = {"said": request.said, "question": clause.question or last.question}
    section = request.section or _letter(clause)
    if last.intent == "turn":
        if clause.question or (amount.size_db is None and not section and not (request.stems and not last.stems)):
            return None
        if amount.size_db is not None:
            update |= {"amount_db": amount.size_db, "trouble": ""}
    elif not request.stems and not section:
        return None
    if request.stems:
        update |= {"stems": request.stems, "called": request.called, "spared": request.spared, "missing": ()}
    update["section"] = section or last.section
    return last.model_copy(update=update)


def _letter(clause: Clause) -> str:
    """'B', as the answer to which section is meant."""
    words = clause.tokens[0].words if len(clause.tokens) == 1 and clause.tokens[0].is_a("word|a") else ()
    return words[0] if len(words) == 1 and len(words[0]) == 1 and words[0].isalpha() else ""


def next_dialogue(dialogue: Dialogue, requests: Sequence[Request]) -> Dialogue:
    """The dialogue after a message that asked for these requests."""
    for request in requests:
        if request.intent in PASSING:
            continue
        update: dict[str, object] = {"last": request}
        if request.stems:
            update |= {"focus": request.stems, "called": request.called}
        dialogue = dialogue.model_copy(update=update)
    return dialogue
