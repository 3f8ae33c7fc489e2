import numpy as np
import pytest
from songs import RATE_HZ, make_stems

from mixingbuddy.tools.errors import ModelMistake
from mixingbuddy.tools.loudness import true_peak_dbtp
from mixingbuddy.tools.moves import GainMove
from mixingbuddy.tools.multitrack import Multitrack, Stem
from mixingbuddy.tools.render import moved, render


def song(scale: float = 1.0) -> Multitrack:
    audio = {name: np.float32(scale) * stem for name, stem in make_stems(2.0).items()}
    return Multitrack("song", RATE_HZ, tuple(Stem(name, "other", stem) for name, stem in audio.items()))


def test_no_moves_is_the_plain_sum_to_the_bit() -> None:
    rendered = render(song(), [])
    total = np.zeros_like(song().stems[0].audio)
    for stem in song().stems:
        total += stem.audio
    assert np.array_equal(rendered.audio, total)
    assert rendered.audio.dtype == np.float32
    assert rendered.headroom_gain_db == 0.0


def test_a_move_changes_its_stem_alone() -> None:
    difference = render(song(), [GainMove(stem="bass", gain_db=-6)]).audio - render(song(), []).audio
    bass = next(stem for stem in song().stems if stem.name == "bass").audio
    assert np.abs(difference - (10 ** (-6 / 20) - 1) * bass).max() < 1e-6


def test_a_hot_mix_comes_down_instead_of_clipping() -> None:
    hot = song(scale=4.0)
    rendered = render(hot, [GainMove(stem="vocals", gain_db=6)])
    assert rendered.headroom_gain_db < -6
    assert rendered.true_peak_dbtp is not None
    assert -1.15 < rendered.true_peak_dbtp <= -1.0
    assert rendered.true_peak_dbtp == true_peak_dbtp(rendered.audio)


def test_the_source_is_never_touched() -> None:
    source = song()
    before = [stem.audio.copy() for stem in source.stems]
    render(source, [GainMove(stem="bass", gain_db=6)])
    moved(source, {"bass": 6.0}, trim_db=-3.0)
    assert all(np.array_equal(stem.audio, old) for stem, old in zip(source.stems, before, strict=True))


def test_moved_stems_sum_to_the_render() -> None:
    rendered = render(song(scale=4.0), [GainMove(stem="bass", gain_db=3)])
    stems = moved(song(scale=4.0), {"bass": 3.0}, rendered.headroom_gain_db).stems
    assert np.abs(sum(stem.audio for stem in stems) - rendered.audio).max() < 1e-6


def test_mono_stems_make_a_mono_mix_and_sit_in_the_middle_of_a_stereo_one() -> None:
    mono = Stem("m", "other", make_stems(1.0)["bass"][:1])
    stereo = Stem("s", "other", make_stems(1.0)["drums"])
    assert render(Multitrack("mono", RATE_HZ, (mono,)), []).audio.shape[0] == 1
    both = render(Multitrack("both", RATE_HZ, (mono, stereo)), []).audio
    assert np.abs(both - stereo.audio - mono.audio).max() < 1e-6


def test_a_wrong_stem_is_answered_with_the_right_ones() -> None:
    with pytest.raises(ModelMistake, match="no stem 'vox'; this song has: vocals, drums, bass, guitar"):
        render(song(), [GainMove(stem="vox", gain_db=1)])
