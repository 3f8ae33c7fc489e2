"""Which rule of `prompts/grammar.toml` fits a clause, and what the rule says about it."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.agent.requests import Intent
from mixingbuddy.agent.understanding.clauses import Clause
from mixingbuddy.agent.understanding.tokens import Spec, Token, first, has, in_order, side_by_side
from mixingbuddy.prompts import load_table

# Text slots keep some of the small words at their ends: "the record", "gain staging".
KEPT_IN_FRONT = {"reference": "the|a|owner|it", "term": "filler", "name": "the|a|owner|filler|polite"}
KEPT_AT_THE_END = {"name": "filler"}
# Small words that may be asked about themselves: "what is a fader?"
ASKED_ABOUT = {"stem", "stems", "fader", "faders", "gain", "volume", "channel", "track", "tracks"}


class Rule(BaseModel):
    """One rule; its fields are described at the top of `grammar.toml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    intent: Intent
    has: tuple[Spec, ...] = ()
    order: tuple[Spec, ...] = ()
    next: tuple[Spec, ...] = ()
    lacks: tuple[Spec, ...] = ()
    starts: Spec = ""
    ends: Spec = ""
    only: tuple[Spec, ...] = ()
    question: bool | None = None
    after: tuple[Intent, ...] = ()
    refused: Intent | None = None
    stems: str = ""
    fill: dict[str, str] = Field(default_factory=dict)
    set: dict[str, Any] = Field(default_factory=dict)
    text: dict[str, str] = Field(default_factory=dict)

    def fits(self, clause: Clause, last: Intent | None) -> bool:
        """Whether the clause is what the rule describes; `last` is the request that it may follow up."""
        tokens = clause.tokens
        return (
            all(has(tokens, spec) for spec in self.has)
            and (self.question is None or self.question == clause.question)
            and (not self.after or last in self.after)
            and in_order(tokens, self.order)
            and (not self.next or side_by_side(tokens, self.next))
            and not any(has(tokens, spec) for spec in self.lacks)
            and (not self.starts or _opening(tokens, self.starts))
            and (not self.ends or _opening(tokens[::-1], self.ends))
            and (not self.only or all(token.is_a("|".join(self.only)) for token in tokens))
            and all(self.words_for(slot, tokens) for slot in self.text)
        )

    def words_for(self, slot: str, tokens: Sequence[Token]) -> list[Token]:
        """The tokens that a text slot takes, without small words at their ends."""
        spec = self.text[slot]
        at = first(tokens, spec.removeprefix("< "))
        if at is None:
            return []
        part = list(tokens[:at] if spec.startswith("< ") else tokens[at + 1 :])
        front, end = KEPT_IN_FRONT.get(slot, ""), KEPT_AT_THE_END.get(slot, "")
        while part and part[0].is_a("small|be=is|it|go|ask|move|mark|hedge|called") and not part[0].is_a(front):
            part.pop(0)
        while part and part[-1].is_a("small|mean|mark|work|be=is|ask=is|what_that") and not part[-1].is_a(end):
            if slot == "term" and len(part) == 1 and part[0].words[0] in ASKED_ABOUT:
                break
            part.pop()
        return part

    @property
    def asked_for(self) -> frozenset[str]:
        """Every kind that the rule itself asks for."""
        return frozenset(kind for spec in (*self.has, *self.order, self.starts) for kind in spec.split("|"))


def find_rule(clause: Clause, last: Intent | None = None) -> Rule | None:
    """The first rule that fits; `last` is the intent that a follow-up may go on with."""
    return next((rule for rule in load_rules() if rule.fits(clause, last)), None)


def _opening(tokens: Sequence[Token], spec: Spec) -> bool:
    opening = next((token for token in tokens if token.is_a(spec) or not token.is_a("small|mark")), None)
    return opening is not None and opening.is_a(spec)


@lru_cache(maxsize=1)
def load_rules() -> tuple[Rule, ...]:
    """The rules, read once."""
    return tuple(Rule.model_validate(entry) for entry in load_table("grammar")["rules"])
