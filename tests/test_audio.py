from pathlib import Path

import numpy as np
import pytest
import soundfile

from mixingbuddy.tools.audio import Clip, padded, read_clip, read_streams, resampled, with_channels, write_clip
from mixingbuddy.tools.errors import UserError

TONE = (0.25 * np.sin(2 * np.pi * 1000 * np.arange(44100) / 44100)).astype(np.float32)


@pytest.mark.parametrize("suffix", ["wav", "flac", "aiff", "ogg", "mp3"])
def test_formats_decode_to_the_same_tone(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"tone.{suffix}"
    soundfile.write(path, np.stack([TONE, 0.5 * TONE], axis=1), 44100)
    clip = read_clip(path)
    assert clip.audio.dtype == np.float32
    assert clip.audio.shape[0] == 2
    assert clip.duration_s == pytest.approx(1.0, abs=0.06)
    middle = clip.audio[:, 10000:30000]
    assert np.sqrt((middle**2).mean(axis=1)) == pytest.approx([0.25 / 2**0.5, 0.125 / 2**0.5], rel=0.02)


@pytest.mark.parametrize("layout", ["mono", "stereo"])
def test_m4a_decodes_without_the_ffmpeg_program(tmp_path: Path, layout: str) -> None:
    import av

    path = tmp_path / "tone.m4a"
    channels = 1 if layout == "mono" else 2
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=44100, layout=layout)
        frame = av.AudioFrame.from_ndarray(np.tile(TONE, (channels, 1)), format="fltp", layout=layout)
        frame.sample_rate = 44100
        container.mux([*stream.encode(frame), *stream.encode(None)])
    clip = read_clip(path)
    assert clip.audio.shape[0] == channels
    assert np.abs(clip.audio[:, 10000:30000]).max() == pytest.approx(0.25, rel=0.05)


@pytest.mark.parametrize("suffix", ["wav", "aiff", "flac", "mp3"])
def test_a_file_cut_short_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"cut.{suffix}"
    rng = np.random.default_rng(0)
    soundfile.write(path, 0.1 * rng.standard_normal((88200, 2)), 44100)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UserError, match="cut short|cannot decode"):
        read_clip(path)


def test_a_recorder_that_never_wrote_the_length_is_read(tmp_path: Path) -> None:
    path = tmp_path / "streamed.wav"
    soundfile.write(path, TONE, 44100, subtype="PCM_16")
    data = bytearray(path.read_bytes())
    size_at = data.index(b"data") + 4
    data[4:8] = data[size_at : size_at + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(data)
    assert read_clip(path).duration_s == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(
    ("audio", "says"),
    [
        (np.zeros((0, 1)), "empty"),
        (np.zeros((100, 3)), "3 channels"),
        (np.full((100, 1), 1e20), "samples up to 1e\\+20"),
        (np.array([[0.1], [np.nan], [np.inf]]), r"2 samples that are no numbers .* at 0\.00 s"),
    ],
)
def test_what_cannot_be_mixed_is_refused_by_name(tmp_path: Path, audio: np.ndarray, says: str) -> None:
    path = tmp_path / "odd.wav"
    soundfile.write(path, audio, 44100, subtype="FLOAT")
    with pytest.raises(UserError, match=says) as error:
        read_clip(path)
    assert "odd.wav" in str(error.value)


def test_a_rate_no_music_has_is_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "slow.wav", np.zeros((100, 1)) + 0.1, 1000)
    with pytest.raises(UserError, match="'slow.wav' has 1000 Hz"):
        read_clip(tmp_path / "slow.wav")


def test_text_named_wav_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.wav").write_text("this is a shopping list")
    with pytest.raises(UserError, match="cannot decode 'notes.wav'"):
        read_clip(tmp_path / "notes.wav")


def test_musdb_stem_file_has_five_streams(shared_data: Path) -> None:
    path = sorted((shared_data / "musdb18-7s" / "train").glob("*.stem.mp4"))[0]
    streams = read_streams(path)
    assert len(streams) == 5
    mixture, stems = streams[0].audio, sum(clip.audio for clip in streams[1:])
    # The mixture is the sum of the stems, up to what AAC makes of each.
    assert np.std(mixture - stems) < 0.1 * np.std(mixture)
    with pytest.raises(UserError, match="5 audio streams"):
        read_clip(path)


def test_resampling_keeps_the_tone_and_the_length() -> None:
    clip = resampled(Clip(TONE[None], 44100), 48000)
    assert clip.sample_rate_hz == 48000
    assert clip.audio.shape == (1, 48000)
    expected = 0.25 * np.sin(2 * np.pi * 1000 * np.arange(48000) / 48000)
    assert np.abs(clip.audio[0] - expected)[2000:-2000].max() < 1e-3


def test_padding_and_channels_leave_the_samples_alone() -> None:
    assert padded(TONE[None], 50000).shape == (1, 50000)
    assert np.array_equal(padded(TONE[None], 50000)[0, :44100], TONE)
    stereo = with_channels(TONE[None], 2)
    assert np.array_equal(stereo[0], TONE)
    assert np.array_equal(stereo[1], TONE)


def test_24_bit_files_are_true_to_24_bits_and_never_clip(tmp_path: Path) -> None:
    path = write_clip(Clip(TONE[None], 44100), tmp_path / "a.wav")
    assert soundfile.info(path).subtype == "PCM_24"
    assert np.abs(read_clip(path).audio - TONE).max() <= 2.0**-23
    with pytest.raises(UserError, match=r"would clip: its peak is \+6\.0 dBFS"):
        write_clip(Clip(np.float32([[2.0]]), 44100), tmp_path / "b.wav")
    assert not (tmp_path / "b.wav").exists()
    with pytest.raises(UserError, match=r"must end in \.wav or \.flac"):
        write_clip(Clip(TONE[None], 44100), tmp_path / "c.mp3")
