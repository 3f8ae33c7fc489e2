"""Sounds to look for faults in: plucked notes, kicks and real stems, and the faults found in them."""

from pathlib import Path

import numpy as np
import soundfile

from mixingbuddy.tools.findings import Finding
from mixingbuddy.tools.hygiene import hygiene_findings, measure_hygiene

RATE_HZ = 44100
SECONDS = 8
T = np.arange(SECONDS * RATE_HZ) / RATE_HZ


def findings(samples: np.ndarray, rate_hz: int = RATE_HZ) -> tuple[Finding, ...]:
    return hygiene_findings({"x": measure_hygiene(np.atleast_2d(samples).astype(np.float32), rate_hz)})


def kinds(samples: np.ndarray, rate_hz: int = RATE_HZ) -> list[str]:
    return [finding.kind for finding in findings(samples, rate_hz)]


def plucked(note_hz: float, decay_s: float, every_s: float = 0.5) -> np.ndarray:
    """A note of five partials, plucked again and again."""
    partials = sum(np.sin(2 * np.pi * k * note_hz * T) / k for k in range(1, 6))
    return 0.4 * partials * np.exp(-(T % every_s) / decay_s)


def kick(note_hz: float, every_s: float, decay_s: float) -> np.ndarray:
    since_s = T % every_s
    return 0.8 * np.sin(2 * np.pi * note_hz * since_s) * np.exp(-since_s / decay_s)


def real_stem(shared_data: Path, song: str, stem: str) -> tuple[np.ndarray, int]:
    audio, rate_hz = soundfile.read(shared_data / "multitracks" / song / stem, dtype="float32", always_2d=True)
    return audio.T.copy(), rate_hz
