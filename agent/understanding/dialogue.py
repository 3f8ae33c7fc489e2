"""What earlier words leave behind: whom 'it' means, and what 'and in the chorus?' goes on with."""

from collections.abc import Mapping, Sequence

from mixingbuddy.agent.requests import Dialogue, Intent, Request
from mixingbuddy.agent.understanding.amounts import read_amount
from mixingbuddy.agent.understanding.clauses import Clause
from mixingbuddy.agent.understanding.targets import on_side
from mixingbuddy.agent.understanding.tokens import has
from mixingbuddy.tools.roles import Role

# Requests that a stem may be missing from, because it was named before.
ABOUT_STEMS: frozenset[Intent] = frozenset([
    "turn", "too_loud", "too_quiet", "how_loud", "lock", "unlock", "cannot", "limit", "taste", "inspect", "listen",
    "complaint",
])  # fmt: skip
LEVELS: frozenset[Intent] = frozenset({"too_loud", "too_quiet"})
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


def with_focus(
    request: Request, clause: Clause, earlier: Sequence[Request], dialogue: Dialogue, roles: Mapping[str, Role]
) -> Request:
    """The request with the stems that its 'it' means, from this message or from the ones before."""
    focused = _with_focus(request, clause, earlier, dialogue)
    if focused.intent == "turn" and not (focused.stems or focused.missing or focused.spared or dialogue.focus):
        focused = _of_the_moves(focused, clause)
    side = next((token.value for token in clause.tokens if token.kind == "side"), "")
    if side and focused.stems and not request.stems:
        focused = _on_the_side(focused, side, roles)
    of_the_mix = focused.intent == "how_loud" or (focused.intent in LEVELS and focused.question)
    if of_the_mix and not (focused.stems or focused.missing or focused.section):
        return focused.model_copy(update={"intent": "overview"})
    return focused


def _of_the_moves(request: Request, clause: Clause) -> Request:
    """Where no stem was spoken of, 'ease off' and 'up a bit more' are about the moves on the table."""
    verb = has(clause.tokens, "raise|back") and not has(clause.tokens, "way|move")
    about = request.direction != 0 and request.fader_db is None and (verb or has(clause.tokens, "more|less"))
    return request.model_copy(update={"intent": "scale"}) if about else request


def _on_the_side(request: Request, side: str, roles: Mapping[str, Role]) -> Request:
    """'The right one' is the one of the same kind whose name says right."""
    kinds = {roles[stem] for stem in request.stems}
    stems = tuple(stem for stem, role in roles.items() if role in kinds and on_side(stem, side))
    return request.model_copy(update={"stems": stems, "called": f"{side} one"}) if stems else request


def _with_focus(request: Request, clause: Clause, earlier: Sequence[Request], dialogue: Dialogue) -> Request:
    if request.intent == "reject" and has(clause.tokens, "reject=leave") and any(r.stems for r in earlier):
        request = request.model_copy(update={"intent": "lock"})
    if request.intent == "scale" and has(clause.tokens, "it=it") and earlier and earlier[-1].intent in LEVELS:
        request = request.model_copy(update={"intent": "turn"})
    if request.intent not in ABOUT_STEMS or request.stems or request.missing or request.spared:
        return request
    if has(clause.tokens, "mix|all"):
        return request
    said = has(clause.tokens, "it|lock=it|reject=leave|side")
    here = next((r for r in reversed(earlier) if r.stems or r.missing), None)
    if request.intent == "complaint" and clause.tokens[0].is_a("be") and clause.joined:
        said = True  # "..., sounds harsh too"
    if here is not None and (said or request.intent in WITHOUT_A_WORD):
        return request.model_copy(update={"stems": here.stems, "called": here.called, "missing": here.missing})
    if request.intent in ALSO_OF_THE_MIX and not has(clause.tokens, "it=them"):
        return request
    if dialogue.focus and (said or request.intent in WITHOUT_A_WORD):
        return request.model_copy(update={"stems": dialogue.focus, "called": dialogue.called})
    return request


def continued(clause: Clause, request: Request, last: Request | None) -> Request | None:
    """'And in the chorus?', 'what about the bass?', '2 dB': the last request, more precise or of something else."""
    if last is None or last.intent not in CAN_BE_CONTINUED:
        return None
    if has(clause.tokens, "be") and has(clause.tokens, "praise|thanks") and not clause.question:
        # "But the snare is great"
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
    # "And the bass?" asks about the whole song again.
    update["section"] = section or ("" if request.stems and "there" not in clause.said.split() else last.section)
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
