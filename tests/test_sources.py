"""Blocks and windows of a source are parts of what decoding the whole file gives."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from mixingbuddy.tools.audio import Clip, read_stream, resampled
from mixingbuddy.tools.errors import UserError
from mixingbuddy.tools.sources import ArraySource, opened

RATE_HZ = 44100


def noise(samples: int, channels: int = 2) -> np.ndarray:
    return (0.3 * np.random.default_rng(0).standard_normal((channels, samples))).astype(np.float32)


@given(st.lists(st.integers(1, 700), min_size=1, max_size=8), st.integers(-300, 2500), st.integers(0, 900))
@settings(max_examples=40, deadline=None)
def test_an_array_is_read_block_by_block_and_anywhere(sizes: list[int], first: int, count: int) -> None:
    audio = noise(2000)
    source = ArraySource(audio, RATE_HZ)
    blocks, windows = [], []
    for size in sizes:
        blocks.append(source.read(size)[0])
        windows.append(source.window(first, count))
    padded = np.pad(audio, ((0, 0), (300, 6000)))
    np.testing.assert_array_equal(np.concatenate(blocks, axis=1), padded[:, 300 : 300 + sum(sizes)])
    for window in windows:
        np.testing.assert_array_equal(window, padded[:, 300 + first : 300 + first + count])


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_a_file_is_read_as_when_decoded_whole(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, noise(3 * RATE_HZ).T, RATE_HZ)
    whole = read_stream(path, 0).audio
    with opened(path, 0, RATE_HZ) as source:
        first = source.read(50000)[0]
        window = source.window(70000, 20000)
        rest = source.read(source.samples - 50000)[0]
    np.testing.assert_array_equal(np.concatenate([first, rest], axis=1), whole)
    np.testing.assert_allclose(window, whole[:, 70000:90000], atol=1e-4)


def test_another_rate_is_resampled_as_a_whole_file_would_be(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    audio = noise(96000)
    soundfile.write(path, audio.T, 48000, subtype="FLOAT")
    whole = resampled(Clip(audio, 48000), RATE_HZ).audio
    with opened(path, 0, RATE_HZ) as source:
        pairs = [source.read(10000) for _ in range(9)]
        window = source.window(30000, 5000)
    blocks = np.concatenate([block for block, _ in pairs], axis=1)
    np.testing.assert_allclose(blocks[:, : source.samples], whole, atol=1e-5)
    assert not blocks[:, source.samples :].any()
    # Its own samples come unresampled, for meters that must see what the file holds.
    np.testing.assert_array_equal(np.concatenate([own for _, own in pairs], axis=1), audio)
    np.testing.assert_allclose(window[:, 100:-100], whole[:, 30100:34900], atol=0.02)


def test_a_stem_file_is_read_stream_by_stream(shared_data: Path) -> None:
    path = sorted((shared_data / "musdb18-7s" / "train").glob("*.stem.mp4"))[0]
    with opened(path, 4, RATE_HZ) as source:
        block = source.read(source.samples)[0]
    np.testing.assert_array_equal(block, read_stream(path, 4).audio)


def test_a_file_that_ends_early_is_refused_while_reading(tmp_path: Path) -> None:
    path = tmp_path / "cut.flac"
    soundfile.write(path, noise(2 * RATE_HZ).T, RATE_HZ)
    path.write_bytes(path.read_bytes()[:150_000])
    with opened(path, 0, RATE_HZ) as source, pytest.raises(UserError, match="cut short|cannot decode"):
        source.read(2 * RATE_HZ)
