"""Measure an advisor on the balance benchmark: one document per advisor, protocol and setting."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol as Interface
from typing import TypeVar, runtime_checkable

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.models.advisor import Advisor, GainAdvice
from mixingbuddy.models.answers import Direction, Outcome, outcome, reduced
from mixingbuddy.models.data.chunks import Chunk, chunks_of
from mixingbuddy.models.data.songs import Split, find_songs
from mixingbuddy.models.data.triplets import CATEGORIES, TARGETS, Category, SampleSpec, Setting, Triplet, TripletMaker
from mixingbuddy.models.metrics import (
    ErrorDetection,
    GainErrors,
    GroupScores,
    OverallScores,
    error_detection,
    gain_errors,
    overall_scores,
    scores_by,
)
from mixingbuddy.models.protocols import Protocol, specs_of, subsample
from mixingbuddy.tools.errors import UserError
from mixingbuddy.tools.multitrack import Multitrack, Reference

BATCH = 32
PROBES = 4
DIRECTIONS: tuple[Direction, ...] = ("up", "down", "none")
Progress = Callable[[int, int], None]  # how many are done, of how many
Question = tuple[Multitrack, Reference | None, str | None]
_RESULT = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
_Key = TypeVar("_Key", bound=str)


@runtime_checkable
class ManyAtOnce(Interface):
    """An advisor that answers many questions (stems, reference, anchor) faster together than one by one."""

    def advise_many(self, questions: list[Question]) -> list[GainAdvice]: ...


class EvaluationResult(BaseModel):
    """How one advisor did in one protocol and setting; shares lie between 0 and 1, gains are in dB."""

    model_config = _RESULT

    data: str = Field(description="folder of the songs")
    split: Split
    protocol: Protocol
    setting: Setting
    advisor: str
    seed: int
    n: int = Field(description="number of samples")
    songs: int = Field(description="number of songs that the samples come from")
    unanswered: int = Field(description="samples that the advisor refused or could not judge; they count as wrong")
    overall: OverallScores = Field(description="macro average over the categories; in `multi` the plain mean")
    error_detection: ErrorDetection
    gain_error_db: GainErrors
    by_category: dict[Category, GroupScores] = Field(description="by the gain put on the target; empty in `multi`")
    by_stem: dict[str, GroupScores] = Field(description="by target; in `multi` by the stem with the largest flaw")
    by_direction: dict[Direction, GroupScores] = Field(description="by direction of the right move; none = clean")
    seconds_per_sample: float = Field(description="mean time of the advice alone, seconds")


@dataclass(frozen=True)
class Material:
    """The chunks of a split, decoded once for all advisors and settings."""

    data: Path
    split: Split
    chunks: tuple[Chunk, ...]
    maker: TripletMaker


def load_material(
    data: Path, split: Split, songs: int | None = None, progress: Progress = lambda done, of: None
) -> Material:
    """Decode the first `songs` songs (by name; all by default) of a split and cut their eligible chunks.

    Raises UserError where the folder is missing or nothing in it can be used.
    """
    sources = find_songs(data, split)[:songs]
    chunks: list[Chunk] = []
    for number, source in enumerate(sources):
        progress(number, len(sources))
        chunks.extend(chunks_of(source.load()))
    progress(len(sources), len(sources))
    if not chunks:
        raise UserError(
            f"vocals, drums and bass never sound together in the {len(sources)} songs of '{data}' ({split}); "
            "give songs with all three"
        )
    return Material(data, split, tuple(chunks), TripletMaker(chunks))


def refusal(advisor: Advisor, material: Material, specs: Sequence[SampleSpec]) -> str | None:
    """Why nothing comes of such samples with this advisor, tried on a few of them; None where it answers any."""
    said = None
    for index in np.linspace(0, len(specs) - 1, min(PROBES, len(specs))).astype(int):
        try:
            triplet = material.maker.make(specs[index])
            advice = advisor.advise(triplet.flawed, triplet.reference, triplet.anchor)
        except UserError as error:
            said = said or str(error)
            continue
        if reduced(advice, triplet.anchor) is not None:
            return None
        said = said or advice.evidence
    return said


def samples_of(
    material: Material, protocol: Protocol, setting: Setting, seed: int, samples: int | None = None
) -> list[SampleSpec]:
    """The samples of a protocol and setting, or `samples` of them drawn by the seed."""
    return subsample(specs_of(material.chunks, protocol, setting, seed), samples, seed)


def evaluate(
    advisor: Advisor,
    data: Path,
    split: Split,
    protocol: Protocol,
    setting: Setting,
    seed: int,
    songs: int | None = None,
    samples: int | None = None,
    progress: Progress = lambda done, of: None,
    material: Material | None = None,
    name: str | None = None,
) -> EvaluationResult:
    """Ask the advisor about every sample (or `samples` drawn by the seed) of the first `songs` songs.

    `material` saves decoding the songs again; `name` is what the advisor is called in the document. A UserError of the
    advisor is a sample without an answer. Raises UserError where `data` cannot be used.
    """
    material = material or load_material(data, split, songs)
    specs = samples_of(material, protocol, setting, seed, samples)
    outcomes: list[Outcome] = []
    seconds = 0.0
    progress(0, len(specs))
    for batch in _batches(specs, BATCH if isinstance(advisor, ManyAtOnce) else 1):
        triplets = [material.maker.make(spec) for spec in batch]
        began = time.perf_counter()
        answers = _answers(advisor, triplets)
        seconds += time.perf_counter() - began
        outcomes += [outcome(t.spec, t.anchor, t.flaws_db, advice) for t, advice in zip(triplets, answers, strict=True)]
        progress(len(outcomes), len(specs))
    return EvaluationResult(
        data=str(material.data),
        split=material.split,
        protocol=protocol,
        setting=setting,
        advisor=name or advisor.name,
        seed=seed,
        n=len(outcomes),
        songs=len({one.spec.song for one in outcomes}),
        unanswered=sum(one.answer is None for one in outcomes),
        overall=overall_scores(outcomes, seed),
        error_detection=error_detection(outcomes),
        gain_error_db=gain_errors(outcomes),
        by_category=_in_order(CATEGORIES, scores_by(outcomes, [one.spec.category for one in outcomes], seed)),
        by_stem=_in_order(TARGETS, scores_by(outcomes, [one.spec.target or one.truth.stem for one in outcomes], seed)),
        by_direction=_in_order(DIRECTIONS, scores_by(outcomes, [one.truth.direction for one in outcomes], seed)),
        seconds_per_sample=round(seconds / len(outcomes), 6),
    )


def _batches(specs: Sequence[SampleSpec], size: int) -> Iterator[Sequence[SampleSpec]]:
    return (specs[start : start + size] for start in range(0, len(specs), size))


def _answers(advisor: Advisor, triplets: Sequence[Triplet]) -> list[GainAdvice | None]:
    """Advice for every triplet, None where refused. One refusal in a batch makes it go through them one by one."""
    if isinstance(advisor, ManyAtOnce):
        try:
            return list(advisor.advise_many([(t.flawed, t.reference, t.anchor) for t in triplets]))
        except UserError:
            pass
    return [_answer(advisor, triplet) for triplet in triplets]


def _answer(advisor: Advisor, triplet: Triplet) -> GainAdvice | None:
    try:
        return advisor.advise(triplet.flawed, triplet.reference, triplet.anchor)
    except UserError:
        return None


def _in_order(keys: Sequence[_Key], scores: dict[_Key, GroupScores]) -> dict[_Key, GroupScores]:
    return {key: scores[key] for key in keys if key in scores}
