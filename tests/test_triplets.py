"""Triplets: the flaw is what was promised, in every setting the same, whatever the order of making."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from songs import make_stems

from mixingbuddy.models.data.chunks import Chunk, chunks_of, mix_of
from mixingbuddy.models.data.labels import Label
from mixingbuddy.models.data.songs import find_songs
from mixingbuddy.models.data.triplets import (
    CATEGORIES,
    CATEGORY_RANGES_DB,
    SETTINGS,
    TARGETS,
    SampleSpec,
    Setting,
    Triplet,
    TripletMaker,
    flaws_of,
    multi_specs,
    single_specs,
)
from mixingbuddy.models.level_difference import LevelDifference
from mixingbuddy.models.reference_stems import level_lufs
from mixingbuddy.tools.errors import UserError
from mixingbuddy.tools.multitrack import Multitrack, Stem
from mixingbuddy.tools.roles import Role

ROLES: dict[str, Role] = {"vocals": "vocals", "drums": "drums", "bass": "bass", "guitar": "other"}


def chunk(song: str, seed: int, index: int = 0, rate_hz: int = 44_100) -> Chunk:
    rng = np.random.default_rng(seed)
    stems = tuple(
        Stem(ROLES[name], ROLES[name], audio * np.float32(10 ** (rng.uniform(-6, 6) / 20)))
        for name, audio in make_stems(2.0, seed).items()
    )
    return Chunk(song, index, 10.0 * index, Multitrack(song, rate_hz, stems))


@pytest.fixture(scope="module")
def chunks() -> list[Chunk]:
    return [chunk("one", 1), chunk("one", 2, 3), chunk("two", 3), chunk("three", 4)]


@pytest.fixture(scope="module")
def maker(chunks: list[Chunk]) -> TripletMaker:
    return TripletMaker(chunks)


def spec(chunks: list[Chunk], setting: Setting, part: str, seed: int = 0) -> SampleSpec:
    return next(s for s in single_specs(chunks, setting, seed) if s.id == f"single/{part}")


def gains_db(triplet: Triplet, clean: Chunk) -> dict[str, float]:
    """Gain of every flawed stem re the clean one, measured on the samples."""
    pairs = zip(triplet.flawed.stems, clean.stems.stems, strict=True)
    return {ours.name: 20 * np.log10(float(ours.audio.std() / own.audio.std())) for ours, own in pairs}


def as_bytes(triplet: Triplet) -> list[bytes]:
    stems = (*triplet.flawed.stems, *(triplet.reference.stems if triplet.reference else ()))
    return [stem.audio.tobytes() for stem in stems]


def test_single_names_every_combination_once(chunks: list[Chunk]) -> None:
    specs = single_specs(chunks, "stems", 0)
    assert len(specs) == len({s.id for s in specs}) == len(chunks) * 3 * 2 * 5
    assert specs[0].id == "single/one/0/vocals/drums/very_quiet"
    assert {s.category for s in specs} == set(CATEGORIES)
    assert all(s.target != s.anchor and s.target in TARGETS and s.anchor in TARGETS for s in specs)


def test_gains_lie_in_their_category_and_fill_it() -> None:
    template = SampleSpec("", "one", 0, "single", "mix", 0, target="bass", anchor="vocals")
    for category, (low_db, high_db) in CATEGORY_RANGES_DB.items():
        drawn = [flaws_of(replace(template, id=f"{n}/{category}", category=category)) for n in range(500)]
        if category == "no_error":
            assert not any(drawn)
            continue
        gains = [flaws["bass"] for flaws in drawn]
        width_db = high_db - low_db
        assert low_db <= min(gains) < low_db + 0.03 * width_db
        assert high_db - 0.03 * width_db < max(gains) <= high_db
        # A uniform distribution: four standard errors around its middle.
        assert np.mean(gains) == pytest.approx((low_db + high_db) / 2, abs=4 * width_db / np.sqrt(12 * 500))


def test_multi_has_one_to_three_flaws_and_every_fifth_is_clean(chunks: list[Chunk]) -> None:
    specs = multi_specs(chunks[:1], "stems", 0, draws=4000)
    assert specs[7].id == "multi/one/0/7"
    drawn = [flaws_of(s) for s in specs]
    counts = Counter(map(len, drawn))
    assert counts[0] / 4000 == pytest.approx(0.2, abs=4 * np.sqrt(0.2 * 0.8 / 4000))
    for flaws in (1, 2, 3):
        share = 0.8 / 3
        assert counts[flaws] / 4000 == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / 4000))
    sizes = np.array([gain for flaws in drawn for gain in flaws.values()])
    assert np.abs(sizes).min() >= 3
    assert np.abs(sizes).max() <= 12
    assert np.mean(sizes > 0) == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(len(sizes)))
    assert {name for flaws in drawn for name in flaws} == set(TARGETS)


def test_the_flaw_hangs_on_seed_and_id_only(chunks: list[Chunk]) -> None:
    for a, b in zip(single_specs(chunks, "mix", 5), single_specs(chunks, "stems+other", 5), strict=True):
        assert flaws_of(a) == flaws_of(b)
    by_seed = [[flaws_of(s) for s in single_specs(chunks, "mix", seed)] for seed in (5, 6)]
    assert by_seed[0] != by_seed[1]


def test_the_label_undoes_the_flaw_largest_first(chunks: list[Chunk], maker: TripletMaker) -> None:
    for s in multi_specs(chunks, "stems", 1, draws=10):
        triplet = maker.make(s)
        assert triplet.anchor is None
        assert dict(triplet.label.moves) == {name: -gain for name, gain in triplet.flaws_db.items()}
        sizes = [abs(gain) for _, gain in triplet.label.moves]
        assert sizes == sorted(sizes, reverse=True)
        clean = next(c for c in chunks if (c.song, c.index) == (s.song, s.chunk))
        expected = dict.fromkeys(triplet.flawed.names, 0.0) | dict(triplet.flaws_db)
        assert gains_db(triplet, clean) == pytest.approx(expected, abs=1e-4)


def test_a_clean_sample_has_nothing_to_do(chunks: list[Chunk], maker: TripletMaker) -> None:
    triplet = maker.make(spec(chunks, "stems", "two/0/drums/bass/no_error"))
    assert (triplet.flaws_db, triplet.label, triplet.anchor) == ({}, Label(()), "bass")


def test_mix_is_the_sum_of_the_flawed_stems(chunks: list[Chunk], maker: TripletMaker) -> None:
    part = "two/0/drums/bass/very_loud"
    mix, stems = maker.make(spec(chunks, "mix", part)), maker.make(spec(chunks, "stems", part))
    assert (mix.flawed.mix_only, mix.flawed.names, mix.flawed.stems[0].role) == (True, ("mix",), "other")
    assert (mix.reference, mix.anchor, stems.reference) == (None, "bass", None)
    np.testing.assert_allclose(
        mix.flawed.stems[0].audio, np.sum([s.audio for s in stems.flawed.stems], axis=0), atol=1e-6
    )


@pytest.mark.parametrize("setting", ["stems+mix", "stems+master", "stems+stems"])
def test_references_of_the_same_song_are_not_said_to_be(
    setting: Setting, chunks: list[Chunk], maker: TripletMaker
) -> None:
    triplet = maker.make(spec(chunks, setting, "two/0/vocals/bass/quiet"))
    assert triplet.reference is not None
    assert (triplet.reference.kind, triplet.reference.same_song) == (
        "stems" if setting == "stems+stems" else "mix",
        None,
    )
    assert len({stem.audio.shape[1] for stem in triplet.reference.stems}) == 1
    # The independent route: least squares on band powers finds the planted gain.
    found = LevelDifference().advise(triplet.flawed, triplet.reference, anchor="bass").for_stem("vocals")
    assert found is not None
    assert found.measured_db == pytest.approx(-triplet.flaws_db["vocals"], abs=0.5)


def test_the_own_mix_differs_from_the_clean_sum_by_its_level_only(chunks: list[Chunk], maker: TripletMaker) -> None:
    triplet = maker.make(spec(chunks, "stems+mix", "two/0/vocals/bass/quiet"))
    assert triplet.reference is not None
    clean = mix_of(chunks[2].stems.stems)
    level = float(triplet.reference.stems[0].audio.std() / clean.std())
    assert abs(20 * np.log10(level)) <= 6
    np.testing.assert_allclose(triplet.reference.stems[0].audio, clean * level, atol=1e-5)


def test_levels_are_those_of_the_other_song_before_the_flaw(chunks: list[Chunk], maker: TripletMaker) -> None:
    part = "one/0/drums/vocals/very_loud"
    triplet = maker.make(spec(chunks, "stems+other", part))
    assert triplet.reference is not None
    assert triplet.reference.same_song is False
    assert triplet.reference.name in {"two", "three"}
    theirs = {stem.name: level_lufs(stem.audio, 44_100) for stem in triplet.reference.stems}
    for stem in triplet.flawed.stems:
        ours, goal = level_lufs(stem.audio, 44_100), theirs[stem.name]
        assert ours is not None
        assert goal is not None
        assert ours - goal == pytest.approx(triplet.flaws_db.get(stem.name, 0.0), abs=0.05)


def test_of_the_same_other_song_only_the_mix_is_heard(chunks: list[Chunk], maker: TripletMaker) -> None:
    for part in ("one/0/drums/vocals/very_loud", "two/0/bass/vocals/no_error"):
        stems = maker.make(spec(chunks, "stems+other", part))
        mix = maker.make(spec(chunks, "stems+other-mix", part))
        assert stems.reference is not None
        assert mix.reference is not None
        assert (mix.reference.kind, mix.reference.same_song) == ("mix", False)
        assert mix.reference.name == stems.reference.name
        np.testing.assert_array_equal(mix.reference.stems[0].audio, mix_of(stems.reference.stems))
        assert as_bytes(stems)[:4] == as_bytes(mix)[:4]


def test_the_other_song_is_never_the_same_and_each_chunk_is_as_likely(chunks: list[Chunk], maker: TripletMaker) -> None:
    specs = multi_specs(chunks[:1], "stems+other", 0, draws=400)
    other = Counter(maker._other_song(s).song for s in specs)
    assert set(other) == {"two", "three"}
    assert other["two"] == pytest.approx(200, abs=4 * np.sqrt(400 * 0.25))
    others = Counter((c.song, c.index) for s in multi_specs(chunks[3:], "stems+other", 0, draws=600)
                     for c in [maker._other_song(s)])  # fmt: skip
    assert set(others) == {("one", 0), ("one", 3), ("two", 0)}


def test_one_song_alone_has_no_other(chunks: list[Chunk]) -> None:
    alone = TripletMaker(chunks[:2])
    with pytest.raises(UserError, match="needs two songs at least; there is only 'one'"):
        alone.make(spec(chunks, "stems+other", "one/0/drums/vocals/loud"))


def test_another_sample_rate_is_resampled(chunks: list[Chunk]) -> None:
    mixed = TripletMaker([chunks[0], chunk("fast", 9, rate_hz=48_000)])
    triplet = mixed.make(spec(chunks, "stems+other", "one/0/drums/vocals/no_error"))
    assert triplet.reference is not None
    length = chunk("fast", 9).stems.samples * 44_100 / 48_000
    for stem, ours in zip(triplet.reference.stems, triplet.flawed.stems, strict=True):
        assert stem.audio.shape[1] == pytest.approx(length, abs=2)
        goal, level = level_lufs(stem.audio, 44_100), level_lufs(ours.audio, 44_100)
        # Of the drums, which are white noise, resampling takes what lies above 22.05 kHz.
        assert level == pytest.approx(goal, abs=1.0 if stem.name == "drums" else 0.05)


def test_a_silent_stem_keeps_its_level(chunks: list[Chunk]) -> None:
    song = chunks[0].stems
    quiet = (*song.stems[:3], replace(song.stems[3], audio=song.stems[3].audio * np.float32(1e-6)))
    silent = replace(chunks[0], stems=replace(song, stems=quiet))
    triplet = TripletMaker([silent, chunks[2]]).make(spec(chunks, "stems+other", "one/0/drums/vocals/no_error"))
    np.testing.assert_array_equal(triplet.flawed.stems[3].audio, quiet[3].audio)


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_same_bytes_in_any_order(setting: Setting, chunks: list[Chunk]) -> None:
    specs = [s for s in single_specs(chunks, setting, 3) if s.category in ("no_error", "loud")][::9]
    first, second = TripletMaker(chunks), TripletMaker(chunks[::-1])
    forwards = [as_bytes(first.make(s)) for s in specs]
    backwards = [as_bytes(second.make(s)) for s in reversed(specs)]
    assert forwards == backwards[::-1]


def test_making_leaves_the_chunks_alone(chunks: list[Chunk], maker: TripletMaker) -> None:
    before = [stem.audio.copy() for c in chunks for stem in c.stems.stems]
    for setting in SETTINGS:
        maker.make(spec(chunks, setting, "one/3/bass/drums/very_quiet"))
    after = [stem.audio for c in chunks for stem in c.stems.stems]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_levels_of_real_songs_are_brought_to_each_others(shared_data: Path) -> None:
    chunks = [c for s in find_songs(shared_data / "musdb18-7s", "valid")[:3] for c in chunks_of(s.load())]
    triplet = TripletMaker(chunks).make(single_specs(chunks, "stems+other", 0)[2])
    assert triplet.flaws_db == {}
    assert triplet.reference is not None
    for ours, theirs in zip(triplet.flawed.stems, triplet.reference.stems, strict=True):
        assert level_lufs(ours.audio, 44_100) == pytest.approx(level_lufs(theirs.audio, 44_100), abs=0.01)
