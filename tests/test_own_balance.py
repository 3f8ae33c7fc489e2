"""Levels of a song's four groups against the loudness of their sums."""

from dataclasses import replace

import numpy as np
import pytest
from songs import RATE_HZ, make_stems

from mixingbuddy.models.differential.own_balance import levels_in, mix_of, own_balance, role_number
from mixingbuddy.models.reference_stems import level_lufs
from mixingbuddy.tools.multitrack import Multitrack, Stem
from mixingbuddy.tools.roles import Role

ROLES: dict[str, Role] = {"vocals": "vocals", "drums": "drums", "bass": "bass", "guitar": "guitar"}


@pytest.fixture(scope="module")
def song() -> Multitrack:
    stems = make_stems(3.0)
    return Multitrack("band", RATE_HZ, tuple(Stem(name, ROLES[name], audio) for name, audio in stems.items()))


def with_stem(song: Multitrack, name: str, gain: float) -> Multitrack:
    stems = [replace(s, audio=np.float32(gain) * s.audio) if s.name == name else s for s in song.stems]
    return replace(song, stems=tuple(stems))


def numbers(song: Multitrack) -> list[int]:
    return [role_number(stem.role) for stem in song.stems]


def test_every_role_belongs_to_one_of_four_groups() -> None:
    groups: dict[int, list[Role]] = {
        0: ["vocals", "backing_vocals"],
        1: ["drums", "kick", "snare", "hats", "toms", "overheads", "percussion"],
        2: ["bass"],
        3: ["guitar", "keys", "strings", "brass", "fx", "other"],
    }
    for number, roles in groups.items():
        assert {role_number(role) for role in roles} == {number}


def test_levels_are_the_gated_loudness_of_each_group(song: Multitrack) -> None:
    own = own_balance(song, numbers(song))
    assert own.members == ((0,), (1,), (2,), (3,))
    assert own.windows == ((0.0, song.duration_s),)
    np.testing.assert_allclose(own.levels_lufs, [level_lufs(stem.audio, RATE_HZ) for stem in song.stems])


def test_stems_of_a_group_are_measured_as_their_sum(song: Multitrack) -> None:
    kit = (Stem("kick", "kick", song.stems[2].audio), Stem("snare", "snare", song.stems[1].audio))
    together = replace(song, stems=(song.stems[0], *kit))
    own = own_balance(together, numbers(together))
    assert own.members[1] == (1, 2)
    assert own.levels_lufs[1] == pytest.approx(level_lufs(kit[0].audio + kit[1].audio, RATE_HZ))
    assert own.groups() == [0, 1]


def test_a_fader_moves_its_own_group_only(song: Multitrack) -> None:
    before, after = (own_balance(one, numbers(one)).levels_lufs for one in (song, with_stem(song, "bass", 2.0)))
    np.testing.assert_allclose(after - before, [0, 0, 6.02, 0], atol=0.01)


def test_a_silent_stem_belongs_to_no_group(song: Multitrack) -> None:
    silent = with_stem(song, "drums", 0.0)
    own = own_balance(silent, numbers(silent))
    assert own.members[1] == ()
    assert np.isnan(own.levels_lufs[1])
    assert own.groups() == [0, 2, 3]


def test_a_group_that_hardly_plays_has_no_level(song: Multitrack) -> None:
    assert own_balance(with_stem(song, "vocals", 10 ** (-20 / 20)), numbers(song)).groups() == [0, 1, 2, 3]
    assert own_balance(with_stem(song, "vocals", 10 ** (-42 / 20)), numbers(song)).groups() == [1, 2, 3]


def test_a_song_without_a_sound_has_no_groups(song: Multitrack) -> None:
    silent = replace(song, stems=tuple(replace(s, audio=np.zeros_like(s.audio)) for s in song.stems))
    own = own_balance(silent, numbers(silent))
    assert own.groups() == []
    assert own.windows == ()


def test_roles_that_were_heard_count_instead_of_the_names(song: Multitrack) -> None:
    own = own_balance(song, [3, 3, 3, 0])
    assert own.members == ((3,), (), (), (0, 1, 2))
    assert own.levels_lufs[0] == pytest.approx(level_lufs(song.stems[3].audio, RATE_HZ))


def test_in_a_long_song_levels_are_those_where_the_groups_play() -> None:
    stems = {name: np.tile(audio, (1, 10)) for name, audio in make_stems(3.0).items()}
    for audio in stems.values():
        audio[:, audio.shape[1] // 2 :] *= np.float32(0.01)
    song = Multitrack("half", RATE_HZ, tuple(Stem(name, ROLES[name], audio) for name, audio in stems.items()))
    own = own_balance(song, numbers(song))
    assert all(start < song.duration_s / 2 for start, _ in own.windows)
    loud = [level_lufs(audio[:, : audio.shape[1] // 2], RATE_HZ) for audio in stems.values()]
    np.testing.assert_allclose(own.levels_lufs, loud, atol=0.3)


def test_a_mono_stem_is_on_both_sides_of_the_mix(song: Multitrack) -> None:
    mono, stereo = song.stems[0].audio[:1], song.stems[1].audio
    both = Multitrack("both", RATE_HZ, (Stem("v", "vocals", mono), Stem("d", "drums", stereo)))
    np.testing.assert_allclose(mix_of(both), mono + stereo, atol=1e-7)


def test_levels_in_windows_are_those_of_the_windows_alone() -> None:
    rng = np.random.default_rng(4)
    noise = rng.normal(0, 0.1, (2, 4 * 44100)).astype(np.float32)
    louder = noise.copy()
    louder[:, 2 * 44100 :] *= 2
    song = Multitrack("song", 44100, (Stem("a", "vocals", louder), Stem("b", "bass", noise)))
    early, late, beyond = (levels_in(song, [0, 2], [window]) for window in ((0.0, 2.0), (2.0, 4.0), (9.0, 11.0)))
    assert late[0] - early[0] == pytest.approx(6.02, abs=0.1)
    assert late[2] == pytest.approx(early[2], abs=0.1)
    assert np.isnan(early[[1, 3]]).all()
    assert np.isnan(beyond).all()
