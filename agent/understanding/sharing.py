"""What clauses of one message share: a direction, a size, a version, the same thing said twice."""

from collections.abc import Sequence
from typing import Any

from mixingbuddy.agent.requests import Intent, Request
from mixingbuddy.agent.understanding.clauses import Clause
from mixingbuddy.agent.understanding.reading import VERSIONED, versions_in
from mixingbuddy.agent.understanding.tokens import has

Read = tuple[Clause, Request]
OF_HELPING: frozenset[Intent] = frozenset({"reject", "critique", "tell_me", "why"})
LEVELS: frozenset[Intent] = frozenset({"too_loud", "too_quiet"})
# Said twice, these are meant once.
ONCE: frozenset[Intent] = frozenset([
    "apply", "reject", "wait", "critique", "thanks", "greeting", "help", "smalltalk", "help_level", "tell_me",
    "goodbye", "undo", "redo", "overview", "blind_test", "limit", "inspect", "why", "listen", "lock", "cannot",
    "taste", "compare", "changed", "versions", "locks",
])  # fmt: skip


def shared(read: Sequence[Read]) -> list[Read]:
    """The requests with what they take from their neighbours; what says the same again is dropped."""
    return _without_praise(_once(_as_blind_test(_without_asides(_with_versions(_with_direction(_corrected(read)))))))


def _corrected(read: Sequence[Read]) -> list[Read]:
    """'Up 2, no wait, 1' is up 1; 'the drums forward a dB, the keys back the same' is a dB for both."""
    kept: list[Read] = []
    for clause, request in read:
        before = kept[-1][1] if kept else None
        turned = before is not None and before.intent == "turn" == request.intent
        if before is not None and turned and has(clause.tokens, "correction") and before.stems == request.stems:
            kept.pop()
        elif before is not None and turned and has(clause.tokens, "same") and request.amount_db is None:
            request = request.model_copy(update={"amount_db": before.amount_db})
        kept.append((clause, request))
    return kept


def _with_direction(read: Sequence[Read]) -> list[Read]:
    """'Vocals up 2 and the bass 3': a stem without a direction takes it from the wish beside it."""
    requests = [request for _, request in read]
    for index, request in enumerate(requests):
        if request.intent != "turn" or request.direction != 0 or request.fader_db is not None or not request.stems:
            continue
        beside = [requests[i] for i in (index - 1, index + 1) if 0 <= i < len(requests)]
        guide = next((r for r in beside if r.intent == "turn" and r.direction != 0), None)
        if guide is not None and not has(read[index][0].tokens, "move=return"):
            amount_db = guide.amount_db if request.amount_db is None else request.amount_db
            if guide.amount_db is None and guide.fader_db is None:
                requests[requests.index(guide)] = guide.model_copy(update={"amount_db": amount_db})
            requests[index] = request.model_copy(update={"direction": guide.direction, "amount_db": amount_db})
    return [(clause, request) for (clause, _), request in zip(read, requests, strict=True)]


def _with_versions(read: Sequence[Read]) -> list[Read]:
    """'v3 was better, go back to it': the version of the clause before."""
    kept: list[Read] = []
    for clause, request in read:
        before = kept[-1][1] if kept else None
        if (
            before is not None
            and request.intent == "unknown"
            and before.intent in VERSIONED
            and before.version is not None
        ):
            more = versions_in(clause.tokens, before.intent).get("version")
            if more is not None:
                kept[-1] = (kept[-1][0], before.model_copy(update={"version": more, "other_version": before.version}))
                continue
        pair = (
            before is not None
            and before.intent == request.intent
            and request.intent in {"listen", "blind_test", "changed"}
        )
        if before is not None and pair and before.other_version is request.other_version is None and request.version:
            update = {"version": request.version, "other_version": before.version}
            kept[-1] = (kept[-1][0], before.model_copy(update=update))
            continue
        returns = request.intent in {"go", "undo"} and request.version is None and has(clause.tokens, "it|go")
        if before is not None and before.intent == "go" and before.version is not None and returns:
            continue
        kept.append((clause, request))
    return kept


def _as_blind_test(read: Sequence[Read]) -> list[Read]:
    """'Compare v1 and v3 without knowing which is which' is a blind test."""
    tests = [at for at, (_, request) in enumerate(read) if request.intent == "blind_test"]
    if not tests or tests[0] == 0 or read[tests[0] - 1][1].intent not in {"changed", "listen", "compare"}:
        return list(read)
    before, (clause, request) = read[tests[0] - 1][1], read[tests[0]]
    named = [v for r in (before, request) for v in (r.other_version, r.version) if v is not None]
    update = {"version": named[-1] if named else None, "other_version": named[0] if len(named) > 1 else None}
    return [*read[: tests[0] - 1], (clause, request.model_copy(update=update)), *read[tests[0] + 1 :]]


def _without_asides(read: Sequence[Read]) -> list[Read]:
    """'When the bass comes in' asks for nothing beside what it goes with."""
    if all(clause.aside or request.intent == "unknown" for clause, request in read):
        return list(read)
    return [(clause, request) for clause, request in read if not clause.aside or request.intent == "apply"]


def _once(read: Sequence[Read]) -> list[Read]:
    """'Too far back, I can't hear it' is one complaint."""
    kept: list[Read] = []
    for clause, request in read:
        same = next((i for i, (_, earlier) in enumerate(kept) if _says_the_same(earlier, request)), None)
        if same is None:
            kept.append((clause, request))
        else:
            kept[same] = (kept[same][0], _both(kept[same][1], request))
    return kept


def _both(first: Request, second: Request) -> Request:
    if _looks_first(first, second) or (first.intent in LEVELS and second.intent == "turn"):
        return second
    update: dict[str, Any] = {
        "stems": first.stems or second.stems,
        "called": first.called or second.called,
        "missing": first.missing or second.missing,
        "section": first.section or second.section,
        "question": first.question and second.question,
        "amount_db": second.amount_db if first.amount_db is None else first.amount_db,
        "factor": second.factor if first.factor is None else first.factor,
    }
    return first.model_copy(update=update)


def _says_nothing(clause: Clause, request: Request) -> bool:
    """Praise, laughter, and the 'listen' that asks for attention."""
    talk = request.intent == "smalltalk" and not has(clause.tokens, "smalltalk")
    praise = request.intent == "thanks" and not has(clause.tokens, "thanks=thanks")
    laughter = request.intent == "smalltalk" and all(token.is_a("laugh|small") for token in clause.tokens)
    dismay = request.intent == "reject" and all(t.is_a("interjection|not=no|small") for t in clause.tokens)
    dismay = dismay and has(clause.tokens, "interjection")
    return talk or praise or laughter or dismay or (request.intent == "listen" and clause.said == "listen")


def _is_reason(wish: Request, complaint: Request) -> bool:
    """'Bring the guitars down, they're too loud': why, and no wish of its own."""
    if wish.intent in LEVELS:
        wish, complaint = complaint, wish
    meant = "too_loud" if wish.direction < 0 else "too_quiet"
    return wish.intent == "turn" and complaint.intent == meant and wish.stems == complaint.stems


def _looks_first(first: Request, second: Request) -> bool:
    """'Have a listen and tell me what you think': the listening is the critic's."""
    plain = first.version is None and not first.stems and not first.section
    return first.intent == "listen" and second.intent == "critique" and plain


def _says_the_same(first: Request, second: Request) -> bool:
    about = not second.stems or not first.stems or first.stems == second.stems
    if first.intent == "compare" and second.intent == "changed" and second.version is second.other_version is None:
        return True
    if _is_reason(first, second) or _looks_first(first, second):
        return True
    if first.intent != second.intent:
        return False
    if first.intent == "redo" == second.intent:
        return True
    if first.intent == "turn":
        # "More bass, like proper bass"
        return first.stems == second.stems != () and first.direction == second.direction and second.amount_db is None
    if first.intent == "scale":
        return first.direction == second.direction
    if first.intent == "complaint":
        return first.quality == second.quality and about
    if first.intent == "inspect" and first.aspect != second.aspect:
        return False
    if first.intent == "cannot" and first.effect != second.effect:
        return False
    return about and (first.intent in LEVELS or (first.intent in ONCE and second.version is None))


def _without_praise(read: Sequence[Read]) -> list[Read]:
    """'Perfect, do that' thanks nobody."""
    meant = [(c, r) for c, r in read if not _says_nothing(c, r)]
    if any(r.intent == "help_level" for _, r in meant):
        # "Don't change anything, only suggest": how to help, said twice.
        meant = [(c, r) for c, r in meant if r.intent not in OF_HELPING or has(c.tokens, "critique=critique")]
    return meant if any(r.intent != "unknown" for _, r in meant) else list(read)
