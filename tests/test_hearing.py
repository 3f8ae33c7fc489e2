"""The ear: one sound at a time or many, remembered or not, it hears the same; and it hears a fader that moved."""

from pathlib import Path

import numpy as np
import pytest
from tiny_differential import previews, shipped_model, tiny_model

from mixingbuddy.models.data.chunks import mix_of
from mixingbuddy.models.differential.hearing import HeardSound, Listener
from mixingbuddy.models.differential.shape import ROLES
from mixingbuddy.tools.audio import Audio
from mixingbuddy.tools.multitrack import Multitrack, with_gains

RATE_HZ = 44_100
LOUD_DB = 12.0


def noise(seconds: float, seed: int = 0, channels: int = 2) -> Audio:
    rng = np.random.default_rng(seed)
    return (0.1 * rng.standard_normal((channels, round(seconds * RATE_HZ)))).astype(np.float32)


def assert_same(one: HeardSound, other: HeardSound) -> None:
    np.testing.assert_allclose(one.belief.mean_db, other.belief.mean_db, atol=1e-3)
    np.testing.assert_allclose(one.belief.covariance_db, other.belief.covariance_db, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(one.present, other.present, atol=1e-4)
    np.testing.assert_allclose(one.remembered, other.remembered, atol=1e-4)
    assert one.windows == other.windows


def test_a_batch_is_heard_as_its_sounds_are_one_by_one() -> None:
    sounds = [(noise(seconds, seed), RATE_HZ, [(0.0, seconds)]) for seed, seconds in enumerate((2.0, 1.0, 2.0, 0.05))]
    sounds.append((noise(5.0, 9, channels=1), RATE_HZ, [(0.0, 2.0), (3.0, 5.0)]))
    together = Listener(tiny_model()).listen_all(sounds)
    for sound, heard in zip(sounds, together, strict=True):
        assert_same(Listener(tiny_model()).listen(*sound), heard)


def test_more_sounds_than_fit_into_one_batch_keep_their_order() -> None:
    sounds = [(noise(0.5, seed) * np.float32(1 + seed), RATE_HZ, [(0.0, 0.5)]) for seed in range(19)]
    together = Listener(tiny_model(), remembered=4).listen_all(sounds)
    for place in (0, 15, 16, 18):
        assert_same(Listener(tiny_model()).listen(*sounds[place]), together[place])


def test_a_sound_that_was_heard_is_remembered_until_too_many_others_were() -> None:
    listener = Listener(tiny_model(), remembered=2)
    first, second, third = ((noise(0.5, seed), RATE_HZ, [(0.0, 0.5)]) for seed in range(3))
    heard = listener.listen(*first)
    assert listener.listen(first[0].copy(), RATE_HZ, [(0.0, 0.5)]) is heard
    listener.listen(*second)
    assert listener.listen(*first) is heard  # used last: stays
    listener.listen(*third)
    assert listener.listen(*first) is heard
    listener.listen_all([second, third])
    assert listener.listen(*first) is not heard


@pytest.mark.parametrize("changed", ["samples", "rate", "windows"])
def test_what_is_not_the_same_sound_is_heard_anew(changed: str) -> None:
    listener, audio = Listener(tiny_model()), noise(2.0)
    heard = listener.listen(audio, RATE_HZ, [(0.0, 1.0)])
    if changed == "samples":
        assert listener.listen(noise(2.0, 1), RATE_HZ, [(0.0, 1.0)]) is not heard
    elif changed == "rate":
        assert listener.listen(audio, 48_000, [(0.0, 1.0)]) is not heard
    else:
        assert listener.listen(audio, RATE_HZ, [(0.0, 2.0)]) is not heard


def test_what_lies_outside_of_the_windows_is_not_heard() -> None:
    loud = noise(3.0)
    loud[:, 2 * RATE_HZ :] *= 100
    one, other = (Listener(tiny_model()).listen(audio, RATE_HZ, [(0.0, 2.0)]) for audio in (noise(3.0), loud))
    assert_same(one, other)


def test_two_windows_of_the_same_sound_say_what_one_says_and_make_it_no_surer() -> None:
    once = noise(2.0)
    one = Listener(tiny_model()).listen(once, RATE_HZ, [(0.0, 2.0)])
    two = Listener(tiny_model()).listen(np.tile(once, 2), RATE_HZ, [(0.0, 2.0), (2.0, 4.0)])
    np.testing.assert_allclose(two.belief.mean_db, one.belief.mean_db, atol=1e-3)
    np.testing.assert_allclose(two.belief.covariance_db, one.belief.covariance_db, rtol=1e-3, atol=1e-3)
    assert len(two.windows) == 2


@pytest.mark.parametrize("gain", [0.01, 30.0])
def test_how_loud_a_sound_is_as_a_whole_says_nothing(gain: float) -> None:
    audio = noise(2.0)
    one, other = (
        Listener(tiny_model()).listen(sound, RATE_HZ, [(0.0, 2.0)]) for sound in (audio, audio * np.float32(gain))
    )
    np.testing.assert_allclose(one.belief.mean_db, other.belief.mean_db, atol=0.01)


@pytest.mark.parametrize("audio", [np.zeros((2, RATE_HZ), np.float32), noise(1 / RATE_HZ), noise(0.05, channels=1)])
def test_silence_and_a_moment_give_figures(audio: Audio) -> None:
    heard = Listener(tiny_model()).listen(audio, RATE_HZ, [(0.0, audio.shape[1] / RATE_HZ)])
    assert np.isfinite(heard.belief.mean_db).all()
    assert (np.linalg.eigvalsh(heard.belief.covariance_db) > 0).all()
    assert ((heard.present >= 0) & (heard.present <= 1)).all()


def heard_levels_db(song: Multitrack, role: str, gain_db: float) -> np.ndarray:
    moved = with_gains(song, [10 ** (gain_db / 20) if name == role else 1.0 for name in song.names])
    audio = mix_of(moved.stems)
    levels = Listener(shipped_model()).listen(audio, song.sample_rate_hz, [(0.0, song.duration_s)]).belief.mean_db
    place = ROLES.index(role)
    return np.asarray(levels[place] - np.delete(levels, place).mean())


@pytest.mark.parametrize("role", ["vocals", "drums", "bass"])
@pytest.mark.parametrize("number", [0, 1])
def test_a_part_that_is_24_db_louder_is_heard_much_louder(shared_data: Path, role: str, number: int) -> None:
    song = previews(shared_data)[number]
    quiet, loud = (heard_levels_db(song, role, gain) for gain in (-LOUD_DB, LOUD_DB))
    assert loud > quiet + 6.0
    assert loud < quiet + 40.0


def test_a_singer_alone_is_heard_as_a_singer(shared_data: Path) -> None:
    for song in previews(shared_data)[:2]:
        for role in ("vocals", "drums", "bass"):
            stem = song.stem(role)
            assert stem is not None
            heard = Listener(shipped_model()).listen(stem.audio, song.sample_rate_hz, [(0.0, song.duration_s)])
            assert ROLES[int(heard.belief.mean_db.argmax())] == role
