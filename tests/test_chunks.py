"""Which pieces of a song count, and that they are the song's own samples."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from mixingbuddy.models.data.chunks import chunks_of, mix_of, sounds
from mixingbuddy.models.data.songs import find_songs
from mixingbuddy.tools.multitrack import Multitrack, Stem

RATE_HZ = 8000
NAMES = ("vocals", "drums", "bass", "other")


def square(level_dbfs: float, seconds: float, share: float = 1.0) -> np.ndarray:
    """A stereo square wave of this RMS level that sounds in the first `share` of the time."""
    time = np.arange(round(seconds * RATE_HZ))
    wave = np.where(time % 40 < 20, 1.0, -1.0) * 10 ** (level_dbfs / 20)
    return np.tile(wave * (time < share * len(time)), (2, 1)).astype(np.float32)


def song(
    seconds: float = 4.0, levels_dbfs: Mapping[str, float] | None = None, shares: Mapping[str, float] | None = None
) -> Multitrack:
    levels, sounding = dict.fromkeys(NAMES, -20.0) | dict(levels_dbfs or {}), dict(shares or {})
    stems = (Stem(n, "other", square(levels[n], seconds, sounding.get(n, 1.0))) for n in NAMES)
    return Multitrack("a song", RATE_HZ, tuple(stems))


def test_every_target_sounds_above_its_floor() -> None:
    assert sounds(song())
    for name in ("vocals", "drums", "bass"):
        assert sounds(song(levels_dbfs={name: -44.5}))
        assert not sounds(song(levels_dbfs={name: -45.5}))
    assert sounds(song(levels_dbfs={"other": -100.0}))


def test_a_fifth_of_the_frames_is_enough() -> None:
    # 16 and 15 of the 80 frames.
    assert sounds(song(shares={"bass": 16 / 80}))
    assert not sounds(song(shares={"bass": 15 / 80}))


def test_frames_count_only_where_the_mix_is_above_its_floor() -> None:
    # Three equal stems in phase sum to 9.5 dB more than each.
    quiet = {"vocals": -44.0, "drums": -44.0, "bass": -44.0, "other": -200.0}
    assert sounds(song(levels_dbfs=quiet))  # -44 + 9.5 = -34.5 dBFS
    assert not sounds(song(levels_dbfs=quiet | dict.fromkeys(("vocals", "drums", "bass"), -44.9)))  # -35.4 dBFS


def test_a_song_without_one_of_the_targets_does_not_count() -> None:
    whole = song()
    assert not sounds(Multitrack("a song", RATE_HZ, whole.stems[1:]))


@pytest.mark.parametrize(("seconds", "starts_s"), [(7.0, [0.0]), (10.0, [0.0]), (25.0, [0.0, 10.0]), (0.01, [])])
def test_pieces_of_ten_seconds_or_the_whole_excerpt(seconds: float, starts_s: list[float]) -> None:
    whole = song(seconds)
    chunks = chunks_of(whole)
    assert [chunk.start_s for chunk in chunks] == starts_s
    for chunk in chunks:
        start = round(chunk.start_s * RATE_HZ)
        assert chunk.song == "a song"
        assert chunk.stems.duration_s == min(seconds, 10.0)
        for cut, stem in zip(chunk.stems.stems, whole.stems, strict=True):
            np.testing.assert_array_equal(cut.audio, stem.audio[:, start : start + 10 * RATE_HZ])


def test_an_index_names_the_same_piece_whichever_others_count() -> None:
    whole = song(40.0)
    silent = whole.stems[0].audio.copy()
    silent[:, 10 * RATE_HZ : 20 * RATE_HZ] = 0
    part = Multitrack("a song", RATE_HZ, (Stem("vocals", "vocals", silent), *whole.stems[1:]))
    assert [(chunk.index, chunk.start_s) for chunk in chunks_of(part)] == [(0, 0.0), (2, 20.0), (3, 30.0)]


def test_the_sum_is_neither_clipped_nor_normalised() -> None:
    mix = mix_of(song(1.0, dict.fromkeys(NAMES, 0.0)).stems)
    assert mix.dtype == np.float32
    assert float(np.abs(mix).max()) == 4.0


def test_most_of_the_previews_count(shared_data: Path) -> None:
    songs = find_songs(shared_data / "musdb18-7s", "valid")[:4]
    chunks = [chunks_of(source.load()) for source in songs]
    assert [len(found) for found in chunks] == [1] * len(songs)
