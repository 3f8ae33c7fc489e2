"""Faults planted in copies of real multitracks are found with their stem, place and size, and only there."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from measured import Audio, copy_song, findings, later, read, write
from scipy.signal import butter, sosfilt

Run = Callable[..., Any]
PAIR_SOURCE = "whitened cross-correlation of the stems"
COPIES_AND_POLARITY = {"duplicate", "inverted_duplicate", "delayed_duplicate", "polarity_conflict"}


@pytest.fixture
def clingo(shared_data: Path, tmp_path: Path) -> Path:
    return copy_song(shared_data, "clingo", tmp_path)


@pytest.fixture
def falcon69(shared_data: Path, tmp_path: Path) -> Path:
    return copy_song(shared_data, "falcon69", tmp_path)


def of_kind(found: list[dict[str, Any]], *kinds: str) -> list[dict[str, Any]]:
    return [finding for finding in found if finding["kind"] in kinds]


def the_only(run: Run, song: Path, plant: Callable[[], None], *kinds: str) -> dict[str, Any]:
    """The one finding of these kinds after planting; before, there is none."""
    assert of_kind(findings(run, song), *kinds) == []
    plant()
    found = of_kind(findings(run, song), *kinds)
    assert len(found) == 1, found
    return found[0]


def duration_s(path: Path) -> float:
    audio, rate_hz = read(path)
    return float(audio.shape[1] / rate_hz)


def snare_bottom(clingo: Path, delay_ms: float, sign: int) -> Audio:
    """The wires under clingo's snare: later, without body, at another level, and with other bleed than the top."""
    top, rate_hz = read(clingo / "snare.flac")
    band = butter(2, [300, 9000], "band", fs=rate_hz, output="sos")
    wires = 0.5 * sosfilt(band, later(top, round(delay_ms * rate_hz / 1000)))
    for name, gain, bleed_ms in (("kick", 0.08, 1.2), ("hihat", 0.1, 2.5), ("tomOne", 0.05, 1.9)):
        wires += gain * later(read(clingo / f"{name}.flac")[0], round(bleed_ms * rate_hz / 1000))
    return sign * wires + 3e-4 * np.random.default_rng(1).standard_normal(wires.shape)


@pytest.mark.parametrize("delay_ms", [0.3, 1.0])
def test_an_inverted_snare_bottom(run: Run, clingo: Path, delay_ms: float) -> None:
    bottom = clingo / "snare bottom.wav"
    write(bottom, snare_bottom(clingo, delay_ms, +1), 44100)
    finding = the_only(
        run, clingo, lambda: write(bottom, snare_bottom(clingo, delay_ms, -1), 44100), *COPIES_AND_POLARITY
    )
    assert (finding["kind"], finding["stems"]) == ("polarity_conflict", ["snare bottom", "snare"])
    assert -1 <= finding["value"] < -0.3
    assert (finding["unit"], finding["expected"], finding["severity"]) == ("correlation", [0.0, 1.0], "major")
    assert finding["where"] == [0, pytest.approx(duration_s(bottom), abs=0.01)]
    assert finding["source"] == PAIR_SOURCE
    said = re.search(r"'snare bottom' (\d+\.\d+) ms", finding["text"])
    assert said is not None
    assert float(said[1]) == pytest.approx(delay_ms, abs=0.05)
    assert finding["text"].endswith("invert the polarity of 'snare bottom'.")


def test_an_amplifier_against_its_di(run: Run, clingo: Path) -> None:
    di, rate_hz = read(clingo / "bass.flac")
    (clingo / "bass.flac").rename(clingo / "Bass DI.flac")
    speaker = butter(2, [70, 4500], "band", fs=rate_hz, output="sos")
    amp = 0.3 * sosfilt(speaker, np.tanh(6 * later(di, round(0.0006 * rate_hz))))
    write(clingo / "Bass Amp.wav", amp, rate_hz)
    finding = the_only(run, clingo, lambda: write(clingo / "Bass Amp.wav", -amp, rate_hz), *COPIES_AND_POLARITY)
    assert (finding["kind"], finding["stems"]) == ("polarity_conflict", ["Bass Amp", "Bass DI"])
    assert -1 <= finding["value"] < -0.3
    assert (finding["unit"], finding["severity"], finding["source"]) == ("correlation", "major", PAIR_SOURCE)


@pytest.mark.parametrize("stem", ["vox", "guitTwo"])
def test_a_stem_duplicated_12_ms_late(run: Run, clingo: Path, stem: str) -> None:
    audio, rate_hz = read(clingo / f"{stem}.flac")
    copy = 0.56 * later(audio, round(0.012 * rate_hz))
    finding = the_only(run, clingo, lambda: write(clingo / "Audio 17.wav", copy, rate_hz), *COPIES_AND_POLARITY)
    assert (finding["kind"], finding["stems"]) == ("delayed_duplicate", ["Audio 17", stem])
    assert finding["value"] == pytest.approx(12.0, abs=0.03)
    assert (finding["unit"], finding["expected"], finding["severity"]) == ("ms", [0.0, 0.0], "major")
    assert finding["where"] == [0, pytest.approx(audio.shape[1] / rate_hz, abs=0.01)]
    assert finding["source"] == PAIR_SOURCE
    assert "at -5.0 dB" in finding["text"]


def test_an_inverted_duplicate(run: Run, falcon69: Path) -> None:
    audio, rate_hz = read(falcon69 / "other.wav")
    finding = the_only(
        run, falcon69, lambda: write(falcon69 / "Audio 3.wav", -0.4 * audio, rate_hz), *COPIES_AND_POLARITY
    )
    assert (finding["kind"], set(finding["stems"])) == ("inverted_duplicate", {"Audio 3", "other"})
    assert finding["value"] == pytest.approx(-1.0, abs=0.001)
    assert (finding["unit"], finding["severity"], finding["source"]) == ("correlation", "major", PAIR_SOURCE)


HARMONICS = {False: {1: -50.0}, True: {1: -50.0, 2: -56.0, 3: -60.0}}


@pytest.mark.parametrize("mains_hz", [50, 60])
@pytest.mark.parametrize("harmonics", [False, True])
@pytest.mark.parametrize(("song", "stem"), [("clingo", "vox.flac"), ("falcon69", "vocals.wav")])
def test_hum_at_minus_50_dbfs(
    run: Run, shared_data: Path, tmp_path: Path, song: str, stem: str, mains_hz: int, harmonics: bool
) -> None:
    folder = copy_song(shared_data, song, tmp_path)
    audio, rate_hz = read(folder / stem)
    t = np.arange(audio.shape[1]) / rate_hz
    lines = HARMONICS[harmonics]
    hum = sum(10 ** (db / 20) * np.sin(2 * np.pi * k * mains_hz * t + k) for k, db in lines.items())

    def plant() -> None:
        (folder / stem).unlink()
        write((folder / stem).with_suffix(".wav"), audio + hum, rate_hz)

    finding = the_only(run, folder, plant, "hum", "noise_floor")
    assert (finding["kind"], finding["stems"]) == ("hum", [stem.partition(".")[0]])
    assert finding["value"] == pytest.approx(-50, abs=1)
    assert (finding["unit"], finding["expected"]) == ("dBFS", [-120.0, -80.0])
    assert finding["where"][0] <= 0.35 * t[-1] < 0.65 * t[-1] <= finding["where"][1] <= t[-1]
    # -50 dBFS is audible in these stems, and more than 30 dB under their loudest 400 ms.
    assert finding["severity"] == "minor"
    assert finding["source"] == "steady line at the mains frequency in the quietest parts"
    assert ("probably" in finding["text"]) is not harmonics
    assert f"{mains_hz}.0 Hz" in finding["text"]
    for k in range(2, 4):
        assert (f"{k * mains_hz}" in finding["text"]) is harmonics


@pytest.mark.parametrize(("offset", "severity"), [(0.02, "major"), (-0.005, "minor")])
def test_dc(run: Run, falcon69: Path, offset: float, severity: str) -> None:
    audio, rate_hz = read(falcon69 / "bass.wav")
    assert abs(audio.mean()) < 1e-3
    finding = the_only(run, falcon69, lambda: write(falcon69 / "bass.wav", audio + offset, rate_hz), "dc_offset")
    assert (finding["stems"], finding["severity"]) == (["bass"], severity)
    assert finding["value"] == pytest.approx(offset, abs=0.001)
    assert (finding["unit"], finding["expected"]) == ("full scale", [-0.003, 0.003])
    assert finding["where"] == [0, pytest.approx(audio.shape[1] / rate_hz, abs=0.01)]
    assert finding["source"] == "median of 250 ms means"


def clipped_once(audio: Audio, at: int, count: int) -> Audio:
    """The stem with a shout at sample `at` that is over full scale for exactly `count` samples, cut off there."""
    shout = np.zeros(audio.shape[1])
    shout[at - 2000 : at + 2000] = np.hanning(4000)
    peak = int(np.abs(audio[0, at - 500 : at + 500]).argmax()) + at - 500
    for gain in np.geomspace(1, 300, 4000):
        louder = audio[:1] * (1 + gain * shout * np.exp(-np.abs(np.arange(audio.shape[1]) - peak) / 40))
        over = np.flatnonzero(np.abs(louder[0]) >= 1.0)
        if len(over) == count and over[-1] - over[0] == count - 1:
            return np.clip(louder, -1, 1)
        assert len(over) <= count
    raise AssertionError("no such gain")


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
def test_exactly_three_clipped_samples(run: Run, clingo: Path, subtype: str) -> None:
    audio, rate_hz = read(clingo / "vox.flac")
    (clingo / "vox.flac").unlink()
    loud = int(np.abs(audio[0, 10 * rate_hz : 20 * rate_hz]).argmax()) + 10 * rate_hz
    write(clingo / "vox.wav", clipped_once(audio, loud, 2), rate_hz, subtype)
    planted = clipped_once(audio, loud, 3)
    finding = the_only(run, clingo, lambda: write(clingo / "vox.wav", planted, rate_hz, subtype), "clipping")
    assert (finding["stems"], finding["value"], finding["unit"]) == (["vox"], 3, "samples")
    (at,) = {int(sample) // 10 for sample in np.flatnonzero(np.abs(planted[0]) == 1.0)[:1]}
    assert finding["where"] == [pytest.approx(10 * at / rate_hz, abs=0.001)] * 2
    assert (finding["expected"], finding["severity"]) == ([0, 0], "minor")
    assert finding["source"] == "3 or more equal samples at the stem's own ceiling"
    assert "1 flat top of up to 3 samples" in finding["text"]


@pytest.mark.parametrize(("start_s", "end_s", "louder_db"), [(1.5, 5.4, 18), (11.0, 21.4, 24)])
def test_vocals_masked_in_one_section(run: Run, clingo: Path, start_s: float, end_s: float, louder_db: float) -> None:
    def plant() -> None:
        for stem in ("guitOne", "guitTwo", "piano"):
            audio, rate_hz = read(clingo / f"{stem}.flac")
            t = np.arange(audio.shape[1]) / rate_hz
            gain = np.where((t >= start_s) & (t < end_s), 10 ** (louder_db / 20), 1.0)
            (clingo / f"{stem}.flac").unlink()
            write(clingo / f"{stem}.wav", audio * gain, rate_hz)

    finding = the_only(run, clingo, plant, "masked")
    assert finding["stems"][0] == "vox"
    assert set(finding["stems"][1:]) <= {"guitOne", "guitTwo", "piano"}
    assert (finding["unit"], finding["expected"], finding["severity"]) == ("dB", [-60.0, 0.0], "major")
    assert louder_db - 12 < finding["value"] < louder_db
    found_start_s, found_end_s = finding["where"]
    assert start_s - 0.5 <= found_start_s < found_end_s <= end_s + 0.5
    assert found_end_s - found_start_s > 0.7 * (end_s - start_s)
    assert finding["source"].startswith("masking model (Glasberg and Moore 1990")
