"""Take the user's own words for wishes, consent and refusal, whatever model speaks later."""

from typing import Any

from mixingbuddy.agent.locks import check_locks
from mixingbuddy.agent.memory import Memory
from mixingbuddy.agent.references import Named, find_reference
from mixingbuddy.agent.requests import Dialogue, Request
from mixingbuddy.agent.settings import HelpLevel
from mixingbuddy.agent.state import Lock, Proposal, State, current_version, shown_proposal, versions_of
from mixingbuddy.agent.understanding.intents import next_dialogue, read_requests
from mixingbuddy.agent.workbench import Workbench
from mixingbuddy.tools.errors import ModelMistake, printable

WORDS = 60  # characters of the user's that are kept for what a lock is about
REASON = 200
POLITE = frozenset({"greeting", "thanks", "goodbye", "smalltalk"})
# After these the proposal shown last is still what the conversation is about, and a plain "yes" means it.
INFORMATIVE = POLITE | frozenset(
    {"why", "explain", "tell_me", "help", "help_level", "how_loud", "inspect", "overview", "compare", "changed"}
    | {"versions", "name_version", "locks", "limit", "taste", "forget", "listen", "blind_test", "notes", "cannot"}
    | {"too_loud", "too_quiet", "unknown", "wait"}
)


class Hearing:
    """What one message changes before any model reads it."""

    def __init__(self, text: str, state: State, bench: Workbench, memory: Memory) -> None:
        self._text, self._state, self._bench, self._memory = text, state, bench, memory
        roles = {stem.name: stem.role for stem in bench.song.multitrack.stems}
        self._dialogue = Dialogue.model_validate(state.get("dialogue") or {})
        names = tuple(version.name for version in versions_of(state) if version.name)
        self.requests = read_requests(text, roles, self._dialogue, names)
        self.heard: dict[str, Any] = {}
        self.help_level: HelpLevel = state.get("help_level", bench.help_level)

    def update(self) -> dict[str, Any]:
        """The changes to the state at the start of a turn."""
        for request in self.requests:
            getattr(self, f"_hear_{request.intent}", self._hear_nothing)(request)
        locks = self._memory.locks()
        shown = self._still_shown(locks)
        update: dict[str, Any] = {
            "locks": [lock.model_dump(mode="json") for lock in locks],
            "help_level": self.help_level,
            "requests": [request.model_dump(mode="json", exclude_defaults=True) for request in self.requests],
            "dialogue": next_dialogue(self._dialogue, self.requests).model_dump(mode="json", exclude_defaults=True),
            "shown": shown,
            "judged_by": self._bench.fingerprint,
            "fresh": self._fresh(),
        }
        return {**update, "heard": self.heard}

    def _hear_nothing(self, request: Request) -> None:
        """Most requests change nothing by themselves."""

    def _hear_lock(self, request: Request) -> None:
        if not request.stems:
            self.heard["lock_without_stem"] = True
            return
        self._keep(request, Lock(stems=request.stems, words=printable(request.called, WORDS)))
        self.heard.setdefault("locked", []).append(request.called)

    def _hear_unlock(self, request: Request) -> None:
        if not request.stems:
            self.heard["lock_without_stem"] = True
            return
        self._memory.drop(request.stems, ("keep",))
        self.heard.setdefault("unlocked", []).append(request.called)

    def _hear_taste(self, request: Request) -> None:
        if request.stems and request.direction:
            words = printable(request.called, WORDS)
            self._keep(request, Lock(kind="taste", stems=request.stems, words=words, direction=request.direction))
            self.heard.setdefault("liked", []).append({"called": request.called, "direction": request.direction})

    def _hear_limit(self, request: Request) -> None:
        if request.limit_db is not None and not _names_nothing(request):
            words = printable(request.called, WORDS) or "every fader"
            self._keep(request, Lock(kind="limit", stems=request.stems, words=words, limit_db=request.limit_db))
            self.heard["limited"] = request.limit_db

    def _keep(self, request: Request, lock: Lock) -> None:
        if request.everywhere:
            self.heard["everywhere"] = True
        self._memory.keep(lock.model_copy(update={"scope": "all songs" if request.everywhere else "song"}))

    def _hear_forget(self, request: Request) -> None:
        if _names_nothing(request):
            return
        # A stem that is to be kept is freed by "unlock" alone: that must not happen by the way.
        gone = self._memory.drop(request.stems, ("taste", "limit", "rejected"))
        self.heard["forgotten"] = [lock.words for lock in gone]

    def _hear_help_level(self, request: Request) -> None:
        if request.level is not None:
            self.help_level = request.level
            self.heard["help_level"] = request.level

    def _hear_reference(self, request: Request) -> None:
        named = find_reference(self._bench, request.reference, self._text)
        if named.path is not None:
            self._bench.use_reference(named.path)
            self._memory.keep_reference(named.path)
        self.heard["reference"] = _reference_heard(named, request)

    def _hear_reject(self, request: Request) -> None:
        shown = self._shown
        if shown is None:
            return
        self.heard["rejected"] = True
        if request.reason:
            self.heard["reason"] = request.reason
            remember_refusal(self._memory, shown, request.reason)

    @property
    def _shown(self) -> Proposal | None:
        judged_by = self._bench.fingerprint
        return shown_proposal(self._state) if self._state.get("judged_by", judged_by) == judged_by else None

    def _still_shown(self, locks: list[Lock]) -> Any:
        """What stays on offer: nothing that was refused, or that would break what the user has just asked for."""
        shown = self._shown
        if shown is None:
            # Judged against something else, or on top of another version: it can be explained, no more applied.
            return self._state.get("shown") if shown_proposal(self._state) is None else None
        gone = self._breaks(shown, locks) or bool(self.heard.get("rejected"))
        return shown.model_copy(update={"withdrawn": True}).model_dump(mode="json") if gone else self._state["shown"]

    def _breaks(self, shown: Proposal, locks: list[Lock]) -> bool:
        try:
            check_locks(locks, shown.moves, current_version(self._state).faders, advised=shown.origin == "advisor")
        except ModelMistake:
            return True
        return False

    def _fresh(self) -> bool:
        intents = {request.intent for request in self.requests}
        was = bool(self._state.get("fresh"))
        if "apply" in intents and intents <= POLITE | {"apply"} and was:
            self.heard["consent"] = True
        wish = any(request.intent in {"too_loud", "too_quiet"} and not request.question for request in self.requests)
        return was and not wish and intents <= INFORMATIVE | {"apply"}


def _names_nothing(request: Request) -> bool:
    """Whether all that it is about is missing in this song: a wish about the trumpet is none about every stem."""
    return bool(request.missing) and not request.stems


def remember_refusal(memory: Memory, proposal: Proposal, reason: str) -> None:
    """Keep in mind that moves in these directions were turned down, and why."""
    for direction in (-1, 1):
        stems = tuple(move.stem for move in proposal.moves if move.gain_db * direction > 0)
        if stems:
            words = printable(", ".join(stems), WORDS)
            why = printable(reason, REASON)
            memory.keep(
                Lock(kind="rejected", stems=stems, words=words, direction=1 if direction > 0 else -1, reason=why)
            )


def _reference_heard(named: Named, request: Request) -> dict[str, Any]:
    return {
        "name": printable(named.path.stem if named.path else request.reference, WORDS),
        "found": named.path is not None,
        "choices": [printable(choice, WORDS) for choice in named.choices],
    }
