"""Planted copies, inversions and bleed are found with their delay; music that is merely alike is left alone."""

import time
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

from mixingbuddy.tools.dynamics import hops_of
from mixingbuddy.tools.multitrack import Multitrack, Stem, load_song
from mixingbuddy.tools.roles import Role
from mixingbuddy.tools.sources import ArraySource
from mixingbuddy.tools.stem_pairs import StemPair, measure_stem_pairs

RATE_HZ = 44100
ALARMS = {"duplicate", "inverted_duplicate", "delayed_duplicate", "polarity_conflict"}


def later(audio: np.ndarray, samples: int) -> np.ndarray:
    return np.pad(audio, ((0, 0), (samples, 0)))[:, : audio.shape[1]]


def pairs(*stems: tuple[str, Role, np.ndarray], rate_hz: int = RATE_HZ) -> tuple[StemPair, ...]:
    made = tuple(Stem(name, role, np.atleast_2d(audio).astype(np.float32)) for name, role, audio in stems)
    return pairs_of(Multitrack("x", rate_hz, made))


def with_stem(song: Multitrack, name: str, role: Role, audio: np.ndarray) -> Multitrack:
    return Multitrack(song.name, song.sample_rate_hz, (*song.stems, Stem(name, role, audio.astype(np.float32))))


def pairs_of(song: Multitrack) -> tuple[StemPair, ...]:
    rate_hz = song.sample_rate_hz
    sources = [ArraySource(stem.audio, rate_hz) for stem in song.stems]
    energies = [hops_of(stem.audio, rate_hz).mean_square.sum(axis=0) for stem in song.stems]
    return measure_stem_pairs(song.names, [stem.role for stem in song.stems], sources, energies, rate_hz)


def noise(seed: int, seconds: float = 6.0, channels: int = 1, rate_hz: int = RATE_HZ) -> np.ndarray:
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * rate_hz)) / rate_hz
    return 0.1 * rng.standard_normal((channels, len(t))) * np.exp(-6 * (t % 0.5))


@pytest.fixture(scope="module")
def clingo(shared_data: Path) -> Multitrack:
    return load_song(shared_data / "multitracks" / "clingo", "none").multitrack


@pytest.mark.parametrize("name", ["vox", "bass", "snare"])
def test_a_real_stem_duplicated_12_ms_late_is_found(clingo: Multitrack, name: str) -> None:
    stem = clingo.stem(name)
    assert stem is not None
    song = with_stem(clingo, "Audio 17", "other", 0.5 * later(stem.audio, 529))
    (pair,) = [pair for pair in pairs_of(song) if pair.relation in ALARMS]
    assert (pair.relation, pair.early, pair.late) == ("delayed_duplicate", name, "Audio 17")
    assert abs(pair.delay_samples - 529) <= 1
    assert pair.delay_ms == pytest.approx(12.0, abs=0.03)


@pytest.mark.parametrize(("gain", "relation"), [(1.0, "duplicate"), (0.3, "duplicate"), (-0.3, "inverted_duplicate")])
def test_a_copy_at_any_gain_is_found(clingo: Multitrack, gain: float, relation: str) -> None:
    vox = clingo.stems[-1]
    (pair,) = [p for p in pairs_of(with_stem(clingo, "copy", "other", gain * vox.audio)) if p.relation in ALARMS]
    assert (pair.relation, {pair.early, pair.late}, pair.delay_samples) == (relation, {"vox", "copy"}, 0)
    assert abs(pair.gain_db or 0) == pytest.approx(abs(20 * np.log10(abs(gain))), abs=0.01)


@pytest.mark.parametrize("cutoff_hz", [150, 500])
@pytest.mark.parametrize("distance_samples", [0, 44])
@pytest.mark.parametrize("sign", [-1, 1])
def test_an_inverted_snare_bottom_is_found_and_a_healthy_one_is_not(
    clingo: Multitrack, cutoff_hz: float, distance_samples: int, sign: int
) -> None:
    top = clingo.stem("snare")
    assert top is not None
    wires = sosfilt(butter(2, [cutoff_hz, 9000], "band", fs=RATE_HZ, output="sos"), later(top.audio, distance_samples))
    drums = Multitrack("drums", RATE_HZ, tuple(s for s in clingo.stems if s.role in ("kick", "snare", "hats")))
    wires = sign * 0.4 * wires + 0.0005 * np.random.default_rng(1).standard_normal(wires.shape)
    found = [p for p in pairs_of(with_stem(drums, "snare bottom", "snare", wires)) if p.relation in ALARMS]
    if sign > 0:
        assert found == []
        return
    (pair,) = found
    assert (pair.relation, pair.flip) == ("polarity_conflict", "snare bottom")
    assert {pair.early, pair.late} == {"snare", "snare bottom"}


@pytest.mark.parametrize(
    ("names", "role", "flipped"),
    [(("KickIn", "KickOut"), "kick", "KickOut"), (("Bass DI", "Bass Amp"), "bass", "Bass Amp"),
     (("Gtr1 Amp", "Gtr1 DI"), "guitar", "Gtr1 Amp")],
)  # fmt: skip
def test_close_pairs_by_name(names: tuple[str, str], role: Role, flipped: str) -> None:
    near = noise(1)
    far = later(sosfilt(butter(1, 3000, fs=RATE_HZ, output="sos"), near), 15)
    assert [p for p in pairs((names[0], role, near), (names[1], role, far)) if p.relation in ALARMS] == []
    assert [p.flip for p in pairs((names[0], role, near), (names[1], role, -far))] == [flipped]


def test_different_drums_that_hear_each_other_inverted_are_bleed_not_a_conflict() -> None:
    snare, tom = noise(1), noise(2)
    heard = tom - 0.2 * later(snare, 88)
    (pair,) = pairs(("snare", "snare", snare), ("tom", "toms", heard))
    assert (pair.relation, pair.early, pair.late, pair.delay_samples) == ("bleed", "snare", "tom", 88)
    assert -0.3 < pair.correlation < -0.1
    assert pair.delay_ms == pytest.approx(2.0, abs=0.01)


def test_real_drum_bleed_is_information_and_other_songs_are_quiet(shared_data: Path, clingo: Multitrack) -> None:
    found = pairs_of(clingo)
    assert {pair.relation for pair in found} == {"bleed"}
    assert {pair.early for pair in found} | {pair.late for pair in found} <= {
        "kick", "snare", "hihat", "tomOne", "tomTwo", "tomThree"}  # fmt: skip
    snare_to_tom = next(p for p in found if {p.early, p.late} == {"snare", "tomOne"})
    assert (snare_to_tom.early, snare_to_tom.delay_samples) == ("snare", pytest.approx(41, abs=2))
    for song in ("falcon69", "waveform-playlist"):
        assert pairs_of(load_song(shared_data / "multitracks" / song, "none").multitrack) == ()


def test_double_tracking_and_the_same_notes_are_not_the_same_sound() -> None:
    t = np.arange(6 * RATE_HZ) / RATE_HZ
    takes = [
        sum(np.sin(2 * np.pi * 110 * k * (1 + 1e-3 * take) * t + rng.uniform(0, 6)) / k for k in range(1, 20))
        * np.exp(-3 * ((t + 0.01 * take) % 0.5))
        for take, rng in ((i, np.random.default_rng(i)) for i in range(2))
    ]
    assert pairs(("Gtr L", "guitar", 0.1 * takes[0]), ("Gtr R", "guitar", 0.1 * takes[1])) == ()


@pytest.mark.parametrize("rate_hz", [8000, 48000, 192000])
@pytest.mark.parametrize("channels", [1, 2])
def test_any_rate_and_channels(rate_hz: int, channels: int) -> None:
    sound = noise(3, 4.0, channels, rate_hz)
    delay = round(0.012 * rate_hz)
    (pair,) = pairs(("a", "keys", sound), ("b", "keys", later(sound, delay)), ("c", "keys", noise(4, 4.0, 1, rate_hz)),
                    rate_hz=rate_hz)  # fmt: skip
    assert (pair.relation, pair.late) == ("delayed_duplicate", "b")
    assert abs(pair.delay_samples - delay) <= 1


@pytest.mark.parametrize("samples", [1, 1323, 88200])
def test_silence_and_short_sounds_give_a_result(samples: int) -> None:
    silence, sound = np.zeros((1, samples)), noise(1)[:, :samples]
    assert pairs(("a", "kick", silence), ("b", "kick", silence), ("c", "kick", sound)) == ()
    assert pairs(("a", "kick", sound)) == ()


def test_64_stems_stay_in_seconds() -> None:
    stems = [(f"s{i}", "other", noise(i, 12.0)) for i in range(64)]
    stems[40] = ("late", "other", later(stems[7][2], 529))
    start = time.perf_counter()
    (pair,) = pairs(*stems)  # type: ignore[arg-type]
    assert (pair.early, pair.late, pair.delay_samples) == ("s7", "late", 529)
    assert time.perf_counter() - start < 15
