"""What a large audio-language model learns from: songs with planted flaws, or other people's pairs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from mixingbuddy.models.audio_llm_prompt import Prompt
from mixingbuddy.models.data.chunks import Chunk, chunks_of
from mixingbuddy.models.data.labels import Evidence, Label, write_label_text
from mixingbuddy.models.data.pairs import Pair, read_pairs
from mixingbuddy.models.data.songs import find_songs
from mixingbuddy.models.data.triplets import SETTINGS, SampleSpec, TripletMaker, multi_specs, single_specs
from mixingbuddy.tools.errors import UserError
from mixingbuddy.tools.multitrack import Multitrack, Reference

# As many samples with several flaws as with one: a chunk has 30 of these.
MULTI_DRAWS = 30


class Lesson(Protocol):
    """A question and its right answer; a `Triplet` is one, and so is a pair that was loaded."""

    @property
    def flawed(self) -> Multitrack: ...
    @property
    def reference(self) -> Reference | None: ...
    @property
    def anchor(self) -> str | None: ...
    @property
    def label(self) -> Label: ...


class Lessons(Protocol):
    """Lessons by number, each made when it is asked for, always the same."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> Lesson: ...


@dataclass(frozen=True)
class SongLessons:
    """Triplets of all settings, made on the fly from chunks in memory."""

    maker: TripletMaker
    specs: Sequence[SampleSpec]

    def __len__(self) -> int:
        return len(self.specs)

    def __getitem__(self, index: int) -> Lesson:
        return self.maker.make(self.specs[index])


@dataclass(frozen=True)
class PairLessons:
    """Pairs of a JSONL file, decoded when they are asked for."""

    pairs: Sequence[Pair]

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> Lesson:
        return self.pairs[index].load()


def lessons_from(
    data: Path, *, seed: int, chunks_per_song: int, on_song: Callable[[int, int], None] | None = None
) -> Lessons:
    """Lessons of a folder with songs (its train split), or of a JSONL file of pairs.

    At most `chunks_per_song` pieces of ten seconds of every song are kept in memory, about 14 MB each, spread evenly
    over the song; `on_song` is told how many of how many songs are read. Raises UserError where there is nothing to
    learn from.
    """
    if data.is_file():
        return PairLessons(read_pairs(data))
    chunks: list[Chunk] = []
    sources = find_songs(data, "train")
    for number, source in enumerate(sources, start=1):
        chunks += spread(chunks_of(source.load()), chunks_per_song)
        if on_song is not None:
            on_song(number, len(sources))
    if not chunks:
        raise UserError(f"no song in '{data}' has ten seconds in which vocals, drums and bass sound; give other songs")
    return song_lessons(chunks, seed)


def song_lessons(chunks: Sequence[Chunk], seed: int) -> SongLessons:
    """Lessons of every setting, half of them with one flaw at most and a named anchor; one song alone has no others."""
    alone = len({chunk.song for chunk in chunks}) < 2
    settings = [setting for setting in SETTINGS if not (alone and "other" in setting)]
    specs = [
        spec
        for setting in settings
        for spec in (*single_specs(chunks, setting, seed), *multi_specs(chunks, setting, seed, MULTI_DRAWS))
    ]
    return SongLessons(TripletMaker(chunks), specs)


def spread(chunks: Sequence[Chunk], count: int) -> list[Chunk]:
    """At most `count` of the chunks, evenly spaced."""
    if len(chunks) <= count:
        return list(chunks)
    return [chunks[(2 * number + 1) * len(chunks) // (2 * count)] for number in range(count)]


def answer_of(lesson: Lesson, prompt: Prompt) -> str:
    """The answer to learn: always the same words for the same kind of reference, whatever words a pair came with.

    So it can be read back, and how sure the model is of a token says something of the balance, not of style. A stem
    that is silent in the seconds that are heard cannot be spoken of.
    """
    moves = tuple((prompt.shown(name), gain) for name, gain in lesson.label.moves if name not in prompt.silent)
    return write_label_text(Label(moves), evidence_of(lesson), np.random.default_rng(0))


def evidence_of(lesson: Lesson) -> Evidence:
    """What the answer rests on."""
    if lesson.reference is None:
        return "mix_only" if lesson.flawed.mix_only else "none"
    if lesson.reference.kind == "mix":
        return "other_mix" if lesson.reference.same_song is False else "same_mix"
    return "other_stems" if lesson.reference.same_song is False else "same_stems"
