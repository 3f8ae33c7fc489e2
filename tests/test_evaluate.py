"""The balance benchmark asked of advisors whose score is known beforehand."""

import json
import time
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import pytest
from musdb_folder import write_musdb
from numpy.typing import NDArray

from mixingbuddy.models.advisor import GainAdvice, StemAdvice
from mixingbuddy.models.data.labels import Label, write_label_text
from mixingbuddy.models.data.triplets import TARGETS, Setting, Triplet, TripletMaker
from mixingbuddy.models.evaluate import (
    BATCH,
    EvaluationResult,
    Material,
    Question,
    evaluate,
    load_material,
    refusal,
    samples_of,
)
from mixingbuddy.models.protocols import Protocol
from mixingbuddy.tools.errors import UserError
from mixingbuddy.tools.multitrack import Multitrack, Reference

FLAWED = ("very_quiet", "quiet", "loud", "very_loud")


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    return load_material(write_musdb(tmp_path_factory.mktemp("musdb"), duration_s=1.5), "valid")


class Oracle:
    """Knows the clean stems of every song, and so the gains; says `times` the right gain."""

    name = "oracle"

    def __init__(self, material: Material, times: float = 1.0) -> None:
        self._clean = {chunk.song: chunk.stems for chunk in material.chunks}
        self._times = times

    def advise(
        self,
        multitrack: Multitrack,
        reference: Reference | None = None,
        anchor: str | None = None,
        locks: Collection[str] = (),
    ) -> GainAdvice:
        clean = self._clean[multitrack.name]
        gains_db = {name: self._times * right for name, right in right_gains_db(multitrack, clean).items()}
        moves = tuple((name, round(gain_db, 1)) for name, gain_db in gains_db.items() if gain_db)
        return told(gains_db, write_label_text(Label(moves), "none", np.random.default_rng(0)))


def right_gains_db(flawed: Multitrack, clean: Multitrack) -> Mapping[str, float]:
    """Least squares of the clean stems onto the flawed song."""

    def column(audio: NDArray[np.float32]) -> NDArray[np.float64]:
        return audio.reshape(-1).astype(np.float64)

    stems = np.stack([column(stem.audio) for stem in clean.stems], axis=1)
    if flawed.mix_only:
        gains = np.linalg.lstsq(stems, column(flawed.stems[0].audio), rcond=None)[0]
    else:
        gains = [np.vdot(stems[:, i], column(stem.audio)) for i, stem in enumerate(flawed.stems)]
        gains = np.array(gains) / (stems**2).sum(axis=0)
    right = dict(zip(clean.names, -20 * np.log10(gains), strict=True))
    return {name: float(gain_db) if abs(gain_db) > 0.01 else 0.0 for name, gain_db in right.items()}


def told(gains_db: Mapping[str, float], text: str | None = None) -> GainAdvice:
    stems = tuple(
        StemAdvice(stem=s, gain_db=g, measured_db=g, interval_db=(g, g), p_change=float(g != 0.0), reason="told so")
        for s, g in gains_db.items()
    )
    return GainAdvice(advisor="told", stems=stems, evidence="told so", text=text)


class Silent:
    name = "silent"

    def advise(
        self,
        multitrack: Multitrack,
        reference: Reference | None = None,
        anchor: str | None = None,
        locks: Collection[str] = (),
    ) -> GainAdvice:
        return told(dict.fromkeys(TARGETS, 0.0))


class Picky(Oracle):
    """An oracle that refuses one song."""

    def advise(
        self,
        multitrack: Multitrack,
        reference: Reference | None = None,
        anchor: str | None = None,
        locks: Collection[str] = (),
    ) -> GainAdvice:
        if multitrack.name == min(self._clean):
            raise UserError(f"'{multitrack.name}' is not to my liking; give another")
        return super().advise(multitrack, reference, anchor)


class Together(Picky):
    """The same, many at once."""

    def __init__(self, material: Material) -> None:
        super().__init__(material)
        self.batches: list[int] = []

    def advise_many(self, questions: list[Question]) -> list[GainAdvice]:
        self.batches.append(len(questions))
        return [self.advise(song, reference, anchor) for song, reference, anchor in questions]


def result(
    advisor: Oracle | Silent, material: Material, protocol: Protocol = "single", setting: Setting = "stems"
) -> EvaluationResult:
    return evaluate(advisor, material.data, "valid", protocol, setting, seed=5, material=material)


@pytest.mark.parametrize("setting", ["mix", "stems", "stems+mix"])
def test_an_oracle_is_right_in_everything(material: Material, setting: Setting) -> None:
    done = result(Oracle(material), material, setting=setting)
    assert (done.n, done.songs, done.unanswered, done.setting) == (90, 3, 0, setting)
    assert done.overall.model_dump() == {
        "joint": 1.0, "joint_ci95": (1.0, 1.0), "stem": 1.0, "direction": 1.0, "magnitude": 1.0,
        "ece": 0.0, "text_agrees": 1.0,
    }  # fmt: skip
    assert done.error_detection.model_dump() == {"precision": 1.0, "recall": 1.0, "f1": 1.0}
    assert done.gain_error_db.p99 < 0.01
    assert {name: scores.n for name, scores in done.by_category.items()} == dict.fromkeys((*FLAWED, "no_error"), 18)
    assert {name: scores.n for name, scores in done.by_stem.items()} == dict.fromkeys(TARGETS, 30)
    assert {name: scores.n for name, scores in done.by_direction.items()} == {"up": 36, "down": 36, "none": 18}


def test_one_who_never_speaks_gets_the_clean_fifth(material: Material) -> None:
    done = result(Silent(), material)
    assert {name: scores.joint for name, scores in done.by_category.items()} == {
        **dict.fromkeys(FLAWED, 0.0),
        "no_error": 1.0,
    }
    assert done.overall.joint == 0.2
    assert [scores.joint for scores in done.by_stem.values()] == [0.2] * 3
    assert (done.overall.magnitude, done.overall.text_agrees) == (0.0, None)
    assert done.error_detection.recall == 0.0
    assert done.overall.ece == pytest.approx(0.4)  # of two judged stems a sample, one needs a change in 4 of 5


def test_an_inverted_oracle_knows_the_stem_and_never_the_direction(material: Material) -> None:
    done = result(Oracle(material, times=-1.0), material)
    for category in FLAWED:
        scores = done.by_category[category]
        assert (scores.stem, scores.direction, scores.joint, scores.magnitude) == (1.0, 0.0, 0.0, 0.0)
    assert (done.by_direction["up"].direction, done.by_direction["down"].direction) == (0.0, 0.0)
    assert done.error_detection.f1 == 1.0


def test_gains_that_are_half_as_large_are_half_wrong(material: Material) -> None:
    done = result(Oracle(material, times=0.5), material, protocol="multi")
    full = result(Silent(), material, protocol="multi")
    assert done.overall.joint == 1.0
    assert done.gain_error_db.p90 == pytest.approx(full.gain_error_db.p90 / 2, abs=0.01)


def test_protocol_multi_has_no_categories(material: Material) -> None:
    done = result(Oracle(material), material, protocol="multi")
    assert (done.n, done.overall.joint, done.by_category) == (3, 1.0, {})
    assert sum(scores.n for scores in done.by_direction.values()) == 3
    assert set(done.by_stem) <= set(TARGETS)


def test_a_refusal_is_a_wrong_answer_and_is_counted(material: Material) -> None:
    done = result(Picky(material), material)
    assert done.unanswered == 30
    assert done.overall.joint == pytest.approx(2 / 3, abs=1e-4)
    assert done.by_category["no_error"].joint == pytest.approx(2 / 3, abs=1e-4)
    assert done.overall.joint_ci95 is not None
    assert done.overall.joint_ci95[0] < 0.4


def test_many_at_once_says_the_same(material: Material) -> None:
    together = Together(material)
    many, one_by_one = result(together, material), result(Picky(material), material)
    assert together.batches == [BATCH, BATCH, 90 - 2 * BATCH]
    assert many.model_dump(exclude={"seconds_per_sample"}) == one_by_one.model_dump(exclude={"seconds_per_sample"})


def test_only_the_advice_is_timed(material: Material, monkeypatch: pytest.MonkeyPatch) -> None:
    make = TripletMaker.make

    def slow(maker: TripletMaker, spec: object) -> Triplet:
        time.sleep(0.1)
        return make(maker, spec)  # type: ignore[arg-type]

    monkeypatch.setattr(TripletMaker, "make", slow)
    done = evaluate(Silent(), material.data, "valid", "single", "stems", 0, samples=4, material=material)
    assert 0 < done.seconds_per_sample < 0.05


def test_samples_are_drawn_by_the_seed_and_progress_is_told(material: Material) -> None:
    told_of: list[tuple[int, int]] = []
    done = evaluate(
        Silent(), material.data, "valid", "single", "stems", 1, samples=7, material=material,
        progress=lambda part, whole: told_of.append((part, whole)),
    )  # fmt: skip
    assert done.n == 7
    assert (told_of[0], told_of[-1]) == ((0, 7), (7, 7))


def test_only_the_first_songs(tmp_path: Path) -> None:
    folder = write_musdb(tmp_path, valid=3, train=0, test=1)
    assert evaluate(Silent(), folder, "valid", "single", "stems", 0, songs=2).songs == 2
    assert evaluate(Silent(), folder, "test", "multi", "stems", 0).songs == 1


def test_why_an_advisor_can_do_nothing(material: Material) -> None:
    class Never(Silent):
        def advise(self, *anything: object) -> GainAdvice:  # type: ignore[override]
            raise UserError("not today; come again")

    class Nothing(Silent):
        def advise(self, *anything: object) -> GainAdvice:  # type: ignore[override]
            return told({})

    specs = samples_of(material, "single", "stems", 0)
    assert refusal(Never(), material, specs) == "not today; come again"
    assert refusal(Nothing(), material, specs) == "told so"
    assert refusal(Picky(material), material, specs) is None


def test_another_song_is_needed_for_some_settings(tmp_path: Path) -> None:
    alone = load_material(write_musdb(tmp_path, valid=1), "valid")
    why = refusal(Silent(), alone, samples_of(alone, "single", "stems+other", 0))
    assert why is not None
    assert "needs two songs" in why


def test_songs_in_which_nothing_sounds_together_are_refused(tmp_path: Path) -> None:
    from songs import make_stems, write_song

    stems = make_stems(2.0)
    stems["other"] = stems.pop("guitar")
    write_song(tmp_path / "somebody", stems | {"vocals": np.zeros_like(stems["vocals"]), "mixture": stems["bass"]})
    with pytest.raises(UserError, match="never sound together in the 1 songs"):
        load_material(tmp_path, "train")


def test_the_document_is_strict_json_with_the_stable_keys(material: Material) -> None:
    document = json.loads(json.dumps(result(Silent(), material).model_dump(mode="json"), allow_nan=False))
    assert set(document) == {
        "data", "split", "protocol", "setting", "advisor", "seed", "n", "songs", "unanswered", "overall",
        "error_detection", "gain_error_db", "by_category", "by_stem", "by_direction", "seconds_per_sample",
    }  # fmt: skip
    assert set(document["overall"]) == {
        "joint", "joint_ci95", "stem", "direction", "magnitude", "ece", "text_agrees",
    }  # fmt: skip
    assert set(document["by_stem"]["bass"]) == {"n", "joint", "joint_ci95", "stem", "direction", "magnitude"}
    assert set(document["gain_error_db"]) == {"median", "p90", "p99"}
