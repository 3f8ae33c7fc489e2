"""Our loudness meter against two of other people's, FFmpeg's `ebur128` and libebur128, on every real file at hand."""

from collections.abc import Callable
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from measured import measured
from numpy.typing import NDArray

from mixingbuddy.tools.loudness_meter import measure_loudness

SONGS = ("clingo", "falcon69", "trackswitch", "waveform-playlist")
FINE_HOP_S = 0.02
HOP_S = 0.1
Audio = NDArray[np.float32]


def decoded(path: Path, stream: int = 0) -> tuple[Audio, int]:
    """A file as FFmpeg decodes it, float32 (channels, samples)."""
    import av

    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="fltp")
        parts = [part.to_ndarray() for frame in container.decode(audio=stream) for part in resampler.resample(frame)]
        return np.concatenate(parts, axis=1), int(container.streams.audio[stream].rate)


def through(name: str, options: str, audio: Audio, rate_hz: int) -> list[dict[str, str]]:
    """What an FFmpeg filter writes beside its frames."""
    import av

    layout = {1: "mono", 2: "stereo"}[len(audio)]
    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=rate_hz, format="fltp", layout=layout, time_base=Fraction(1, rate_hz))
    meter, sink = graph.add(name, options), graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    said: list[dict[str, str]] = []

    def pull() -> None:
        while True:
            try:
                said.append(dict(graph.pull().metadata))
            except (av.error.BlockingIOError, av.error.EOFError):
                return

    for start in range(0, audio.shape[1], 10 * rate_hz):
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(audio[:, start : start + 10 * rate_hz]), format="fltp", layout=layout
        )
        frame.sample_rate, frame.pts, frame.time_base = rate_hz, start, Fraction(1, rate_hz)
        graph.push(frame)
        pull()
    graph.push(None)
    pull()
    return said


@cache
def ffmpeg(path: Path, stream: int = 0) -> dict[str, float]:
    """EBU R 128 as FFmpeg has it."""
    audio, rate_hz = decoded(path, stream)
    # It speaks every 100 ms: silence behind the end lets it say what it heard last. Ours looks every 20 ms; so do five.
    starts = [round(k * FINE_HOP_S * rate_hz) for k in range(round(HOP_S / FINE_HOP_S))]
    ends = np.zeros((len(audio), rate_hz // 5), np.float32)
    runs = [ebur128(np.concatenate([audio[:, start:], ends], axis=1), rate_hz) for start in starts]

    def series(letter: str, run: int, window_s: float) -> NDArray[np.float64]:
        full = round(window_s / HOP_S) - 1, int((audio.shape[1] - starts[run]) / rate_hz / HOP_S)
        return np.array([float(frame[f"lavfi.r128.{letter}"]) for frame in runs[run][slice(*full)]])

    highest = {
        name: max(
            float(np.nanmax(values)) for run in range(len(starts)) if len(values := series(letter, run, window_s))
        )
        for name, letter, window_s in (("max_momentary_lufs", "M", 0.4), ("max_short_term_lufs", "S", 3.0))
    }
    return {
        "loudness_lufs": float(runs[0][int(audio.shape[1] / rate_hz / HOP_S) - 1]["lavfi.r128.I"]),
        "true_peak_dbtp": 20 * np.log10(max(float(frame["lavfi.r128.true_peak"]) for frame in runs[0])),
        "loudness_range_lu": tech_3342(series("S", 0, 3.0)),
        **highest,
    }


def ebur128(audio: Audio, rate_hz: int) -> list[dict[str, str]]:
    said = through("ebur128", "peak=true:metadata=1:framelog=quiet", audio, rate_hz)
    return [frame for frame in said if "lavfi.r128.M" in frame]


def tech_3342(short_term_lufs: NDArray[np.float64]) -> float:
    """FFmpeg's own range counts windows that began before the file, full of zeros: so from its short-term values."""
    loud = short_term_lufs[short_term_lufs >= -70]
    gate_lufs = 10 * np.log10(np.mean(10 ** (loud / 10))) - 20
    low, high = np.percentile(loud[loud >= gate_lufs], [10, 95])
    return float(high - low)


def libebur128(audio: Audio, rate_hz: int) -> dict[str, float]:
    meter = pytest.importorskip("pyebur128", reason="needs pyebur128, which has no build for this Python")
    mode = meter.MeasurementMode
    state = meter.R128State(len(audio), rate_hz, mode.MODE_I | mode.MODE_LRA | mode.MODE_TRUE_PEAK)
    state.add_frames(np.ascontiguousarray(audio.T).ravel(), audio.shape[1])
    return {
        "loudness_lufs": meter.get_loudness_global(state),
        "loudness_range_lu": meter.get_loudness_range(state),
        "true_peak_dbtp": 20 * np.log10(max(meter.get_true_peak(state, c) for c in range(len(audio)))),
    }


TOLERANCES = {
    "loudness_lufs": 0.1,
    "true_peak_dbtp": 0.2,
    "loudness_range_lu": 0.2,
    "max_momentary_lufs": 0.1,
    "max_short_term_lufs": 0.1,
}


# libebur128 takes a short-term value once a second, the least that Tech 3342 allows; ours and FFmpeg's ten. On files of
# 6 to 170 s that alone moves the percentiles: FFmpeg's values, once a second, differ by as much from FFmpeg's.
ONCE_A_SECOND = TOLERANCES | {"loudness_range_lu": 1.0}


def assert_agree(ours: dict[str, Any], theirs: dict[str, float], what: str, within: dict[str, float]) -> None:
    for figure, value in theirs.items():
        assert ours[figure] == pytest.approx(value, abs=within[figure]), f"{what}: {figure}"


@pytest.mark.parametrize("song", SONGS)
def test_every_stem_of_a_song_reads_as_elsewhere(run: Callable[..., Any], shared_data: Path, song: str) -> None:
    folder = shared_data / "multitracks" / song
    files = {path.stem: path for path in sorted(folder.iterdir()) if path.is_file()}
    stems = measured(run, folder)["song"]["stems"]
    assert {stem["name"] for stem in stems} == set(files)
    for stem in stems:
        assert_agree(stem, ffmpeg(files[stem["name"]]), f"{stem['name']} against FFmpeg", TOLERANCES)
        assert_agree(
            stem, libebur128(*decoded(files[stem["name"]])), f"{stem['name']} against libebur128", ONCE_A_SECOND
        )


@pytest.mark.parametrize("song", ["falcon69", "trackswitch"])
def test_a_mastered_mix_reads_as_elsewhere(run: Callable[..., Any], shared_data: Path, song: str) -> None:
    (path,) = (shared_data / "multitracks" / song / "reference").iterdir()
    mix = measured(run, path)["song"]
    assert_agree(mix, ffmpeg(path), "FFmpeg", TOLERANCES)
    assert_agree(mix, libebur128(*decoded(path)), "libebur128", ONCE_A_SECOND)


def test_previews_of_professional_mixes_read_as_elsewhere(shared_data: Path) -> None:
    paths = sorted((shared_data / "musdb18-7s" / "train").glob("*.stem.mp4"))[::12]
    assert len(paths) == 8
    for path in paths:
        for stream in (0, 1, 4):
            audio, rate_hz = decoded(path, stream)
            ours = measure_loudness(audio, rate_hz).model_dump()
            if ours["loudness_lufs"] is None:
                continue  # nobody sings in this preview
            assert_agree(ours, ffmpeg(path, stream), f"{path.name}, stream {stream}", TOLERANCES)
            theirs = libebur128(audio, rate_hz)
            del theirs["loudness_range_lu"]  # of the four values that it takes in 7 s
            assert_agree(ours, theirs, f"{path.name}, stream {stream}", ONCE_A_SECOND)
