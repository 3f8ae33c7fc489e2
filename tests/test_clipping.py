"""Cut tops are found at any ceiling; shapes that only look flat are not."""

from pathlib import Path

import numpy as np
import pytest
from stem_sounds import RATE_HZ, T, findings, kick, kinds, plucked, real_stem

from mixingbuddy.tools.hygiene import measure_hygiene


def test_three_equal_samples_at_the_ceiling_are_found_in_place(shared_data: Path) -> None:
    audio, rate_hz = real_stem(shared_data, "clingo", "vox.flac")
    at = 12 * rate_hz + 345
    audio[0, at : at + 3] = 1.0
    (finding,) = findings(audio, rate_hz)
    assert (finding.kind, finding.value, finding.unit) == ("clipping", 3.0, "samples")
    assert finding.where == pytest.approx((at / rate_hz, (at + 3) / rate_hz))


@pytest.mark.parametrize("ceiling", [0.3, 1.0, 1.4])
@pytest.mark.parametrize("bits", [None, 16, 24])
def test_a_cut_is_found_at_any_ceiling(ceiling: float, bits: int | None) -> None:
    rng = np.random.default_rng(3)
    samples = np.clip(2 * ceiling * plucked(98.0, 0.4) + 0.02 * rng.standard_normal(len(T)), -ceiling, ceiling)
    if bits and ceiling <= 1:
        samples = np.round(samples * 2 ** (bits - 1)) / 2 ** (bits - 1)
    clipping = measure_hygiene(samples[None].astype(np.float32), RATE_HZ).clipping
    assert clipping.runs > 20
    assert clipping.ceiling_dbfs == pytest.approx(20 * np.log10(ceiling), abs=0.01)


def test_a_cut_that_was_turned_down_and_joined_with_louder_sound_is_found() -> None:
    cut = np.clip(1.5 * plucked(98.0, 0.4), -0.5, 0.5)
    cut[-RATE_HZ:] = 0.8 * np.sin(2 * np.pi * 441 * T[:RATE_HZ] + 0.1) * np.exp(-T[:RATE_HZ])
    assert kinds(cut) == ["clipping"]


@pytest.mark.parametrize(
    ("shape", "samples"),
    [
        ("hot peaks", 0.9999 * np.sin(2 * np.pi * 1000 * T) * np.exp(-(T % 1))),
        ("peaks over 1", 1.3 * np.sin(2 * np.pi * 440 * T) * np.exp(-(T % 1))),
        ("16 bit sub bass", np.round(0.99 * np.sin(2 * np.pi * 30 * T) * 32767) / 32768),
        ("square", 0.7 * np.sign(np.sin(2 * np.pi * 110 * T + 0.1))),
        ("square with envelope", np.sign(np.sin(2 * np.pi * 110 * T + 0.1)) * np.exp(-(T % 0.5) / 0.2)),
        ("saturated 808", np.tanh(8 * kick(45, 0.6, 0.5))),
        ("saturated 808, 16 bit", np.round(np.tanh(8 * kick(45, 0.6, 0.5)) * 32767) / 32768),
        ("sample and hold", np.repeat(np.random.default_rng(2).uniform(-1, 1, len(T) // 8 + 1), 8)[: len(T)]),
    ],
)
def test_a_shape_is_no_clipping(shape: str, samples: np.ndarray) -> None:
    assert "clipping" not in kinds(samples), shape
