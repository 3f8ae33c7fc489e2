"""Tempo and beats of a mix: where the pulse lies, how fast it is, and how sure that is.

Onsets are rises of a log spectrum (Böck and Widmer 2013, "Maximum filter vibrato suppression for onset detection").
For each tempo that their autocorrelation offers, dynamic programming over time and beat period (after Ellis 2007, "Beat
tracking by dynamic programming", with the period as a state) lays the beats. Which of these levels is *the* beat (60,
120 or 240 per minute) is a judgement: a conditional logit over few features, fitted on made songs, see
`docs/time-and-key.md`. Arrays over time are float32 (frames,) at `FRAMES_PER_S`.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.tools.key import TOO_QUIET, Chroma, Mono, note_change

Curve = NDArray[np.float32]
Values = NDArray[np.float64]

RATE_HZ = 22050
HOP = 220
FRAMES_PER_S = RATE_HZ / HOP
SHORTEST_S = 12.0
FEWEST_BEATS = 16
TEMPO_CONFIDENCE = 0.75
BEAT_CONFIDENCE = 0.8
STEADY_PCT = 8.0  # a tempo that moves more has no one figure
TEMPI_BPM = (40.0, 240.0)
PLAUSIBLE = 0.1  # share of the judgement that makes another level worth telling
TICKS_PER_BEAT = 12
SHIFTS = (0.0, 1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4)  # a beat may have been laid on an off-beat
TOO_SHORT = f"sounds for less than {SHORTEST_S:.0f} s"
NO_PULSE = "no steady pulse"
NO_PHASE = "unclear which part of the beat is the beat"

_FFT = 1024
_BANDS_HZ = (30.0, 60.0, 100.0, 150.0, *np.geomspace(200.0, 10500.0, 30).tolist())
_LOW_HZ, _HIGH_HZ = 150.0, 2500.0
_FLOOR = 1e-3  # -60 dB re the loudest band: quieter rises are reverb and hiss
_PULSE = (0.1, 0.3)  # correlation of the onsets from beat to beat: noise reaches the first, songs the second
# Conditional logit over the levels of one song; the order is that of `Level.features`.
_WEIGHTS = (0.82, -1.73, 0.67, 0.24, -0.47, 0.57, -0.56, -0.88, 0.66, 0.48, 0.70, 0.82)
# The same over `SHIFTS`; the order is that of `phase_evidence`.
_PHASE_WEIGHTS = (1.89, 3.07, -2.50, 0.80, 1.30)


@dataclass(frozen=True)
class Onsets:
    """How strongly sounds begin, per frame: all of them, three bands, and the kick drum (the rise of the low band as a
    magnitude, where a bass note counts less than in dB). `sounding` is the range that has any sound."""

    full: Curve
    low: Curve
    mid: Curve
    high: Curve
    kick: Curve
    level: NDArray[np.float32]
    sounding: tuple[int, int]

    @property
    def sounding_s(self) -> float:
        return (self.sounding[1] - self.sounding[0]) / FRAMES_PER_S


class Tempo(BaseModel):
    """Tempo and beats. Below the stated confidence they are null and `unmeasured` says why."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    tempo_bpm: float | None = Field(ge=20, le=400, description="beats per minute, over the whole song")
    confidence: float = Field(ge=0, le=1, description="share of songs like this in which the tempo is right")
    other_tempi_bpm: tuple[float, ...] = Field(description="other plausible tempi, likeliest first, beats per minute")
    beats_s: tuple[float, ...] | None = Field(description="time of every beat, s")
    spread_pct: float | None = Field(
        ge=0, description="how far the tempo over 8 beats moves (5th to 95th percentile), %"
    )
    unmeasured: str | None = Field(default=None, description="why a value is null")


def onset_strength(mono: Mono) -> Onsets | None:
    """Onsets of a mono signal, float32 (samples,) at 22050 Hz; None if it is silent."""
    spectrum = _band_spectrum(mono)
    loudest = float(spectrum.max(initial=0.0))
    if loudest < 10 ** (-90 / 20):
        return None
    from scipy.ndimage import maximum_filter1d

    level = np.log10(_FLOOR + spectrum / loudest) - math.log10(_FLOOR)
    rise = np.zeros_like(level)
    rise[2:] = np.maximum(0, level[2:] - maximum_filter1d(level, 3, axis=1)[:-2])
    centres = np.array(_BANDS_HZ[:-1])
    low, mid, high = (
        rise[:, chosen].mean(axis=1)
        for chosen in (centres < _LOW_HZ, (centres >= _LOW_HZ) & (centres < _HIGH_HZ), centres >= _HIGH_HZ)
    )
    magnitude = np.sqrt(np.square(spectrum[:, centres < _LOW_HZ]).sum(axis=1)) / loudest
    kick = np.zeros_like(low)
    kick[2:] = np.maximum(0, magnitude[2:] - magnitude[:-2])
    heard = np.flatnonzero(level.max(axis=1) > 0.5)  # 10 dB over the floor
    return Onsets((low + mid + high) / 3, low, mid, high, kick, level, (int(heard[0]), int(heard[-1]) + 1))


def measure_tempo(onsets: Onsets | None, chroma: Chroma) -> Tempo:
    """Tempo and beats from the onsets and notes, or why there are none."""
    if onsets is None:
        return _unsure(TOO_QUIET)
    if onsets.sounding_s < SHORTEST_S:
        return _unsure(TOO_SHORT)
    levels = metrical_levels(onsets)
    if not levels:
        return _unsure(NO_PULSE)
    return _judged(levels, onsets, chroma)


@dataclass(frozen=True)
class Level:
    """One way to tap to the song: beats (frames, fractional) and what speaks for it."""

    beats: Values
    features: Values
    pulse: float

    @property
    def bpm(self) -> float:
        return _bpm(self.beats)

    @property
    def spread_pct(self) -> float:
        """Spread of the tempo over stretches of 8 beats, so that a late note does not count."""
        slow, fast = np.percentile((self.beats[8:] - self.beats[:-8]) / 8, [95, 5])
        return float(100 * (slow / fast - 1))


def metrical_levels(onsets: Onsets) -> list[Level]:
    """Every beat sequence worth considering, in the order of the autocorrelation's choice."""
    activation = _activation(onsets)
    levels: list[Level] = []
    for period in _periods(_autocorrelation(onsets.full)):
        beats = _beats(activation, period)
        if len(beats) < FEWEST_BEATS:
            continue
        bpm = _bpm(beats)
        if TEMPI_BPM[0] <= bpm <= TEMPI_BPM[1] and all(abs(bpm / level.bpm - 1) > 0.03 for level in levels):
            levels.append(_level(onsets, activation, beats))
    return levels


def _shifted(beats: Values, part: float) -> Values:
    return beats if part == 0 else beats[:-1] + part * np.diff(beats)


def _judged(levels: list[Level], onsets: Onsets, chroma: Chroma) -> Tempo:
    shares = _shares(np.array([level.features for level in levels]), _WEIGHTS)
    order = np.argsort(-shares, kind="stable")
    best = levels[int(order[0])]
    pulse = min(1.0, max(0.0, (best.pulse - _PULSE[0]) / (_PULSE[1] - _PULSE[0])))
    if pulse <= 0.5:
        return _unsure(NO_PULSE)
    confidence = float(shares[order[0]] * pulse)
    others = tuple(round(levels[int(k)].bpm, 1) for k in order[1:] if shares[k] >= PLAUSIBLE)
    if confidence < TEMPO_CONFIDENCE:
        told = (round(best.bpm, 1), *others)
        return Tempo(
            tempo_bpm=None, confidence=confidence, other_tempi_bpm=told, beats_s=None, spread_pct=None,
            unmeasured=_level_unclear(told),
        )  # fmt: skip
    phases = _shares(phase_evidence(best.beats, onsets, chroma), _PHASE_WEIGHTS)
    in_phase = float(phases.max()) >= BEAT_CONFIDENCE
    beats = _refined(_shifted(best.beats, SHIFTS[int(phases.argmax())])) / FRAMES_PER_S
    steady = best.spread_pct <= STEADY_PCT
    reasons = [None if steady else _moving(best), None if in_phase else NO_PHASE]
    return Tempo(
        tempo_bpm=round(best.bpm, 2) if steady else None,
        confidence=confidence,
        other_tempi_bpm=others,
        beats_s=tuple(np.round(beats, 4).tolist()) if in_phase else None,
        spread_pct=best.spread_pct,
        unmeasured="; ".join(reason for reason in reasons if reason) or None,
    )


def _shares(evidence: Values, weights: tuple[float, ...]) -> Values:
    scores = evidence @ np.array(weights)
    odds = np.exp(scores - scores.max())
    return np.asarray(odds / odds.sum())


def _level_unclear(tempi_bpm: tuple[float, ...]) -> str:
    if len(tempi_bpm) == 1:
        return f"perhaps {tempi_bpm[0]:.0f} BPM, but too unsteady to say"
    return f"the beat may be {' or '.join(f'{bpm:.0f}' for bpm in sorted(tempi_bpm))} BPM"


def _moving(level: Level) -> str:
    bpm = 60 * FRAMES_PER_S * 8 / (level.beats[8:] - level.beats[:-8])
    return f"the tempo moves between {bpm.min():.0f} and {bpm.max():.0f} BPM"


def _unsure(reason: str) -> Tempo:
    return Tempo(tempo_bpm=None, confidence=0, other_tempi_bpm=(), beats_s=None, spread_pct=None, unmeasured=reason)


def _band_spectrum(mono: Mono) -> NDArray[np.float32]:
    """RMS magnitude per frame and band, (frames, bands); a full-scale sine has about 1. Frames are centred."""
    from scipy.fft import rfft

    frequencies = np.arange(_FFT // 2 + 1) * RATE_HZ / _FFT
    band = np.searchsorted(_BANDS_HZ, frequencies, side="right") - 1
    share = np.zeros((len(frequencies), len(_BANDS_HZ) - 1), np.float32)
    inside = (band >= 0) & (band < share.shape[1])
    share[np.flatnonzero(inside), band[inside]] = 1
    share /= np.maximum(share.sum(axis=0), 1)
    window = (np.hanning(_FFT + 1)[:-1] * 4 / _FFT).astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(mono, (_FFT // 2, _FFT // 2)), _FFT)[::HOP]
    power = np.empty((len(frames), share.shape[1]), np.float32)
    for start in range(0, len(frames), 2048):
        block = rfft(frames[start : start + 2048] * window, axis=1)
        power[start : start + 2048] = (block.real**2 + block.imag**2) @ share
    return np.asarray(np.sqrt(power))


def _activation(onsets: Onsets) -> Curve:
    """Onset strength in 0..1, relative to the strongest nearby, so that a quiet verse counts as much as a chorus."""
    from scipy.ndimage import gaussian_filter1d, maximum_filter1d, uniform_filter1d

    smooth = gaussian_filter1d(onsets.full, 1.2)
    around = round(3 * FRAMES_PER_S)
    strongest = uniform_filter1d(maximum_filter1d(smooth, around), around)
    return np.asarray(np.clip(smooth / np.maximum(strongest, 0.05 * smooth.max() + 1e-9), 0, 1))


def _autocorrelation(curve: Curve, longest_s: float = 8.0, window_s: float = 16.0) -> Values:
    """Autocorrelation over windows that overlap by half, summed; 1 at lag 0. (lags,), one per frame."""
    from scipy.fft import irfft, rfft
    from scipy.ndimage import uniform_filter1d

    centred = curve.astype(np.float64) - uniform_filter1d(curve.astype(np.float64), round(FRAMES_PER_S))
    window, lags = round(window_s * FRAMES_PER_S), round(longest_s * FRAMES_PER_S) + 1
    total = np.zeros(lags)
    for start in range(0, max(1, len(centred) - window // 2), window // 2):
        spectrum = rfft(centred[start : start + window], 2 * window)
        total += irfft(spectrum.real**2 + spectrum.imag**2)[:lags]
    return np.asarray(total * window / (window - np.arange(lags)) / max(total[0], 1e-12))


def _periods(correlation: Values) -> list[float]:
    """Beat periods worth trying (frames): the best combs, and the multiples and parts of the best."""
    lags = np.arange(round(0.25 * FRAMES_PER_S), round(1.6 * FRAMES_PER_S))
    teeth = ((1, 1.0), (2, 1.0), (3, 0.5), (4, 1.0))
    comb = np.array([weight * correlation[number * lags] for number, weight in teeth]).sum(axis=0)
    usual = comb * np.exp(-0.5 * (np.log2(60 * FRAMES_PER_S / lags / 115) / 0.7) ** 2)
    peaks = np.flatnonzero((comb[1:-1] >= comb[:-2]) & (comb[1:-1] >= comb[2:]) & (comb[1:-1] > 0)) + 1
    if not len(peaks):
        return []
    best = [float(lags[k]) for k in peaks[np.argsort(-usual[peaks], kind="stable")][:3]]
    tried: list[float] = []
    for period in best + [best[0] * ratio for ratio in (1 / 2, 2, 3, 1 / 3, 3 / 2, 2 / 3)]:
        bpm = 60 * FRAMES_PER_S / period
        if TEMPI_BPM[0] <= bpm <= TEMPI_BPM[1] and all(abs(math.log2(period / old)) > 0.06 for old in tried):
            tried.append(period)
    return tried


def phase_evidence(beats: Values, onsets: Onsets, chroma: Chroma) -> Values:
    """What speaks for the beat lying at each of `SHIFTS` after the given beats, (shifts, 5), in standard scores."""
    from scipy.ndimage import maximum_filter1d

    curves = [maximum_filter1d(curve, 5) for curve in (_activation(onsets), onsets.kick, onsets.low)]
    rows = []
    for part in SHIFTS:
        there = _shifted(beats, part)
        frames = np.round(there).astype(int)
        changes = [note_change(classes, there / FRAMES_PER_S) for classes in (chroma.all, chroma.bass)]
        rows.append([float(curve[frames].mean()) for curve in curves] + [float(change.mean()) for change in changes])
    evidence = np.array(rows)
    return np.asarray((evidence - evidence.mean(axis=0)) / (evidence.mean(axis=0) + 1e-9))


def _beats(activation: Curve, period: float, gain: float = 6.0, rest: float = 0.03, stiffness: float = 80.0) -> Values:
    """Beats (frames) around a period: the path that gathers most activation and changes its period least.

    score[t, p] is the best path that ends in a beat at t, p frames after the beat before. A beat on nothing costs
    `gain * rest`; a change of period by a share r costs `stiffness * r`. Frames are done in blocks as long as the
    shortest period, because a beat never depends on one less far back.
    """
    periods = np.arange(math.floor(0.8 * period), math.ceil(1.25 * period) + 1)
    frames, longest, shortest = len(activation), int(periods[-1]), int(periods[0])
    change = (-stiffness * np.abs(periods[None, :] / periods[:, None] - 1)).astype(np.float32)
    reward = (gain * (activation - rest)).astype(np.float32)
    score = np.empty((frames, len(periods)), np.float32)
    before = np.zeros((frames + longest, len(periods)), np.float32)  # best score of an earlier beat, shifted by longest
    origin = np.full((frames + longest, len(periods)), -1, np.int16)
    columns = np.arange(len(periods))
    for start in range(0, frames, shortest):
        at = np.arange(start, min(frames, start + shortest))
        score[at] = reward[at, None] + before[at[:, None] - periods + longest, columns]
        candidates = score[at][:, :, None] + change
        chosen = candidates.argmax(axis=1)
        best = np.take_along_axis(candidates, chosen[:, None], 1)[:, 0]
        before[at + longest] = np.maximum(best, 0)
        origin[at + longest] = np.where(best > 0, chosen, -1)
    return _traced(score, origin, periods)


def _traced(score: NDArray[np.float32], origin: NDArray[np.int16], periods: NDArray[np.int64]) -> Values:
    at, column = (int(index) for index in np.unravel_index(int(score.argmax()), score.shape))
    beats = [at]
    while (earlier := at - int(periods[column])) >= 0:
        previous = int(origin[earlier + int(periods[-1]), column])
        if previous < 0:
            break
        at, column = earlier, previous
        beats.append(at)
    return np.array(beats[::-1], np.float64)


def _level(onsets: Onsets, activation: Curve, beats: Values) -> Level:
    """What speaks for these beats. Onsets are read at parts of the beat."""
    from scipy.ndimage import maximum_filter1d

    gaps = np.diff(beats)
    curves = {"full": onsets.full, "low": onsets.low, "mid": onsets.mid, "act": activation}
    near = {name: maximum_filter1d(curve, 5) for name, curve in curves.items()}

    def read(name: str, part: float) -> Values:
        return np.asarray(near[name][np.round(beats[:-1] + part * gaps).astype(int)], np.float64)

    def rel(name: str, *parts: float) -> float:
        """Mean strength at these parts of the beat over that of the beat: 0 for nothing there, 0.5 for equal."""
        there, here = float(np.mean([read(name, part).mean() for part in parts])), float(read(name, 0).mean())
        return there / (there + here + 1e-9)

    low, mid = (_alternation(read(name, 0)) for name in ("low", "mid"))
    octave, correlation = math.log2(_bpm(beats) / 115), _beat_correlation(onsets.full, beats)
    features = np.array([
        octave, octave**2, 4 * float(read("act", 0).mean()), 4 * rel("full", 0.5), 4 * rel("low", 0.5),
        4 * rel("mid", 0.5), 4 * rel("full", 0.25, 0.75), 4 * rel("full", 1 / 3, 2 / 3),
        2 * math.sqrt(max(0.0, -low * mid)), 2 * math.sqrt(max(0.0, low * mid)), 4 * correlation[0], 4 * correlation[2],
    ])  # fmt: skip
    return Level(beats, features, sum(correlation) / 3)


def _bpm(beats: Values) -> float:
    return float(60 * FRAMES_PER_S * (len(beats) - 1) / (beats[-1] - beats[0]))


def _alternation(at_beats: Values) -> float:
    """Every second beat against the others: kick and snare take turns on the beat, not on its halves or pairs."""
    return float((at_beats[::2].mean() - at_beats[1::2].mean()) / (at_beats.mean() + 1e-9))


def _beat_correlation(curve: Curve, beats: Values) -> tuple[float, float, float]:
    """Correlation of the onsets with themselves 1, 2 and 4 beats later, in the song's own time."""
    ticks = np.interp(np.arange((len(beats) - 1) * TICKS_PER_BEAT) / TICKS_PER_BEAT, np.arange(len(beats)), beats)
    sums = np.concatenate([[0.0], np.cumsum(curve, dtype=np.float64)])
    warped = np.diff(np.interp(ticks, np.arange(len(sums)), sums))
    warped = warped - np.convolve(warped, np.ones(2 * TICKS_PER_BEAT) / (2 * TICKS_PER_BEAT), "same")
    power = float(np.square(warped).mean()) + 1e-12
    lagged = [warped[lag:] * warped[:-lag] for lag in (TICKS_PER_BEAT, 2 * TICKS_PER_BEAT, 4 * TICKS_PER_BEAT)]
    one, two, four = (float(product.mean()) / power for product in lagged)
    return one, two, four


def _refined(beats: Values) -> Values:
    """Beats smoothed over their neighbours: a drummer's timing is finer than a frame."""
    smooth = beats.copy()
    smooth[2:-2] = np.convolve(beats, np.array([1.0, 2.0, 3.0, 2.0, 1.0]) / 9, "valid")
    return smooth
