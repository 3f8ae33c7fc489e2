"""Known gains come back: synthetic songs, mastering, invariances, and what must not be answered."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mixingbuddy.models.advisor import GainAdvice
from mixingbuddy.models.level_difference import LevelDifference
from mixingbuddy.tools.errors import UserError
from mixingbuddy.tools.multitrack import Multitrack, Reference, Song, Stem, load_song, with_gains

Audio = NDArray[np.float32]

RATE_HZ = 44_100
NAMES = ("vocals", "drums", "bass", "other")


def notes(
    rng: np.random.Generator, seconds: float, low_hz: float, high_hz: float, rate_hz: int, channels: int = 2
) -> Audio:
    """Harmonic notes of a quarter second with random pitch, level and place between left and right."""
    per_note = max(1, int(0.25 * rate_hz))
    time_s = np.arange(per_note) / rate_hz
    parts = []
    for _ in range(int(np.ceil(seconds * rate_hz / per_note))):
        pitch_hz = rng.uniform(low_hz, high_hz)
        tone = sum(
            np.sin(2 * np.pi * k * pitch_hz * time_s + rng.uniform(0, 6)) / k
            for k in range(1, 9)
            if k * pitch_hz < rate_hz / 2
        )
        tone = tone * np.exp(-6 * time_s) * rng.uniform(0.2, 1)
        parts.append(tone * np.array([[np.cos(angle := rng.uniform(0.4, 1.2))], [np.sin(angle)]])[:channels])
    audio = np.concatenate(parts, axis=1)[:, : int(seconds * rate_hz)]
    return np.ascontiguousarray(0.1 * audio, dtype=np.float32)


def hits(rng: np.random.Generator, seconds: float, rate_hz: int, channels: int = 2) -> Audio:
    """Noise bursts, four a second, with a fast decay."""
    samples = int(seconds * rate_hz)
    decay = np.exp(-40 * (np.arange(samples) / rate_hz % 0.25))
    return np.asarray(0.15 * decay * rng.standard_normal((channels, samples)), dtype=np.float32)


def make_song(seconds: float = 4.0, rate_hz: int = RATE_HZ, seed: int = 0, channels: int = 2) -> Multitrack:
    rng = np.random.default_rng(seed)
    return Multitrack(
        "song",
        rate_hz,
        (
            Stem("vocals", "vocals", notes(rng, seconds, 200, 800, rate_hz, channels)),
            Stem("drums", "drums", hits(rng, seconds, rate_hz, channels)),
            Stem("bass", "bass", notes(rng, seconds, 45, 120, rate_hz, channels)),
            Stem("other", "other", notes(rng, seconds, 150, 1500, rate_hz, channels)),
        ),
    )


def mix_of(song: Multitrack) -> Audio:
    return np.asarray(sum(stem.audio for stem in song.stems), dtype=np.float32)


def as_reference(audio: Audio, same_song: bool | None = None) -> Reference:
    mix = Stem("mix", "other", np.ascontiguousarray(audio, dtype=np.float32))
    return Reference("mix", "mix", (mix,), same_song)


def flawed(song: Multitrack, **gains_db: float) -> Multitrack:
    return with_gains(song, [10 ** (gains_db.get(name, 0.0) / 20) for name in song.names])


def flags(advice: GainAdvice) -> dict[str, float]:
    return {stem.stem: stem.gain_db for stem in advice.stems if stem.gain_db != 0}


def measured(advice: GainAdvice) -> dict[str, float]:
    return {stem.stem: stem.measured_db for stem in advice.stems}


def kinds(advice: GainAdvice) -> dict[str, str]:
    return {finding.stems[0]: finding.kind for finding in advice.findings if finding.stems}


def peak_limited(mix: Audio, ceiling: float) -> Audio:
    """A plain look-ahead limiter: smallest gain of 3 ms, smoothed over 2 ms."""
    from scipy.ndimage import minimum_filter1d, uniform_filter1d

    gain = np.minimum(1, ceiling / np.maximum(np.abs(mix).max(axis=0), 1e-9))
    return np.asarray(mix * uniform_filter1d(minimum_filter1d(gain, 133), 89), dtype=np.float32)


def half_a_sample_later(mix: Audio) -> Audio:
    spectrum = np.fft.rfft(mix)
    phase = np.exp(-1j * np.pi * np.arange(spectrum.shape[1]) / mix.shape[1])
    return np.asarray(np.fft.irfft(spectrum * phase, mix.shape[1]), dtype=np.float32)


def tilted(mix: Audio) -> Audio:
    """About +6 dB from the lowest to the highest frequency, by one zero of a first-order filter."""
    return np.asarray(np.concatenate([mix[:, :1], mix[:, 1:] - 0.35 * mix[:, :-1]], axis=1), dtype=np.float32)


MASTERINGS: dict[str, tuple[Callable[[Audio], Audio], float]] = {
    "as it is": (lambda mix: mix, 0.02),
    "6 dB louder, over full scale": (lambda mix: mix * np.float32(8), 0.02),
    "20 dB quieter": (lambda mix: mix * np.float32(0.1), 0.02),
    "inverted": (lambda mix: -mix, 0.02),
    "300 ms later": (lambda mix: np.pad(mix, ((0, 0), (13_230, 0))), 0.02),
    "starts 1 s later": (lambda mix: mix[:, RATE_HZ:], 0.02),
    "ends 1.5 s earlier": (lambda mix: mix[:, : -RATE_HZ * 3 // 2], 0.05),
    "half a sample later": (half_a_sample_later, 0.05),
    "tilted": (tilted, 0.1),
    "limited by 6 dB": (lambda mix: peak_limited(mix, 0.5 * float(np.abs(mix).max())), 0.1),
    "clipped by 6 dB": (lambda mix: np.clip(mix, *(np.array([-0.5, 0.5]) * float(np.abs(mix).max()))), 0.1),
    "saturated": (lambda mix: np.tanh(mix * 4), 0.2),
    "with noise at -40 dB": (
        lambda mix: mix + 0.01 * mix.std() * np.random.default_rng(9).standard_normal(mix.shape).astype(np.float32),
        0.05,
    ),
}


@pytest.mark.parametrize("mastering", MASTERINGS)
def test_one_quiet_stem_is_found_whatever_was_done_to_the_mix(mastering: str) -> None:
    master, tolerance_db = MASTERINGS[mastering]
    song = make_song()
    advice = LevelDifference().advise(flawed(song, vocals=-7), as_reference(master(mix_of(song))))
    assert flags(advice) == {"vocals": pytest.approx(7.0, abs=tolerance_db + 0.05)}
    assert measured(advice)["vocals"] == pytest.approx(7.0, abs=tolerance_db)


@pytest.mark.parametrize("mastering", MASTERINGS)
def test_nothing_is_flagged_on_a_clean_song(mastering: str) -> None:
    song = make_song(seed=1)
    advice = LevelDifference().advise(song, as_reference(MASTERINGS[mastering][0](mix_of(song))))
    assert len(advice.stems) == 4
    assert flags(advice) == {}
    assert max(stem.p_change for stem in advice.stems) < 0.1


def test_two_flaws_at_once() -> None:
    song = make_song()
    reference = as_reference(peak_limited(mix_of(song), 0.2))
    advice = LevelDifference().advise(flawed(song, bass=9, drums=-5), reference)
    assert flags(advice) == {"bass": pytest.approx(-9, abs=0.2), "drums": pytest.approx(5, abs=0.2)}


def test_all_stems_changed_by_the_same_gain_is_no_change_of_balance() -> None:
    song = make_song()
    advice = LevelDifference().advise(flawed(song, **dict.fromkeys(NAMES, -5.0)), as_reference(mix_of(song)))
    assert flags(advice) == {}
    assert advice.fit is not None
    assert advice.fit.level_offset_db == pytest.approx(5.0, abs=0.02)


def test_what_the_reference_is_like_is_reported() -> None:
    song = make_song()
    later = np.pad(-2 * mix_of(song), ((0, 0), (13_230, 0)))
    fit = LevelDifference().advise(song, as_reference(later)).fit
    assert fit is not None
    assert (fit.kind, fit.same_song, fit.inverted) == ("mix", True, True)
    assert fit.delay_s == pytest.approx(0.3, abs=1 / RATE_HZ)
    assert fit.level_offset_db == pytest.approx(20 * np.log10(2), abs=0.02)
    assert fit.explained == pytest.approx(1.0, abs=0.01)


def test_with_an_anchor_all_gains_are_relative_to_it() -> None:
    song = make_song()
    advice = LevelDifference().advise(flawed(song, vocals=-7), as_reference(mix_of(song)), anchor="Vocals")
    others = {name: pytest.approx(-7.0, abs=0.06) for name in NAMES if name != "vocals"}
    assert flags(advice) == others
    anchor = advice.for_stem("vocals")
    assert anchor is not None
    assert (anchor.gain_db, anchor.p_change) == (0.0, 0.0)


def test_locks_do_not_change_what_is_measured() -> None:
    song = flawed(make_song(), vocals=-7)
    reference = as_reference(mix_of(make_song()))
    assert LevelDifference().advise(song, reference, locks=("vocals",)) == LevelDifference().advise(song, reference)


def test_a_mono_stem_panned_in_the_reference_is_measured_by_power() -> None:
    song = make_song(channels=1)
    sides = {"vocals": (1.0, 1.0), "drums": (1.0, 1.0), "bass": (1.0, 1.0), "other": (2.0, 0.0)}
    panned = sum(stem.audio * np.array(sides[stem.name])[:, None] for stem in song.stems)
    advice = LevelDifference().advise(song, as_reference(np.asarray(panned)))
    assert measured(advice)["other"] == pytest.approx(10 * np.log10((2.0**2 + 0.0**2) / 2), abs=0.05)
    assert flags(advice) == {"other": pytest.approx(3.0, abs=0.1)}


def test_a_mono_reference_of_a_stereo_song() -> None:
    song = make_song()
    reference = as_reference(mix_of(song).mean(axis=0, keepdims=True))
    assert flags(LevelDifference().advise(flawed(song, bass=4), reference)) == {"bass": pytest.approx(-4, abs=0.06)}


def test_the_interval_holds_and_shrinks_with_length() -> None:
    widths = []
    for seconds in (1.0, 6.0):
        song = make_song(seconds)
        noisy = mix_of(song) + 0.01 * np.random.default_rng(3).standard_normal((2, song.samples))
        advice = LevelDifference().advise(flawed(song, vocals=-3), as_reference(noisy)).for_stem("vocals")
        assert advice is not None
        low, high = advice.interval_db
        assert low - 0.05 <= 3.0 <= high + 0.05
        widths.append(high - low)
    assert widths[1] < widths[0]


def with_stems(song: Multitrack, *stems: Stem) -> Multitrack:
    return Multitrack(song.name, song.sample_rate_hz, (*song.stems, *stems))


def test_a_silent_stem_gets_no_advice() -> None:
    song = make_song()
    silent = Stem("pad", "keys", np.zeros((2, song.samples), dtype=np.float32))
    advice = LevelDifference().advise(with_stems(song, silent), as_reference(mix_of(song)))
    assert (advice.for_stem("pad"), kinds(advice)) == (None, {"pad": "cannot_say"})


def test_twins_get_no_advice_but_the_others_do() -> None:
    song = make_song()
    copy = Stem("bass copy", "bass", song.stems[2].audio * np.float32(0.5))
    advice = LevelDifference().advise(with_stems(flawed(song, vocals=-7), copy), as_reference(mix_of(song)))
    assert kinds(advice) == {"bass": "cannot_say", "bass copy": "cannot_say"}
    assert flags(advice) == {"vocals": pytest.approx(7, abs=0.1)}


def test_an_inaudible_stem_gets_no_advice() -> None:
    song = make_song()
    faint = Stem("room", "fx", 1e-5 * hits(np.random.default_rng(8), 4, RATE_HZ))
    mastered = np.tanh(3 * mix_of(with_stems(song, faint)))
    advice = LevelDifference().advise(with_stems(song, faint), as_reference(mastered))
    assert kinds(advice) == {"room": "cannot_say"}


def test_a_stem_muted_in_the_reference_is_called_absent() -> None:
    song = make_song()
    advice = LevelDifference().advise(song, as_reference(mix_of(flawed(song, vocals=-200))))
    assert kinds(advice) == {"vocals": "absent_in_reference"}
    assert (advice.for_stem("vocals"), flags(advice)) == (None, {})


def test_a_stem_of_opposite_polarity_is_named() -> None:
    song = make_song()
    turned = Multitrack(
        "song", RATE_HZ, tuple(Stem(s.name, s.role, -s.audio if s.name == "bass" else s.audio) for s in song.stems)
    )
    advice = LevelDifference().advise(turned, as_reference(mix_of(song)))
    assert (kinds(advice), flags(advice)) == ({"bass": "polarity_differs"}, {})


def test_more_than_a_fader_can_do_is_said() -> None:
    song = make_song()
    advice = LevelDifference().advise(flawed(song, vocals=-20), as_reference(mix_of(song)))
    assert (flags(advice), kinds(advice)) == ({"vocals": 12.0}, {"vocals": "beyond_fader"})
    assert measured(advice)["vocals"] == pytest.approx(20, abs=0.1)


@pytest.mark.parametrize("seconds", [0.2, 1.0, 4.0])
def test_another_song_is_refused(seconds: float) -> None:
    other = mix_of(make_song(seconds, seed=99))
    with pytest.raises(UserError, match=r"'mix' does not look like a mix of this song .* --reference none"):
        LevelDifference().advise(make_song(seconds), as_reference(other))


def test_the_user_may_insist_that_it_is_the_same_song() -> None:
    advice = LevelDifference().advise(make_song(), as_reference(mix_of(make_song(seed=99)), same_song=True))
    assert advice.fit is not None
    assert advice.fit.same_song
    assert "poor_reference_fit" in {finding.kind for finding in advice.findings}
    assert advice.fit.explained is not None
    assert advice.fit.explained < 0.2


def test_requests_that_cannot_be_answered() -> None:
    song = make_song(1.0)
    reference = as_reference(mix_of(song))
    with pytest.raises(UserError, match="needs a reference"):
        LevelDifference().advise(song)
    with pytest.raises(UserError, match="no stem 'vox'; this song has: vocals, drums, bass, other"):
        LevelDifference().advise(song, reference, anchor="vox")
    with pytest.raises(UserError, match="another song"):
        LevelDifference().advise(song, as_reference(mix_of(song), same_song=False))
    with pytest.raises(UserError, match="never sound together"):
        LevelDifference().advise(song, as_reference(np.zeros((2, 44_100))))
    with pytest.raises(UserError, match="needs stems"):
        LevelDifference().advise(Multitrack("song", RATE_HZ, song.stems[:1], mix_only=True), reference)


@pytest.mark.parametrize(("rate_hz", "seconds"), [(8_000, 2.0), (192_000, 1.0), (44_100, 0.1), (44_100, 0.06)])
def test_unusual_rates_and_lengths(rate_hz: int, seconds: float) -> None:
    song = make_song(seconds, rate_hz)
    advice = LevelDifference().advise(flawed(song, drums=-6), as_reference(mix_of(song)))
    assert measured(advice)["drums"] - measured(advice)["other"] == pytest.approx(6, abs=0.3)


def test_a_single_stem_has_no_balance() -> None:
    song = make_song(1.0)
    alone = Multitrack("song", RATE_HZ, song.stems[:1])
    advice = LevelDifference().advise(alone, as_reference(song.stems[0].audio))
    assert flags(advice) == {}
    assert "balance needs two" in advice.stems[0].reason


# --- real audio


@pytest.fixture(scope="module")
def falcon(shared_data: Path) -> Song:
    return load_song(shared_data / "multitracks" / "falcon69")


def falcon_masters(mix: Audio) -> dict[str, Audio]:
    import pedalboard

    return {
        "as it is": mix,
        "louder": mix * np.float32(2),
        "300 ms later": np.pad(mix, ((0, 0), (13_230, 0))),
        "shorter": mix[:, 22_050:-44_100],
        "limiter": pedalboard.Limiter(threshold_db=-6)(mix, RATE_HZ),
        "brick wall": pedalboard.BrickwallLimiter(ceiling_db=-6)(mix, RATE_HZ),
        "peak limiter": peak_limited(mix, 0.5),
        "clipped": np.clip(mix, -0.5, 0.5),
    }


@pytest.mark.parametrize(
    "master", ["as it is", "louder", "300 ms later", "shorter", "limiter", "brick wall", "peak limiter", "clipped"]
)
def test_planted_flaws_in_a_real_song(falcon: Song, master: str) -> None:
    assert falcon.reference is not None
    reference = as_reference(falcon_masters(falcon.reference.stems[0].audio)[master])
    song = falcon.multitrack
    assert flags(LevelDifference().advise(song, reference)) == {}
    quiet_vocal = LevelDifference().advise(flawed(song, vocals=-7), reference)
    assert flags(quiet_vocal) == {"vocals": pytest.approx(7.0, abs=0.3)}
    two = LevelDifference().advise(flawed(song, bass=9, drums=-5), reference)
    assert flags(two) == {"bass": pytest.approx(-9.0, abs=0.5), "drums": pytest.approx(5.0, abs=0.5)}
