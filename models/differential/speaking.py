"""Put an answer into words: the writer words one sentence per move, and can only say what the answer says.

While a sentence is written, words that point the other way, slots without a figure and a second use of a slot are ruled
out, and it cannot end before stem and amount have been named. What is written is read back; a sentence that does not
say what it should is replaced by one of the templates that the writer learnt from.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mixingbuddy.models.data.label_templates import (
    EVIDENCES,
    KINDS,
    Evidence,
    Kind,
    all_templates,
    choose_template,
    count_text,
    fill,
    slots_of,
)
from mixingbuddy.models.data.labels import move_values, read_label_text
from mixingbuddy.models.differential.shape import ROLES
from mixingbuddy.models.differential.words import BEGIN, END, PAD, Words
from mixingbuddy.models.differential.writer import FIGURES, GROUP_FIGURES, LONGEST

if TYPE_CHECKING:
    import torch

    from mixingbuddy.models.differential.compact import HearsAndWrites

MOST_MOVES = 5
# How freely wordings are chosen: the noise on each word's score.
VARIETY = 0.35
NEEDED: dict[Kind, tuple[str, ...]] = {
    "too_loud": ("{stem}", "{gain}"),
    "too_quiet": ("{stem}", "{gain}"),
    "opening_several": ("{count}",),
}
TRIES = 40
UNKNOWN_ROLE = len(ROLES)


@dataclass(frozen=True)
class SpokenMove:
    """One move to be worded: the stems it is about, its gain and interval (dB), its group's level now and the level
    aimed at (LU re the mix) where they are known."""

    stems: tuple[str, ...]
    gain_db: float
    interval_db: tuple[float, float]
    role: int = UNKNOWN_ROLE
    level_lu: float | None = None
    target_lu: float | None = None
    p_change: float = 1.0


@dataclass(frozen=True)
class Sets:
    """Both sets of groups as the writer sees them: (4, 3) figures each, and what the ear remembers (4, width)."""

    own: np.ndarray[Any, np.dtype[np.float32]]
    reference: np.ndarray[Any, np.dtype[np.float32]]
    remembered: np.ndarray[Any, np.dtype[np.float32]]

    @classmethod
    def empty(cls, width: int) -> "Sets":
        groups = np.zeros((len(ROLES), GROUP_FIGURES), np.float32)
        return cls(groups, groups.copy(), np.zeros((len(ROLES), width), np.float32))


@dataclass(frozen=True)
class Speech:
    """What is to be said about one song: the moves (largest first), and from what evidence. `stems` are all the
    names in the song, which no sentence may be mistaken for."""

    evidence: Evidence
    moves: tuple[SpokenMove, ...]
    sets: Sets
    seed: int = 0
    stems: tuple[str, ...] = ()

    def names(self) -> list[str]:
        """Every stem that a reader of the text may look for."""
        return list(dict.fromkeys([*self.stems, *(stem for move in self.moves for stem in move.stems)]))


@dataclass(frozen=True)
class _Sentence:
    """One sentence to be written: its kind, the move it is about, the values of its slots, its place in the speech."""

    kind: Kind
    speech: Speech
    move: SpokenMove | None
    values: dict[str, str]
    place: int = 0

    def rng(self) -> np.random.Generator:
        """The same for the same sentence, whatever else is written with it."""
        return np.random.default_rng([self.speech.seed, self.place])


def speak(model: "HearsAndWrites", speeches: Sequence[Speech]) -> list[str]:
    """The text of every speech: an opening and a sentence per move, each on a line of its own."""
    planned = [_sentences(speech) for speech in speeches]
    written = iter(_write(model, [sentence for plan in planned for sentence in plan]))
    return ["\n".join(next(written) for _ in plan) for plan in planned]


def about(
    sentence_kind: Kind, evidence: Evidence, move: SpokenMove | None, count: int
) -> tuple[int, int, int, list[float]]:
    """Numbers of kind, evidence and role, and the figures that the writer is told."""
    kind, which = KINDS.index(sentence_kind), EVIDENCES.index(evidence)
    if move is None:
        return kind, which, UNKNOWN_ROLE, [0.0] * 5 + [count / 5] + [0.0] * (FIGURES - 6)
    half = (move.interval_db[1] - move.interval_db[0]) / 2
    known = [move.level_lu is not None, move.target_lu is not None, _tells_interval(move)]
    figures = [
        move.gain_db / 12,
        half / 6,
        (move.level_lu or 0) / 20,
        (move.target_lu or 0) / 20,
        move.p_change,
        count / 5,
    ]
    return kind, which, move.role, [*figures, *(float(one) for one in known), *([0.0] * (FIGURES - 9))]


def _sentences(speech: Speech) -> list[_Sentence]:
    moves = speech.moves[:MOST_MOVES]
    if not moves:
        return [_Sentence("nothing", speech, None, {})]
    opening: Kind = "opening_one" if len(moves) == 1 else "opening_several"
    first = _Sentence(opening, speech, None, {"count": count_text(len(moves))} if len(moves) > 1 else {})
    return [first, *(_about_move(speech, move, place) for place, move in enumerate(moves, start=1))]


def _about_move(speech: Speech, move: SpokenMove, place: int) -> _Sentence:
    name = _listed(move.stems)
    values = move_values(
        name,
        move.gain_db,
        {name: move.level_lu} if move.level_lu is not None else {},
        {name: move.target_lu} if move.target_lu is not None else {},
        {name: move.interval_db} if _tells_interval(move) else {},
    )
    return _Sentence("too_loud" if move.gain_db < 0 else "too_quiet", speech, move, values, place)


def _tells_interval(move: SpokenMove) -> bool:
    low, high = move.interval_db
    return low * high > 0 and low < move.gain_db < high


def _listed(stems: Sequence[str]) -> str:
    return stems[0] if len(stems) == 1 else f"{', '.join(stems[:-1])} and {stems[-1]}"


def _write(model: "HearsAndWrites", sentences: Sequence[_Sentence]) -> list[str]:
    import torch

    from mixingbuddy.models.differential.writer import About

    if not sentences:
        return []
    told = [about(s.kind, s.speech.evidence, s.move, len(s.speech.moves[:MOST_MOVES])) for s in sentences]
    sets = [s.speech.sets for s in sentences]
    facts = About(
        torch.tensor([one[0] for one in told]),
        torch.tensor([one[1] for one in told]),
        torch.tensor([one[2] for one in told]),
        torch.tensor([one[3] for one in told]),
        torch.from_numpy(np.stack([one.own for one in sets])),
        torch.from_numpy(np.stack([one.reference for one in sets])),
        torch.from_numpy(np.stack([one.remembered for one in sets])),
    )
    words = Words(model.config.vocabulary)
    rules = Rules(words, sentences)
    written = torch.full((len(sentences), 1), words.numbers[BEGIN])
    with torch.inference_mode():
        logits, memory = model.writer.heard_so_far(written, facts)
        while written.shape[1] < LONGEST and not bool((written[:, -1] == words.numbers[END]).all()):
            chosen = rules(written, logits[:, -1]).argmax(1, keepdim=True)
            logits, memory = model.writer.next_word(chosen, written.shape[1], memory)
            written = torch.cat([written, chosen], dim=1)
    return [_checked(words.decode(row), sentence) for row, sentence in zip(written.tolist(), sentences, strict=True)]


def _checked(template: str, sentence: _Sentence) -> str:
    """The sentence with its slots filled; one of the templates where it does not read back as what it should say."""
    complete = slots_of(template) <= set(sentence.values) and template.endswith(".")
    # A sentence without a move has no figures to hold it to, so it must be one that is known to make sense.
    complete = complete and (sentence.move is not None or template in _known(sentence))
    if complete and not _of_another_evidence(template, sentence):
        text = fill(template, **sentence.values)
        if _says(text, sentence):
            return text
    return _from_templates(sentence)


def _known(sentence: _Sentence) -> set[str]:
    """The templates of a sentence's kind and evidence."""
    fitting = (sentence.speech.evidence, "any")
    return {text for kind, evidence, text in all_templates() if kind == sentence.kind and evidence in fitting}


def _of_another_evidence(template: str, sentence: _Sentence) -> bool:
    """Whether the sentence belongs to other evidence only: it would speak of a reference that nobody gave."""
    known = {evidence for kind, evidence, text in all_templates() if (kind, text) == (sentence.kind, template)}
    return bool(known) and not known & {sentence.speech.evidence, "any"}


def _from_templates(sentence: _Sentence) -> str:
    """A template that reads back. For a list of stems that none does, a sentence for each of them."""
    rng, text = sentence.rng(), ""
    for _ in range(TRIES):
        chosen = choose_template(sentence.kind, sentence.speech.evidence, rng, sentence.values)
        text = fill(chosen, **sentence.values)
        if _says(text, sentence):
            return text
    move = sentence.move
    if move is None or len(move.stems) == 1:
        return text
    alone = [_about_move(sentence.speech, replace(move, stems=(stem,)), sentence.place) for stem in move.stems]
    return "\n".join(_from_templates(one) for one in alone)


def _says(text: str, sentence: _Sentence) -> bool:
    """Whether `text` reads back as the sentence's move; as "nothing to do"; or, an opening, as neither."""
    names, move = sentence.speech.names(), sentence.move
    if move is not None:
        return _read(text, names) == sorted((stem, round(move.gain_db, 1)) for stem in move.stems)
    if sentence.kind == "nothing":
        return _read(text, names) == []
    nothing = choose_template("nothing", sentence.speech.evidence, sentence.rng())
    return _read(text, names) is None and _read(f"{text}\n{nothing}", names) == []


def _read(text: str, names: Sequence[str]) -> list[tuple[str, float]] | None:
    """The moves that a reader finds, by name; None where it cannot say."""
    try:
        return sorted(read_label_text(text, names).moves)
    except ValueError:
        return None


class Rules:
    """What may be written next: a logits processor that keeps every sentence to its facts.

    Wordings vary from song to song, and the same song is always told in the same words: each sentence has its own
    taste, noise on the score of every word, from its seed.
    """

    def __init__(self, words: Words, sentences: Sequence[_Sentence]) -> None:
        import torch

        shape = (len(sentences), len(words.vocabulary))
        self._end, self._stop = words.numbers[END], words.numbers["."]
        self._slots = torch.zeros(shape[1], dtype=torch.bool)
        self._slots[list(words.slots)] = True
        self._barred, self._needed = torch.zeros(shape, dtype=torch.bool), torch.zeros(shape, dtype=torch.bool)
        taste = np.zeros(shape, np.float32)
        for row, sentence in enumerate(sentences):
            self._barred[row, _barred(words, sentence)] = True
            self._needed[row, [words.numbers[slot] for slot in NEEDED.get(sentence.kind, ())]] = True
            taste[row] = sentence.rng().gumbel(0, VARIETY, shape[1])
        self._taste = torch.from_numpy(taste)

    def __call__(self, input_ids: "torch.Tensor", scores: "torch.Tensor") -> "torch.Tensor":
        import torch

        used = torch.zeros_like(self._barred).scatter_(1, input_ids, True)
        barred = self._barred | (used & self._slots)
        unfinished = (self._needed & ~used).any(1)
        barred[:, self._stop] |= unfinished
        barred[:, self._end] = True
        over = (input_ids[:, -1] == self._stop) | (input_ids[:, -1] == self._end)
        barred[over] = True
        barred[over, self._end] = False
        return (scores + self._taste).masked_fill(barred, -torch.inf)


def _barred(words: Words, sentence: _Sentence) -> list[int]:
    """Tokens that this sentence may never use: slots without a figure, and words that point the other way."""
    other = {"too_loud": "up", "too_quiet": "down"}.get(sentence.kind)
    unknown = [number for number, slot in words.slots.items() if slot not in sentence.values]
    both = [*unknown, words.numbers[PAD], words.numbers[BEGIN]]
    return both if other is None else [*both, *words.pointing[other]]
