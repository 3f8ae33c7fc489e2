"""Read one clause: the rule that fits gives the intent, the words give the slots."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from mixingbuddy.agent.requests import Dialogue, Intent, Request
from mixingbuddy.agent.understanding.amounts import read_amount
from mixingbuddy.agent.understanding.clauses import Clause
from mixingbuddy.agent.understanding.grammar import Rule, find_rule
from mixingbuddy.agent.understanding.names import Names
from mixingbuddy.agent.understanding.targets import Targets, find_targets, names_next
from mixingbuddy.agent.understanding.tokens import Token, first, has
from mixingbuddy.tools.roles import Role

SIZED: frozenset[Intent] = frozenset({"turn", "scale", "too_loud", "too_quiet"})
MOVING: frozenset[Intent] = frozenset({"turn", "scale"})
# "Everything" means every stem in these; in "everything sounds dull" it is the mix.
OF_ALL_STEMS: frozenset[Intent] = frozenset({"turn", "lock", "unlock"})
VERSIONED: frozenset[Intent] = frozenset(
    {"go", "changed", "listen", "blind_test", "name_version", "undo", "redo", "compare", "inspect", "how_loud"}
)
PLACED: frozenset[Intent] = frozenset(
    {"turn", "too_loud", "too_quiet", "complaint", "how_loud", "inspect", "cannot", "overview", "listen", "unknown"}
)
COMPARING: frozenset[Intent] = frozenset({"how_loud", "inspect", "blind_test"})  # "louder than the snare" asks of both
BEFORE_SECTION = "in|what_about|quality|how_loud|be|it|listen|join|aspect|than"
LONGEST_SAID = 400  # characters


def read_clause(
    clause: Clause, plain: str, roles: Mapping[str, Role], mentioned: Sequence[str], dialogue: Dialogue
) -> Request:
    """The request of a clause; `unknown` where no rule fits. `plain` is the text that tokens have their places in."""
    rule = find_rule(clause, dialogue.last.intent if dialogue.last else None)
    intent: Intent = "unknown" if rule is None else rule.intent
    if rule is not None and rule.refused and _refused(clause, rule):
        intent = rule.refused
    targets = _targets(clause, rule, roles, mentioned)
    if targets.everything and intent not in OF_ALL_STEMS:
        targets = Targets()
    slots: dict[str, Any] = {} if rule is None or intent != rule.intent else _slots(rule, clause, plain)
    if intent in SIZED:
        slots |= _size(clause, intent, slots)
    slots |= _section(clause) if intent in PLACED else {}
    slots |= versions_in(clause.tokens, intent) if intent in VERSIONED else {}
    slots |= _standing(clause, intent)
    missing = targets.missing if intent != "complaint" else ()
    told: dict[str, Any] = {
        "intent": intent,
        "stems": targets.stems,
        "called": targets.called,
        "spared": targets.spared,
        "missing": missing or _unknown_nouns(clause, intent, targets),
        "meant": "" if targets.stems or intent not in SIZED | {"unknown", "lock"} else _meant(clause, roles),
        "question": clause.question,
        "said": clause.said[:LONGEST_SAID],
    }
    return Request.model_validate(told | slots)


def _refused(clause: Clause, rule: Rule) -> bool:
    """Whether a denial stands in the clause that the rule does not ask for; "not the drums" denies no wish."""
    denials = [at for at, token in enumerate(clause.tokens) if token.is_a("not")]
    opening = next((token for token in clause.tokens if not token.is_a("small")), None)
    # "Can't we have more bass?" asks for it.
    suggests = clause.question and opening is not None and opening.is_a("not=can_not|not=should_not|should")
    if suggests or (clause.question and rule.intent in {"too_loud", "too_quiet"}):
        return False
    plain = any(not names_next(clause.tokens[at + 1 :]) for at in denials) or _denies_all_names(clause.tokens)
    return plain and "not" not in rule.asked_for


def _denies_all_names(tokens: Sequence[Token]) -> bool:
    """'Not the bass up': the only stem there is is denied."""
    named = [at for at, token in enumerate(tokens) if token.is_a("named")]
    return len(named) == 1 and any(t.is_a("not=not") and names_next(tokens[at + 1 :]) for at, t in enumerate(tokens))


def _targets(clause: Clause, rule: Rule | None, roles: Mapping[str, Role], mentioned: Sequence[str]) -> Targets:
    tokens: Sequence[Token] = clause.tokens
    if rule is None:
        return find_targets(tokens, roles, mentioned)
    if rule.stems == "none":
        return Targets()
    if " " in rule.stems:
        side, spec = rule.stems.split(" ", 1)
        at = first(tokens, spec)
        if at is not None:
            tokens = tokens[:at] if side == "before" else tokens[at + 1 :]
    if rule.intent in COMPARING:
        tokens = [token for token in tokens if not token.is_a("than|landmark|compare")]
    found = find_targets(tokens, roles, mentioned)
    if rule.stems == "voice" and not found.stems:
        return find_targets([Token("stems", "role", (), 0, 0, Names(roles).nickname("vocals"))], roles)
    return found


def _slots(rule: Rule, clause: Clause, plain: str) -> dict[str, Any]:
    slots: dict[str, Any] = dict(rule.set)
    for slot, kind in rule.fill.items():
        at = first(clause.tokens, kind)
        if at is not None:
            slots[slot] = clause.tokens[at].value
    for slot in rule.text:
        part = rule.words_for(slot, clause.tokens)
        quote = next((token for token in part if token.kind == "quote"), None)
        slots[slot] = quote.words[0] if quote is not None else plain[part[0].start : part[-1].end]
    return slots


def _size(clause: Clause, intent: Intent, slots: Mapping[str, Any]) -> dict[str, Any]:
    left = [token for token in clause.tokens if not token.is_a("named|version|section")]
    amount = read_amount(left)
    if intent not in MOVING:
        return {} if amount.absolute or amount.trouble else {"amount_db": amount.size_db}
    told = _direction(left)
    direction = slots.get("direction") or told or (0 if amount.absolute else amount.sign)
    if intent == "scale":
        return {
            "direction": _scaling(amount.factor) or slots.get("direction") or told,
            "amount_db": None if amount.absolute or amount.factor is not None else amount.size_db,
            "factor": amount.factor,
            "trouble": "" if amount.factor is not None else amount.trouble,
        }
    if amount.absolute and amount.size_db is not None:
        return {"direction": direction, "fader_db": amount.size_db * (amount.sign or 1)}
    clashing = told > 0 > amount.sign or told < 0 < amount.sign
    trouble = "contradiction" if clashing else amount.trouble
    return {"direction": direction, "amount_db": amount.size_db, "trouble": trouble}


def _scaling(factor: float | None) -> Literal[-1, 0, 1]:
    return 0 if factor is None or factor == 1 else -1 if factor < 1 else 1


def _direction(tokens: Sequence[Token]) -> Literal[-1, 0, 1]:
    """Which way: 'down' goes before the verb in 'push it down'; 'more' and 'less' count where nothing else does."""
    # "Bring it back" may be either way.
    back = has(tokens, "back") and not has(tokens, "move=return|way")
    for kind in ("way", "raise"):
        told = [token.value for token in tokens if token.kind == kind]
        if told:
            return -1 if "down" in told or back else 1
    if back or has(tokens, "off"):
        return -1
    for down, up in (("less", "more"), ("quiet|landmark=down", "loud|landmark=up")):
        if has(tokens, down) or has(tokens, up):
            return -1 if has(tokens, down) else 1
    return 0


def _section(clause: Clause) -> dict[str, str]:
    """'In the second verse', 'at 1:20', 'the chorus feels flat'."""
    at = first(clause.tokens, "section")
    if at is None or has(clause.tokens, "effect=edit|effect=arrangement|aspect=sections"):
        return {}
    before = next((t for t in reversed(clause.tokens[:at]) if not t.is_a("small")), None)
    led = before is None or before.words[-1] in {"in", "at", "of", "during"}
    section = clause.tokens[at]
    if before is not None and not led and section.value != "time" and not before.is_a(BEFORE_SECTION):
        return {}
    return {"section": " ".join(word for word in section.words if word not in {"the", "at", "in"})}


def versions_in(tokens: Sequence[Token], intent: Intent) -> dict[str, Any]:
    """The versions that are named: of two, the later named is the one that is asked about."""
    named = [
        at for at, token in enumerate(tokens) if token.kind in {"version", "current"} or _numbers(tokens, at, intent)
    ]
    if not named:
        return {}
    values = [None if tokens[at].kind == "current" else _version(tokens[at]) for at in named]
    if len(values) > 1:
        # The current version needs no number, on whichever side of the comparison it stands.
        backwards = values[0] is None or _held_against(tokens[named[0] + 1 : named[1]])
        other, version = (values[1], values[0]) if backwards else (values[0], values[1])
        return {"version": version, "other_version": other}
    earlier = any(set(token.words) & {"since", "against", "than"} for token in tokens[: named[0]])
    if intent in {"changed", "compare", "notes"} or (earlier and intent != "go"):
        return {"other_version": values[0]}
    return {"version": values[0]}


def _held_against(between: Sequence[Token]) -> bool:
    """'What's in v4 that isn't in v1': the later named is what the other is held against."""
    return (
        has(between, "not")
        or any("than" in token.words for token in between)
        or any("from" in token.words and token.kind == "compare" for token in between)
    )


def _numbers(tokens: Sequence[Token], at: int, intent: Intent) -> bool:
    """'Blind test 2 and 4': a bare number is a version where nothing else is counted."""
    token, behind = tokens[at], tokens[at + 1 : at + 2]
    whole = (
        token.is_a("number|numeral")
        and token.value != "1.0"
        and re.fullmatch(r"\d{1,3}(\.0)?", token.value) is not None
    )
    return whole and intent in {"go", "blind_test", "changed", "listen"} and not has(behind, "unit|section|percent")


def _version(token: Token) -> int | str:
    number = token.value.removesuffix(".0")
    return int(number) if number.isdecimal() else token.value


def _standing(clause: Clause, intent: Intent) -> dict[str, Any]:
    """What a standing wish says: how far at most, and whether in all songs."""
    if intent not in {"limit", "taste", "lock", "reference"}:
        return {}
    slots: dict[str, Any] = {"everywhere": True} if has(clause.tokens, "everywhere") else {}
    if intent == "limit":
        slots["limit_db"] = read_amount([token for token in clause.tokens if not token.is_a("named")]).size_db
    return slots


def _unknown_nouns(clause: Clause, intent: Intent, targets: Targets) -> tuple[str, ...]:
    """A word that nobody knows, where a stem should be: 'less blorp'."""
    if (
        targets.stems
        or targets.spared
        or intent not in {"turn", "too_loud", "too_quiet"}
        or has(clause.tokens, "it|named")
    ):
        return ()
    words = [token for at, token in enumerate(clause.tokens) if token.kind == "word" and _stem_place(clause.tokens, at)]
    return tuple(token.value for token in words if re.fullmatch(r"[^\W\d_]{3,}", token.value))[:1]


def _stem_place(tokens: Sequence[Token], at: int) -> bool:
    """Whether a stem could stand here: behind "the", "more" or a verb, or in front of what is said of it."""
    before, behind = tokens[max(at - 1, 0) : at], tokens[at + 1 : at + 2]
    led = has(before, "the|a|owner|more|less|hear|direction|enough|too_little|too_much|move|size")
    return led or (not before and has(behind, "way|be|too|number|sign|size"))


def _meant(clause: Clause, roles: Mapping[str, Role]) -> str:
    names = Names(roles)
    return next((near for t in clause.tokens if t.kind == "word" and (near := names.near(t.value))), "")
