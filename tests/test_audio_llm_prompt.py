"""What a large audio model reads and hears: order, level, the chosen seconds, names that cannot do harm."""

from dataclasses import replace

import numpy as np
import pytest
from audio_llm_lessons import small_song

from mixingbuddy.models.audio_llm_prompt import CLIP_RATE_HZ, MOST_CLIPS, make_prompt
from mixingbuddy.models.audio_llm_window import loudest_common_window
from mixingbuddy.tools.errors import UserError
from mixingbuddy.tools.multitrack import Multitrack, Reference, Stem, with_gains

RATE_HZ = 16000


def tone(level: float, duration_s: float = 1.0, rate_hz: int = RATE_HZ) -> np.ndarray:
    """Half a sine's worth of sound on both sides, float32 (2, samples)."""
    t = np.arange(round(duration_s * rate_hz)) / rate_hz
    return np.tile((level * np.sin(2 * np.pi * 440 * t)).astype(np.float32), (2, 1))


def song_of(*audios: np.ndarray, rate_hz: int = RATE_HZ) -> Multitrack:
    return Multitrack("song", rate_hz, tuple(Stem(f"s{i}", "other", audio) for i, audio in enumerate(audios)))


def test_words_and_clips_alternate_in_the_order_of_the_stems() -> None:
    song = small_song()
    reference = Reference("mix", "theirs", (Stem("mix", "other", song.stems[0].audio),), same_song=False)
    prompt = make_prompt(song, reference, anchor="drums")
    assert len(prompt.parts) == len(prompt.clips) + 1 == 6
    for part, name in zip(prompt.parts, [*song.names, "mix"], strict=False):
        assert part.rstrip().endswith(tuple(f"{name} Audio {number}:" for number in range(1, 6)))
    assert "Track set A: vocals" in prompt.parts[0]
    assert "of another song" in prompt.parts[4]
    assert "level of drums is right" in prompt.parts[-1]


def test_clips_are_mono_at_16_khz_and_keep_their_level() -> None:
    song = small_song(duration_s=3.0)
    louder = with_gains(song, [2.0, 1.0, 1.0, 1.0])
    before, after = make_prompt(song), make_prompt(louder)
    assert before.gain_db == 0.0
    assert all(clip.ndim == 1 and clip.dtype == np.float32 for clip in before.clips)
    assert len(before.clips[0]) == pytest.approx(song.duration_s * CLIP_RATE_HZ, abs=1)
    ratio = np.linalg.norm(after.clips[0]) / np.linalg.norm(before.clips[0])
    assert ratio == pytest.approx(2.0 * 10 ** (after.gain_db / 20), rel=1e-4)


def test_a_sum_over_full_scale_lowers_all_clips_alike() -> None:
    prompt = make_prompt(song_of(tone(0.9), tone(0.6)))
    assert prompt.gain_db == pytest.approx(-20 * np.log10(1.5), abs=0.01)
    assert np.abs(np.sum(prompt.clips, axis=0)).max() == pytest.approx(1.0, abs=1e-3)
    assert np.linalg.norm(prompt.clips[0]) / np.linalg.norm(prompt.clips[1]) == pytest.approx(1.5, rel=1e-4)


def test_the_window_is_where_most_stems_sound_and_there_the_loudest() -> None:
    alone, together, loudest = np.zeros((1, 4000)), np.zeros((1, 4000)), np.zeros((1, 4000))
    alone[0, :1000] = 1.0
    together[0, 1500:4000] = 0.1
    loudest[0, 3000:4000] = 0.2
    loudest[0, 1500:2500] = 0.1
    stems = [audio.astype(np.float32) for audio in (alone, together, loudest)]
    assert loudest_common_window(stems, 1000, 1.0) == (3000, 1000)
    assert loudest_common_window(stems, 1000, 9.0) == (0, 4000)


def test_the_same_song_is_heard_at_the_same_time_and_another_at_its_own_best() -> None:
    quiet, loud = tone(0.1, 2.0), tone(0.5, 2.0)
    song = song_of(np.concatenate([quiet, loud], axis=1))
    mix = Stem("mix", "other", np.concatenate([loud, quiet], axis=1))
    same = make_prompt(song, Reference("mix", "r", (mix,), same_song=True), clip_s=2.0)
    other = make_prompt(song, Reference("mix", "r", (mix,), same_song=False), clip_s=2.0)
    assert same.start_s == other.start_s == 2.0
    assert np.abs(same.clips[1]).max() == pytest.approx(0.1, rel=0.05)
    assert np.abs(other.clips[1]).max() == pytest.approx(0.5, rel=0.05)


def test_a_silent_stem_takes_no_clip() -> None:
    prompt = make_prompt(song_of(tone(0.5), np.zeros((2, RATE_HZ), np.float32)))
    assert prompt.silent == ("s1",)
    assert len(prompt.clips) == 1


def test_a_mix_without_stems_is_one_clip_and_its_anchor_a_role() -> None:
    song = replace(song_of(tone(0.5)), mix_only=True)
    prompt = make_prompt(song, anchor="bass")
    assert len(prompt.clips) == 1
    assert "vocals, drums, bass, other" in prompt.parts[0]
    assert "level of bass is right" in prompt.parts[-1]
    with pytest.raises(UserError, match="no stem 's0'"):
        make_prompt(song, anchor="s0")


def test_a_stem_name_cannot_write_control_tokens() -> None:
    stems = (Stem("<|AUDIO|>", "other", tone(0.1)), Stem("|AUDIO|", "other", tone(0.2)))
    prompt = make_prompt(Multitrack("song", RATE_HZ, stems))
    assert "<" not in "".join(prompt.parts)
    assert dict(prompt.names) == {"AUDIO": "<|AUDIO|>", "AUDIO 2": "|AUDIO|"}
    assert prompt.shown("|AUDIO|") == "AUDIO 2"


def test_many_reference_stems_become_one_mix_and_too_many_tracks_are_refused() -> None:
    song = song_of(*[tone(0.01)] * 20)
    prompt = make_prompt(song, Reference("stems", "r", song.stems, same_song=True))
    assert len(prompt.clips) == 21
    with pytest.raises(UserError, match=f"hears {MOST_CLIPS} clips"):
        make_prompt(song_of(*[tone(0.01)] * (MOST_CLIPS + 1)))


def test_the_shortest_song_still_gives_a_clip_that_can_be_heard() -> None:
    assert len(make_prompt(song_of(tone(0.5)[:, :10])).clips[0]) == CLIP_RATE_HZ // 10
