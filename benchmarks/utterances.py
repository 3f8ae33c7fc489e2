"""How often is a sentence understood? Intents and slots on the two halves of `tests/utterances`.

    python benchmarks/utterances.py [--show-dev-errors] [--write]

The half `dev.toml` is what the parser was written against; of `heldout.toml` only totals are ever shown.
"""

from __future__ import annotations

import argparse
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mixingbuddy.agent.requests import Dialogue
from mixingbuddy.agent.understanding.intents import next_dialogue, read_requests
from mixingbuddy.tools.files import write_text
from mixingbuddy.tools.roles import Role

ROOT = Path(__file__).resolve().parent.parent
UTTERANCES = ROOT / "tests" / "utterances"
PAGE = ROOT / "docs" / "utterances.md"
START, END = "<!-- figures: start -->", "<!-- figures: end -->"
HALVES = ("dev", "heldout")

# The song and the versions that all utterances are about.
SONG: dict[str, Role] = {
    "LeadVox": "vocals", "BGV": "backing_vocals", "Kick": "kick", "Snare": "snare", "OH": "overheads", "Bass": "bass",
    "GtrL": "guitar", "GtrR": "guitar", "Keys": "keys", "Pad": "keys", "Strings": "strings", "Tamb": "percussion",
}  # fmt: skip
VERSIONS = ("loud vocal",)

SLOTS = (
    "stems", "direction", "amount_db", "fader_db", "factor", "question", "version", "other_version", "name", "quality",
    "aspect", "effect", "term", "level", "limit_db", "everywhere", "reference", "section", "reason", "missing",
)  # fmt: skip
# Slots that are compared for these intents only.
ONLY_FOR = {"direction": {"turn", "scale", "taste"}, "question": {"too_loud", "too_quiet"}}
NOT_SAID: tuple[Any, ...] = ((), "", None, False, 0)

Meaning = tuple[str, dict[str, Any]]  # intent, and the slots that were said


class Utterance(NamedTuple):
    say: str
    before: tuple[str, ...]
    means: tuple[Meaning, ...]


class Score(NamedTuple):
    """How one utterance was understood. `slots` counts expected slots and slots that nobody had said."""

    intents_right: bool
    slots_right: int
    slots: int


def read_half(half: str, folder: Path = UTTERANCES) -> list[Utterance]:
    """The utterances of `dev` or `heldout`."""
    entries = tomllib.loads((folder / f"{half}.toml").read_text(encoding="utf-8"))["utterance"]
    return [
        Utterance(
            entry["say"],
            tuple(entry.get("before", ())),
            tuple((request["intent"], _plain(request["intent"], request)) for request in entry["means"]),
        )
        for entry in entries
    ]


def understood(utterance: Utterance) -> tuple[Meaning, ...]:
    """What the parser makes of an utterance, in its conversation."""
    dialogue = Dialogue()
    for earlier in utterance.before:
        dialogue = next_dialogue(dialogue, read_requests(earlier, SONG, dialogue, VERSIONS))
    requests = read_requests(utterance.say, SONG, dialogue, VERSIONS)
    return tuple((request.intent, _plain(request.intent, request.model_dump())) for request in requests)


def _plain(intent: str, slots: dict[str, Any]) -> dict[str, Any]:
    """The slots that were said, in a form that can be compared."""
    said = {slot: slots[slot] for slot in SLOTS if slot in slots and _was_said(slots[slot])}
    kept = {slot: value for slot, value in said.items() if intent in ONLY_FOR.get(slot, {intent})}
    return {slot: _comparable(value) for slot, value in kept.items()}


def _was_said(value: Any) -> bool:
    # 0 dB is a place on the fader, but 0 is no direction; bool and 0 compare equal.
    return isinstance(value, float) or (value not in NOT_SAID and value != [])


def _comparable(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return tuple(sorted(value))
    return value.casefold() if isinstance(value, str) else value


def score(expected: Sequence[Meaning], found: Sequence[Meaning]) -> Score:
    """Compare meanings in their order; a slot without its counterpart is an error, on either side."""
    right = total = 0
    for index in range(max(len(expected), len(found))):
        wanted = expected[index][1] if index < len(expected) else {}
        got = found[index][1] if index < len(found) else {}
        total += len(wanted.keys() | got.keys())
        right += sum(slot in got and got[slot] == value for slot, value in wanted.items())
    return Score([m[0] for m in expected] == [m[0] for m in found], right, total)


class Figures(NamedTuple):
    utterances: int
    intents: float  # share of utterances whose list of intents is right
    slots: float  # share of slots found right
    right_by_intent: Counter[str]
    all_by_intent: Counter[str]


def figures_of(half: Sequence[Utterance]) -> Figures:
    """The figures of one half; an utterance counts for the first intent in it."""
    scores = [(u.means[0][0], score(u.means, understood(u))) for u in half]
    return Figures(
        utterances=len(half),
        intents=sum(s.intents_right for _, s in scores) / len(scores),
        slots=sum(s.slots_right for _, s in scores) / sum(s.slots for _, s in scores),
        right_by_intent=Counter(intent for intent, s in scores if s.intents_right and s.slots_right == s.slots),
        all_by_intent=Counter(intent for intent, _ in scores),
    )


def development_errors(half: Sequence[Utterance]) -> list[str]:
    """The utterances of the development half that are not understood as they are meant."""
    lines = []
    for utterance in half:
        found = understood(utterance)
        if found != utterance.means:
            lines.append(
                f"{list(utterance.before) or ''} {utterance.say}\n   meant {utterance.means}\n   read  {found}"
            )
    return lines


def milliseconds(half: Sequence[Utterance]) -> float:
    """Mean time to read one utterance, ms, the tables being loaded."""
    read_requests("vocals up", SONG)
    start = time.perf_counter()
    for utterance in half:
        read_requests(utterance.say, SONG, None, VERSIONS)
    return (time.perf_counter() - start) / len(half) * 1000


def table(halves: dict[str, Figures], speed_ms: float) -> str:
    """The figures as they stand in the page."""
    lines = ["| half | utterances | intents right | slots right |", "|---|---|---|---|"]
    lines += [f"| {name} | {f.utterances} | {f.intents:.1%} | {f.slots:.1%} |" for name, f in halves.items()]
    lines += ["", f"One utterance takes {speed_ms:.1f} ms to read.", ""]
    lines += ["| intent | " + " | ".join(halves) + " |", "|---" * (len(halves) + 1) + "|"]
    intents = sorted({intent for figures in halves.values() for intent in figures.all_by_intent})
    for intent in intents:
        cells = [f"{f.right_by_intent[intent]} of {f.all_by_intent[intent]}" for f in halves.values()]
        lines.append(f"| {intent} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="How often is a sentence understood?")
    parser.add_argument("--show-dev-errors", action="store_true", help="list those of the development half")
    parser.add_argument("--write", action="store_true", help="put the table into docs/utterances.md")
    options = parser.parse_args(arguments)
    missing = [half for half in HALVES if not (UTTERANCES / f"{half}.toml").is_file()]
    if missing:
        print(f"no {missing[0]}.toml in '{UTTERANCES}'", file=sys.stderr)
        return 2
    halves = {half: read_half(half) for half in HALVES}
    figures = table({half: figures_of(read) for half, read in halves.items()}, milliseconds(halves["dev"]))
    print(figures)
    if options.show_dev_errors:
        print("\n".join(development_errors(halves["dev"])))
    if options.write:
        page = PAGE.read_text(encoding="utf-8")
        before, rest = page.split(START, 1)
        write_text(PAGE, f"{before}{START}\n{figures}\n{END}{rest.split(END, 1)[1]}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
