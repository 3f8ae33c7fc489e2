"""Key and tuning of a mix: which of the 24 major and minor keys, and how sure that is.

Spectral peaks are folded into twelve pitch classes around the song's own tuning (after Gómez 2006, "Tonal description
of music audio signals") and compared with how often each is used in pieces of known key (Albrecht and Shanahan 2013,
"The use of large corpora to create a new type of key-finding algorithm") and with how well each was heard to fit
(Krumhansl 1990). A key is only named if both agree on it in most stretches of the song.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

Mode = Literal["major", "minor"]
Mono = NDArray[np.float32]
Values = NDArray[np.float64]

RATE_HZ = 11025
HOP = 1024
FRAMES_PER_S = RATE_HZ / HOP
PITCH_CLASSES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
KEYS: tuple[tuple[str, Mode], ...] = tuple((tonic, mode) for mode in ("major", "minor") for tonic in PITCH_CLASSES)
SHORTEST_S = 12.0
KEY_CONFIDENCE = 0.75
LEAST_FIT = 0.72  # correlation with the key's profile: drums alone stay below
PLAUSIBLE = 0.15
TOO_SHORT = f"has pitched sound for less than {SHORTEST_S:.0f} s"
TOO_QUIET = "silent (below -90 dB re full scale)"
NO_KEY = "no notes that a key explains"

_FFT = 4096
_RANGE_HZ = (60.0, 2500.0)
_BASS_HZ = 250.0
_STRETCH_S = 8.0
_BASS_WEIGHT = 0.3
_SHARPNESS = 15.0  # the bootstrap's shares then tell the share that is right, on made songs
_DRAWS = 32
# Major and minor from the tonic up: Albrecht and Shanahan's, then the probe tones of Krumhansl (1990), "Cognitive
# foundations of musical pitch".
_PROFILES = (
    (
        np.array([0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081]),
        np.array([0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052]),
    ),
    (
        np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88]),
        np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17]),
    ),
)


@dataclass(frozen=True)
class Chroma:
    """Strength of the twelve pitch classes per frame, float64 (frames, 12), C first; of all notes and of the bass."""

    all: Values
    bass: Values
    tuning_cents: float | None


class Key(BaseModel):
    """The key of a song. Below the stated confidence it is null and `unmeasured` says why."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    tonic: str | None = Field(description="C, C#, D, Eb, E, F, F#, G, Ab, A, Bb or B")
    mode: Mode | None
    confidence: float = Field(ge=0, le=1, description="share of songs like this in which the key is right")
    other_keys: tuple[str, ...] = Field(description="other plausible keys, likeliest first, such as 'C major'")
    tuning_cents: float | None = Field(ge=-50, le=50, description="how far the notes lie above A4 = 440 Hz, cents")
    unmeasured: str | None = Field(default=None, description="why a value is null")


def measure_chroma(mono: Mono) -> Chroma:
    """Pitch classes over time of a mono signal, float32 (samples,) at 11025 Hz. Frame k is centred on k * HOP."""
    frames, loudest = 1 + len(mono) // HOP, float(np.abs(mono).max(initial=0.0))
    silent = Chroma(np.zeros((frames, 12)), np.zeros((frames, 12)), None)
    if loudest < 10 ** (-90 / 20):
        return silent
    frame, frequency_hz, strength = _peaks(mono / np.float32(loudest))
    if not len(frame):
        return silent
    semitones = 69 + 12 * np.log2(frequency_hz / 440)
    around = np.exp(2j * np.pi * semitones) @ strength / strength.sum()
    tuning = float(np.angle(around) / (2 * np.pi))
    away = np.abs(np.remainder(semitones - tuning + 0.5, 1) - 0.5)
    weight = strength * np.cos(np.pi * away) ** 2
    classes = np.round(semitones - tuning).astype(int) % 12
    bass = frequency_hz < _BASS_HZ
    return Chroma(
        _folded(frame, classes, weight, frames),
        _folded(frame[bass], classes[bass], weight[bass], frames),
        100 * tuning if abs(around) > 0.2 else None,
    )


def measure_key(chroma: Chroma) -> Key:
    """The key of the whole song from its pitch classes, or why there is none."""
    if not chroma.all.any():
        return _unsure(TOO_QUIET, None)
    everything, bass = _sounding(chroma)
    if len(everything) / FRAMES_PER_S < SHORTEST_S:
        return _unsure(TOO_SHORT, chroma.tuning_cents)
    shares, fit = key_shares(everything, bass)
    order = np.argsort(-shares, kind="stable")
    confidence = float(shares[order[0]])
    names = [" ".join(KEYS[int(k)]) for k in order if shares[k] >= PLAUSIBLE]
    if fit < LEAST_FIT or chroma.tuning_cents is None:
        return _unsure(NO_KEY, chroma.tuning_cents)
    if confidence < KEY_CONFIDENCE:
        reason = f"the key may be {' or '.join(names)}" if len(names) > 1 else "the stretches of the song disagree"
        return _unsure(reason, chroma.tuning_cents, confidence, tuple(names))
    tonic, mode = KEYS[int(order[0])]
    return Key(
        tonic=tonic, mode=mode, confidence=confidence, other_keys=tuple(names[1:]), tuning_cents=chroma.tuning_cents
    )


def has_notes(chroma: Chroma) -> bool:
    """Whether a key explains what sounds: drums alone are not explained."""
    if chroma.tuning_cents is None or not chroma.all.any():
        return False
    return key_shares(*_sounding(chroma))[1] >= LEAST_FIT


def _sounding(chroma: Chroma) -> tuple[Values, Values]:
    """All notes and the bass in the frames that have any."""
    loudness = chroma.all.sum(axis=1)
    sounding = loudness > 0.02 * np.percentile(loudness[loudness > 0], 95)
    return chroma.all[sounding], chroma.bass[sounding]


def key_shares(everything: Values, bass: Values) -> tuple[Values, float]:
    """Share of the judgement for each of `KEYS`, and how well the best of them explains the pitch classes (0..1).

    The judgement is repeated on stretches drawn with replacement: what only one of them speaks for gets little.
    """
    stretches = max(1, round(len(everything) / FRAMES_PER_S / _STRETCH_S))
    notes, low = (
        np.array([_normalised(part.mean(axis=0)) for part in np.array_split(frames, stretches)])
        for frames in (everything, bass)
    )
    drawn = np.random.default_rng(0).integers(stretches, size=(_DRAWS, stretches))
    shares = np.zeros(len(KEYS))
    for profiles in _PROFILES:
        fit = _correlation(notes[drawn].mean(axis=1), profiles)
        fit = fit + _BASS_WEIGHT * _correlation(low[drawn].mean(axis=1), profiles)
        odds = np.exp(_SHARPNESS * (fit - fit.max(axis=1, keepdims=True)))
        shares += (odds / odds.sum(axis=1, keepdims=True)).mean(axis=0) / len(_PROFILES)
    return shares, float(_correlation(notes.mean(axis=0, keepdims=True), _PROFILES[0]).max())


def _normalised(classes: Values) -> Values:
    return np.asarray(classes / (classes.sum() + 1e-12))


def _correlation(classes: Values, profiles: tuple[Values, Values]) -> Values:
    """Pearson correlation of pitch classes (n, 12) with the profile of each of `KEYS`, (n, 24)."""
    of_keys = np.array([np.roll(profile, tonic) for profile in profiles for tonic in range(12)])
    left, right = (rows - rows.mean(axis=1, keepdims=True) for rows in (classes, of_keys))
    norms = np.outer(np.linalg.norm(left, axis=1) + 1e-12, np.linalg.norm(right, axis=1))
    return np.asarray(left @ right.T / norms)


def note_change(classes: Values, beats_s: Values) -> Values:
    """Cosine distance of the pitch classes in the beat after from those in the beat before, (beats,)."""
    sums = np.concatenate([np.zeros((1, 12)), np.cumsum(classes, axis=0)])
    gap_s = float(np.median(np.diff(beats_s)))
    edges = np.concatenate([[beats_s[0] - gap_s], beats_s, [beats_s[-1] + gap_s]])
    at = np.clip(np.round(edges * FRAMES_PER_S).astype(int), 0, len(classes))
    spans = sums[at[1:]] - sums[at[:-1]]
    unit = spans / (np.linalg.norm(spans, axis=1, keepdims=True) + 1e-9)
    return np.asarray(1 - (unit[1:] * unit[:-1]).sum(axis=1))


def _unsure(reason: str, tuning: float | None, confidence: float = 0.0, others: tuple[str, ...] = ()) -> Key:
    return Key(tonic=None, mode=None, confidence=confidence, other_keys=others, tuning_cents=tuning, unmeasured=reason)


def _peaks(mono: Mono) -> tuple[NDArray[np.int64], Values, Values]:
    """Frame, frequency (Hz, by a parabola through the log spectrum) and strength of every spectral peak."""
    from scipy.fft import rfft

    bins = np.arange(*(round(hz * _FFT / RATE_HZ) for hz in _RANGE_HZ))
    window = (np.hanning(_FFT + 1)[:-1] * 4 / _FFT).astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(mono, (_FFT // 2, _FFT // 2)), _FFT)[::HOP]
    found: list[tuple[NDArray[np.int64], Values, Values]] = []
    for start in range(0, len(frames), 512):
        block = np.abs(rfft(frames[start : start + 512] * window, axis=1)[:, bins[0] - 1 : bins[-1] + 2])
        here = block[:, 1:-1]
        row, column = np.nonzero((here > block[:, :-2]) & (here >= block[:, 2:]) & (here > _floor(here)))
        left, middle, right = (np.log(np.maximum(block[row, column + k], 1e-9)).astype(np.float64) for k in (0, 1, 2))
        shift = 0.5 * (left - right) / np.minimum(left - 2 * middle + right, -1e-9)
        hz = (bins[column] + np.clip(shift, -0.5, 0.5)) * RATE_HZ / _FFT
        found.append((start + row, hz, np.sqrt(np.exp(middle))))
    frame, hz, strength = (np.concatenate([part[k] for part in found]) for k in range(3))
    return frame.astype(np.int64), hz, strength


def _floor(magnitude: NDArray[np.float32]) -> NDArray[np.float32]:
    """What a peak must exceed, per frame and bin: twice its surroundings (a drum has no lines), 50 dB under the top."""
    from scipy.ndimage import uniform_filter1d

    around = uniform_filter1d(magnitude, 41, axis=1)
    return np.asarray(np.maximum(np.maximum(2 * around, 10**-4.5), magnitude.max(axis=1, keepdims=True) * 10**-2.5))


def _folded(frame: NDArray[np.int64], classes: NDArray[np.int64], weight: Values, frames: int) -> Values:
    strengths = np.bincount(frame * 12 + classes, weight, minlength=12 * frames)
    return np.asarray(strengths[: 12 * frames].reshape(frames, 12), np.float64)
