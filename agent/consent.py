"""Consent, refusal and doubt: what must be true of the words before anything may be applied."""

from collections.abc import Sequence
from typing import Literal

from mixingbuddy.agent.amounts import Words, position
from mixingbuddy.prompts import load_table


def agreement(words: Words, question: bool) -> Literal["apply", "wait", "reject"] | None:
    """What a clause with a word of consent means: `apply` only where it says, asks and denies nothing else."""
    if negated(words):
        return "reject"
    beside = set(without(words, phrases_of("apply"))) - set(mood("polite"))
    if not beside and not question:
        return "apply"
    consenting = {word for phrase in phrases_of("apply") for word in phrase.split()}
    weak = not set(without(words, mood("assent"))) & consenting
    return None if weak and beside else "wait"


def only_assents(words: Words) -> bool:
    """Whether consent is a mere 'yes' or 'ok', which may as well belong to what follows."""
    return not without(words, [*mood("assent"), *mood("polite")])


def hedged(words: Words) -> bool:
    """Whether a condition, an exception or a refusal stands anywhere in the words."""
    return bool(set(mood("hedges")) & set(words)) or negated(words)


def negated(words: Words) -> bool:
    negations = set(mood("negations"))
    return any(word in negations or word.endswith("n't") for word in words)


def without(words: Words, phrases: Sequence[str]) -> Words:
    """The words without these phrases, longest first."""
    for phrase in sorted(phrases, key=len, reverse=True):
        while (at := position(words, phrase)) is not None:
            words = (*words[:at], *words[at + len(phrase.split()) :])
    return words


def mood(kind: str) -> list[str]:
    return list(load_table("vocabulary")["mood"][kind])


def phrases_of(intent: str) -> list[str]:
    table = load_table("vocabulary")["intents"]
    return [str(phrase) for entry in table if entry["name"] == intent for phrase in entry["phrases"]]
