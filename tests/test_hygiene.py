"""DC, silence and noise are measured, and a stem of any kind gives a result."""

from pathlib import Path

import numpy as np
import pytest
from stem_sounds import RATE_HZ, T, findings, kick, kinds, plucked, real_stem

from mixingbuddy.tools.hygiene import HygieneMeter, hygiene_findings, measure_hygiene
from mixingbuddy.tools.multitrack import load_song


@pytest.mark.parametrize("dc", [0.02, -0.02])
def test_dc_is_found_on_real_stems(shared_data: Path, dc: float) -> None:
    for song, stem in (("clingo", "bass.flac"), ("falcon69", "drums.wav"), ("clingo", "vox.flac")):
        audio, rate_hz = real_stem(shared_data, song, stem)
        (finding,) = [f for f in findings(audio + np.float32(dc), rate_hz) if f.kind == "dc_offset"]
        assert finding.value == pytest.approx(dc, abs=0.001)
        assert finding.severity == "major"


@pytest.mark.parametrize("note_hz", [25.0, 31.0, 41.2])
def test_a_low_note_that_is_cut_off_at_the_end_is_no_dc(note_hz: float) -> None:
    samples = 0.001 * np.random.default_rng(1).standard_normal(len(T)) + 0.1 * plucked(110, 0.3)
    samples[-2 * RATE_HZ :] += 0.8 * np.sin(2 * np.pi * note_hz * T[: 2 * RATE_HZ])
    assert "dc_offset" not in kinds(samples[:-700])


def test_silence_is_timed() -> None:
    samples = plucked(220, 5.0)
    samples[: 3 * RATE_HZ] = 0
    samples[7 * RATE_HZ :] = 0
    hygiene = measure_hygiene(samples[None].astype(np.float32), RATE_HZ)
    assert hygiene.leading_silence_s == pytest.approx(3.0, abs=0.1)
    assert hygiene.trailing_silence_s == pytest.approx(1.0, abs=0.1)
    assert hygiene.silent_share == pytest.approx(4 / 8, abs=0.02)


def test_noise_in_the_pauses_is_measured_and_bleed_is_not_noise() -> None:
    noise = 10 ** (-52 / 20) * np.random.default_rng(5).standard_normal(len(T))
    sung = plucked(220, 5.0) * ((T % 3) < 1.5)
    hygiene = measure_hygiene((sung + noise)[None].astype(np.float32), RATE_HZ)
    assert hygiene.noise_floor_dbfs == pytest.approx(-52, abs=0.5)
    assert kinds(sung + noise) == ["noise_floor"]
    assert (
        measure_hygiene((sung + 0.01 * kick(180, 0.25, 0.03))[None].astype(np.float32), RATE_HZ).noise_floor_dbfs
        is None
    )


@pytest.mark.parametrize(("hum_dbfs", "noise_dbfs"), [(-50, -90), (-50, -54), (-47, -46), (-75, -52)])
def test_hum_and_noise_are_told_apart(hum_dbfs: float, noise_dbfs: float) -> None:
    """Of a floor of both, each is given its own level; the mean square of a full-scale sine is half."""
    noise = 10 ** (noise_dbfs / 20) * np.random.default_rng(5).standard_normal(len(T))
    hum = 10 ** (hum_dbfs / 20) * np.sin(2 * np.pi * 50 * T)
    found = {f.kind: f for f in findings(plucked(220, 5.0) * ((T % 3) < 1.5) + noise + hum)}
    if hum_dbfs > -70:
        assert found["hum"].value == pytest.approx(hum_dbfs, abs=0.5)
    assert ("noise_floor" in found) is (noise_dbfs > -60)
    if noise_dbfs > -60:
        assert found["noise_floor"].value == pytest.approx(noise_dbfs, abs=1)
        assert ("beside the hum" in found["noise_floor"].text) is ("hum" in found)


def test_the_ends_of_notes_are_no_noise() -> None:
    """Notes that ring on for 400 ms, each at another level, as in a bass that never pauses."""
    levels_dbfs = np.array([-40.0, -46.0, -43.0, -49.0, -38.0, -44.0, -41.0])
    ends = np.repeat(10 ** (levels_dbfs / 20), round(1.2 * RATE_HZ))[: len(T)]
    assert "noise_floor" not in kinds(np.where(T % 1.2 < 0.8, 0.3, ends) * np.sin(2 * np.pi * 97 * T))


@pytest.mark.parametrize("rate_hz", [8000, 44100, 192000])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("samples", [0, 1, 0.03, 2.0])
def test_any_length_rate_and_silence_give_a_result(rate_hz: int, channels: int, samples: float) -> None:
    length = int(samples) if samples in (0, 1) else int(samples * rate_hz)
    noise = (0.1 * np.random.default_rng(1).standard_normal((channels, length))).astype(np.float32)
    for audio in (noise, np.zeros_like(noise)):
        hygiene = measure_hygiene(audio, rate_hz)
        assert "NaN" not in hygiene.model_dump_json()
        assert hygiene_findings({"x": hygiene}) == ()
    if samples == 0.03:
        assert hygiene.dc_offset is None
        assert "shorter than 1 s" in (hygiene.unmeasured or "")


@pytest.mark.parametrize("rate_hz", [8000, 96000, 192000])
def test_hum_and_clipping_are_found_at_any_rate(rate_hz: int) -> None:
    t = np.arange(8 * rate_hz) / rate_hz
    music = 0.3 * np.sin(2 * np.pi * 330 * t) * np.exp(-3 * (t % 1)) + 0.00316 * np.sin(2 * np.pi * 50 * t)
    music[rate_hz : rate_hz + 3] = 0.9
    assert kinds(music, rate_hz) == ["clipping", "hum"]


def test_blocks_of_any_size_give_the_same_result() -> None:
    rng = np.random.default_rng(4)
    audio = np.clip(0.4 * rng.standard_normal((2, 5 * RATE_HZ)), -0.9, 0.9).astype(np.float32)
    whole = measure_hygiene(audio, RATE_HZ)
    meter = HygieneMeter(RATE_HZ, 2)
    cuts = np.sort(rng.integers(0, audio.shape[1], 400))
    for block in np.split(audio, cuts, axis=1):
        meter.update(block)
    pieces = meter.result()
    assert pieces.clipping == whole.clipping
    assert pieces.clipping.runs > 0
    assert pieces.dc_offset == pytest.approx(whole.dc_offset, abs=1e-6)
    assert pieces.silent_share == whole.silent_share


def test_clean_real_stems_raise_no_alarm(shared_data: Path) -> None:
    for song in ("clingo", "falcon69"):
        multitrack = load_song(shared_data / "multitracks" / song, "none").multitrack
        found = hygiene_findings(
            {s.name: measure_hygiene(s.audio, multitrack.sample_rate_hz) for s in multitrack.stems}
        )
        assert found == ()


def test_a_long_stem_is_judged_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    from mixingbuddy.tools import hygiene as module

    monkeypatch.setattr(module, "JUDGED_S", 12.0)
    at_s = np.arange(40 * RATE_HZ) / RATE_HZ
    samples = 0.02 + 0.001 * np.random.default_rng(2).standard_normal(len(at_s))
    samples[: 5 * RATE_HZ] += 0.5 * plucked(220, 5.0)[: 5 * RATE_HZ]
    samples[26 * RATE_HZ :] += 0.02 * np.sin(2 * np.pi * 50 * at_s[26 * RATE_HZ :])
    found = measure_hygiene(samples[None].astype(np.float32), RATE_HZ)
    assert found.hum is not None
    assert found.hum.level_dbfs == pytest.approx(-34.0, abs=0.5)
    assert 24.0 <= found.hum.where[0] < found.hum.where[1] <= 40.5
    assert found.dc_offset == pytest.approx(0.02, abs=0.001)
