"""Reference stems: matching, the same recordings, and another song."""

import numpy as np
import pytest
from numpy.typing import NDArray

from mixingbuddy.models.advisor import GainAdvice
from mixingbuddy.models.level_difference import LevelDifference
from mixingbuddy.models.reference_stems import Pair, match_stems
from mixingbuddy.tools.errors import UserError
from mixingbuddy.tools.multitrack import Multitrack, Reference, Stem, with_gains
from mixingbuddy.tools.roles import Role

RATE_HZ = 44_100
ROLES: tuple[Role, ...] = ("vocals", "drums", "bass", "guitar")


def coloured(seed: int, slope: float, seconds: float = 3.0) -> NDArray[np.float32]:
    """Noise with a falling spectrum and a level that changes four times a second."""
    rng = np.random.default_rng(seed)
    samples = int(seconds * RATE_HZ)
    spectrum = np.fft.rfft(rng.standard_normal((2, samples)))
    spectrum /= np.maximum(np.fft.rfftfreq(samples, 1 / RATE_HZ), 50) ** slope
    audio = np.fft.irfft(spectrum, samples)
    level = np.repeat(rng.uniform(0.3, 1, samples // 11_025 + 1), 11_025)[:samples]
    return np.asarray(0.1 * level * audio / audio.std(), dtype=np.float32)


def song(seed: int = 0) -> Multitrack:
    stems = tuple(Stem(role, role, coloured(10 * seed + n, 0.3 + 0.3 * n)) for n, role in enumerate(ROLES))
    return Multitrack("song", RATE_HZ, stems)


def reference_of(stems: tuple[Stem, ...], same_song: bool | None = None) -> Reference:
    return Reference("stems", "theirs", stems, same_song)


def flags(advice: GainAdvice) -> dict[str, float]:
    return {stem.stem: stem.gain_db for stem in advice.stems if stem.gain_db != 0}


def changed(stem: Stem, gain: float, delay: int) -> Stem:
    return Stem(stem.name, stem.role, np.pad(np.float32(gain) * stem.audio, ((0, 0), (delay, 0))))


def shelved(stem: Stem) -> Stem:
    import pedalboard

    board = pedalboard.Pedalboard(
        [
            pedalboard.LowShelfFilter(cutoff_frequency_hz=150, gain_db=2.0),
            pedalboard.HighShelfFilter(cutoff_frequency_hz=6000, gain_db=1.5),
        ]
    )
    return Stem(stem.name, stem.role, board(stem.audio, RATE_HZ))


def test_the_same_recordings_later_inverted_and_quieter() -> None:
    clean = song()
    theirs = tuple(changed(stem, -0.4, 200 * (n + 1)) for n, stem in enumerate(clean.stems))
    advice = LevelDifference().advise(with_gains(clean, [1, 0.5, 1, 1.5]), reference_of(theirs))
    assert flags(advice) == {"drums": pytest.approx(6.0, abs=0.1), "guitar": pytest.approx(-3.5, abs=0.1)}
    assert advice.fit is not None
    assert (advice.fit.same_song, advice.fit.inverted) == (True, True)
    assert advice.fit.level_offset_db == pytest.approx(20 * np.log10(0.4), abs=0.1)


def test_shelves_are_not_mistaken_for_the_fader() -> None:
    clean = song()
    theirs = tuple(shelved(stem) for stem in clean.stems)
    advice = LevelDifference().advise(with_gains(clean, [0.5, 1, 1, 1]), reference_of(theirs))
    assert flags(advice) == {"vocals": pytest.approx(6.0, abs=0.2)}


def test_another_song_is_compared_by_loudness() -> None:
    ours, theirs = song(0), song(1)
    advice = LevelDifference().advise(with_gains(ours, [1, 1, 0.4, 1]), reference_of(theirs.stems))
    assert advice.fit is not None
    assert (advice.fit.same_song, advice.fit.explained) == (False, None)
    assert flags(advice) == {"bass": pytest.approx(8.0, abs=1.0)}


def test_our_drum_tracks_against_one_drum_stem_move_together() -> None:
    clean = song()
    kick, snare = Stem("kick", "kick", coloured(50, 1.0)), Stem("snare", "snare", coloured(51, 0.1))
    ours = Multitrack("song", RATE_HZ, (clean.stems[0], clean.stems[2], clean.stems[3], kick, snare))
    drums = Stem("drums", "drums", kick.audio + snare.audio)
    theirs = reference_of((clean.stems[0], clean.stems[2], clean.stems[3], drums))
    advice = LevelDifference().advise(with_gains(ours, [1, 1, 1, 0.5, 0.5]), theirs)
    assert flags(advice) == {"kick": pytest.approx(6.0, abs=0.1), "snare": pytest.approx(6.0, abs=0.1)}


def test_what_has_no_counterpart_is_said() -> None:
    clean = song()
    extra = Stem("horns", "brass", coloured(60, 0.5))
    advice = LevelDifference().advise(clean, reference_of((*clean.stems[:3], extra)))
    assert {finding.kind: finding.stems for finding in advice.findings} == {
        "cannot_say": ("guitar",),
        "unmatched_reference_stem": ("horns",),
    }
    with pytest.raises(UserError, match="no stem can be compared"):
        LevelDifference().advise(clean, reference_of((extra,)))


def named(*stems: tuple[str, Role]) -> list[Stem]:
    return [Stem(name, role, np.ones((1, 8), dtype=np.float32)) for name, role in stems]


def test_matching_goes_by_role_then_name_then_group() -> None:
    ours = named(("gtr L", "guitar"), ("gtr R", "guitar"), ("voc", "vocals"), ("kick", "kick"), ("oh", "overheads"))
    theirs = named(("gtr R", "guitar"), ("gtr L", "guitar"), ("lead", "vocals"), ("drums", "drums"), ("sax", "brass"))
    pairs, left, right = match_stems(ours, theirs)
    assert pairs == [Pair((0,), (1,)), Pair((1,), (0,)), Pair((2,), (2,)), Pair((3, 4), (3,))]
    assert (left, right) == ([], [4])
