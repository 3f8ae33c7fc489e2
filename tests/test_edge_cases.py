"""Songs at the edge of what there is: `measure` gives a result without NaN, or one clear line and exit code 2."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from measured import Audio, measured, strict_json, write

Run = Callable[..., Any]
RATE_HZ = 44100


def noise(duration_s: float, rate_hz: int = RATE_HZ, channels: int = 2, seed: int = 0) -> Audio:
    samples = max(1, round(duration_s * rate_hz))
    return 0.1 * np.random.default_rng(seed).standard_normal((channels, samples))


def song(folder: Path, stems: dict[str, Audio], rates_hz: dict[str, int] | None = None) -> Path:
    folder.mkdir()
    for name, audio in stems.items():
        write(folder / f"{name}.wav", audio, (rates_hz or {}).get(name, RATE_HZ))
    return folder


def result_or_refusal(run: Run, path: Path) -> dict[str, Any] | None:
    """The measurement, or None after one clear line."""
    ran = run("measure", path, "--json")
    if ran.code == 2:
        assert ran.stdout == ""
        assert ran.stderr.strip()
        assert len(ran.stderr.strip().splitlines()) == 1
        assert "Traceback" not in ran.stderr
        return None
    assert (ran.code, ran.stderr) == (0, "")
    (measurement,) = strict_json(ran.stdout)["measurements"]
    return dict(measurement)


def kinds(measurement: dict[str, Any]) -> list[str]:
    return [finding["kind"] for finding in measurement["findings"]]


@pytest.mark.parametrize("duration_s", [0.0, 1.0, 5.0])
def test_a_silent_song(run: Run, tmp_path: Path, duration_s: float) -> None:
    folder = song(tmp_path / "song", {name: 0 * noise(duration_s) for name in ("vocals", "bass")})
    measurement = result_or_refusal(run, folder)
    if measurement is not None:
        assert measurement["song"]["loudness_lufs"] is None
        assert set(kinds(measurement)) <= {"silent_stem"}


def test_one_silent_stem_is_said_and_the_rest_is_measured(run: Run, tmp_path: Path) -> None:
    folder = song(tmp_path / "song", {"vocals": noise(4), "bass": 0 * noise(4)})
    measurement = measured(run, folder)
    assert [finding["stems"] for finding in measurement["findings"] if finding["kind"] == "silent_stem"] == [["bass"]]
    levels = {stem["name"]: stem["loudness_lufs"] for stem in measurement["song"]["stems"]}
    assert levels["bass"] is None
    assert levels["vocals"] == pytest.approx(measurement["song"]["loudness_lufs"], abs=0.01)


@pytest.mark.parametrize("samples", [1, 2, 1323])
@pytest.mark.parametrize("channels", [1, 2])
def test_one_sample_and_30_ms(run: Run, tmp_path: Path, samples: int, channels: int) -> None:
    stems = {name: noise(samples / RATE_HZ, channels=channels, seed=i) for i, name in enumerate(("vocals", "drums"))}
    measurement = result_or_refusal(run, song(tmp_path / "song", stems))
    if measurement is not None:
        assert measurement["song"]["loudness_lufs"] is None
        assert measurement["song"]["unmeasured"]


def test_a_file_without_samples_is_refused_in_one_line(run: Run, tmp_path: Path) -> None:
    folder = song(tmp_path / "song", {"vocals": np.zeros((1, 0)), "drums": np.zeros((1, 0))})
    assert result_or_refusal(run, folder) is None


@pytest.mark.parametrize("rate_hz", [8000, 192000])
@pytest.mark.parametrize("channels", [1, 2])
def test_slow_and_fast_rates_in_mono_and_stereo(run: Run, tmp_path: Path, rate_hz: int, channels: int) -> None:
    rates_hz = {"vocals": rate_hz, "drums": rate_hz}
    stems = {name: noise(4, rate_hz, channels, seed) for seed, name in enumerate(rates_hz)}
    measurement = measured(run, song(tmp_path / "song", stems, rates_hz))
    assert measurement["song"]["sample_rate_hz"] == rate_hz
    assert measurement["song"]["duration_s"] == pytest.approx(4.0)
    assert measurement["song"]["loudness_lufs"] is not None
    # White noise at 8 kHz lacks the bands above 4 kHz and says so by null, not by a number.
    bands = {band["name"]: band["level_db"] for band in measurement["analysis"]["spectrum"]["bands"]}
    assert (bands["air"] is None) is (rate_hz == 8000)


def test_64_short_tracks(run: Run, tmp_path: Path) -> None:
    stems = {f"Gtr {number:02d}": noise(1.0, channels=1, seed=number) for number in range(64)}
    measurement = measured(run, song(tmp_path / "song", stems))
    assert len(measurement["song"]["stems"]) == len(measurement["analysis"]["stems"]) == 64
    assert not {"duplicate", "delayed_duplicate", "inverted_duplicate", "polarity_conflict"} & set(kinds(measurement))


def test_mixed_rates_are_said_and_aligned(run: Run, tmp_path: Path) -> None:
    rates_hz = {"vocals": 44100, "drums": 48000, "bass": 44100}
    stems = {name: noise(3, rate_hz, seed=seed) for seed, (name, rate_hz) in enumerate(rates_hz.items())}
    measurement = measured(run, song(tmp_path / "song", stems, rates_hz))
    (finding,) = [finding for finding in measurement["findings"] if finding["kind"] == "sample_rate_differs"]
    assert (finding["stems"], finding["value"], finding["unit"]) == (["drums"], 48000, "Hz")
    assert measurement["song"]["sample_rate_hz"] == 44100
    assert measurement["song"]["duration_s"] == pytest.approx(3.0, abs=0.001)
    assert "length_differs" not in kinds(measurement)


def test_a_stem_that_is_much_shorter(run: Run, tmp_path: Path) -> None:
    stems = {"vocals": noise(8, seed=1), "drums": noise(8, seed=2), "Fx hit": noise(0.2, seed=3)}
    measurement = measured(run, song(tmp_path / "song", stems))
    (finding,) = [finding for finding in measurement["findings"] if finding["kind"] == "length_differs"]
    assert (finding["stems"], finding["value"]) == (["Fx hit"], pytest.approx(0.2, abs=0.001))
    assert measurement["song"]["duration_s"] == pytest.approx(8.0)
    (of_stem,) = [stem for stem in measurement["analysis"]["stems"] if stem["name"] == "Fx hit"]
    assert of_stem["hygiene"]["duration_s"] == pytest.approx(0.2, abs=0.001)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_samples_that_are_no_numbers_are_refused_in_one_line(run: Run, tmp_path: Path, value: float) -> None:
    stems = {"vocals": noise(2, seed=1), "drums": noise(2, seed=2)}
    stems["drums"][0, 1000] = value
    assert result_or_refusal(run, song(tmp_path / "song", stems)) is None


def test_what_is_no_audio_is_refused_in_one_line(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "song"
    folder.mkdir()
    (folder / "vocals.wav").write_bytes(b"RIFF is not enough")
    assert result_or_refusal(run, folder) is None
    assert result_or_refusal(run, tmp_path / "nowhere") is None
