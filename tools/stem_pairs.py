"""Which stems hold the same sound: copies, inverted copies, late copies, bleed, and close mics against each other.

Audio is asked for window by window (`ReadMono`), so it may lie on disk; the method is in
`mixingbuddy.tools.stem_correlation`, the limits in `docs/hygiene.md`.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.tools.close_mics import is_one_source, stem_to_flip
from mixingbuddy.tools.dynamics import HOP_S
from mixingbuddy.tools.roles import Role, group_of
from mixingbuddy.tools.sources import Source
from mixingbuddy.tools.stem_correlation import (
    CLOSE_MICS_S,
    Alike,
    Mono,
    ReadMono,
    Windows,
    compare_pair,
    find_candidates,
)

Relation = Literal["duplicate", "inverted_duplicate", "delayed_duplicate", "polarity_conflict", "bleed", "shared_sound"]

WINDOW_S = 3.0
MAX_WINDOWS = 8
WINDOWS_PER_STEM = 3
SAME_CORRELATION = 0.98
SAME_COHERENCE = 0.5
SAME_COHERENCE_CLOSE = 0.97  # two microphones on one drum are nearly copies of each other
LEAST_COHERENCE: dict[str, float] = {"bleed": 0.025, "shared_sound": 0.12}
RIGHT_WEIGHT = np.float32(0.6)  # so that a part recorded out of phase between left and right does not vanish


class StemPair(BaseModel):
    """Two stems with common sound. `late` runs `delay_ms` after `early`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    relation: Relation
    early: str = Field(description="name of the stem that comes first")
    late: str = Field(description="name of the stem that comes later")
    delay_samples: int = Field(ge=0, description="delay of `late` at the song's sample rate")
    delay_ms: float = Field(ge=0, description="delay of `late`, ms")
    correlation: float = Field(ge=-1, le=1, description="of the waveforms at that delay; negative: opposite polarity")
    coherence: float = Field(ge=-1, le=1, description="the same after whitening: 1 for copies, some 0.05 for bleed")
    gain_db: float | None = Field(description="level of `late` re `early`, dB; None unless nearly copies")
    flip: str | None = Field(default=None, description="stem whose polarity to invert")


def choose_windows(hop_energies: NDArray[np.float64], samples: int, sample_rate_hz: int) -> Windows:
    """A few windows in which every stem is loud, from mean squares per 100 ms, (stems, hops)."""
    hop, per_window = max(1, round(HOP_S * sample_rate_hz)), round(WINDOW_S / HOP_S)
    firsts = range(0, max(1, hop_energies.shape[1] - per_window + 1), per_window // 2)
    energies = np.stack([hop_energies[:, first : first + per_window].mean(axis=1) for first in firsts], axis=1)
    loud = energies >= 0.1 * np.maximum(energies.max(axis=1, keepdims=True), 1e-30)
    wanted = np.full(len(energies), WINDOWS_PER_STEM)
    chosen: list[int] = []
    while len(chosen) < min(MAX_WINDOWS, len(firsts)):
        worth = (loud & (wanted[:, None] > 0)).sum(axis=0) + 1e-3 * loud.sum(axis=0)
        worth[chosen] = -1.0
        chosen.append(int(worth.argmax()))
        wanted -= loud[:, chosen[-1]]
    chosen.sort()
    return Windows(tuple(firsts[i] * hop for i in chosen), min(per_window * hop, samples), energies[:, chosen])


def measure_stem_pairs(
    names: Sequence[str],
    roles: Sequence[Role],
    sources: Sequence[Source],
    hop_energies: Sequence[NDArray[np.float64]],
    sample_rate_hz: int,
) -> tuple[StemPair, ...]:
    """All pairs of stems that hold the same sound, the most alike first.

    `hop_energies` are each stem's mean squares per 100 ms, (hops,), which may end earlier than the song.
    """
    if len(sources) < 2:
        return ()
    longest = max(len(energies) for energies in hop_energies)
    together = np.stack([np.pad(energies, (0, longest - len(energies))) for energies in hop_energies])
    windows = choose_windows(together, max(source.samples for source in sources), sample_rate_hz)

    def read(index: int, start: int, length: int) -> Mono:
        audio = sources[index].window(start, length)
        return np.asarray(audio[0] if audio.shape[0] == 1 else audio[0] + RIGHT_WEIGHT * audio[1])

    return _compare(names, roles, sample_rate_hz, windows, read)


def _compare(
    names: Sequence[str], roles: Sequence[Role], sample_rate_hz: int, windows: Windows, read: ReadMono
) -> tuple[StemPair, ...]:
    if windows.length < sample_rate_hz // 4:
        return ()  # too short to tell a copy from chance
    found = []
    for first, second, lag in find_candidates(len(names), sample_rate_hz, windows, read):
        alike = compare_pair(first, second, lag, sample_rate_hz, windows, read)
        delay_s = abs(alike.delay) / sample_rate_hz
        relation = _relation((names[first], names[second]), (roles[first], roles[second]), delay_s, alike)
        if relation is not None:
            early, late = (first, second) if alike.delay >= 0 else (second, first)
            found.append(_pair(relation, names[early], names[late], delay_s, alike))
    return tuple(sorted(found, key=lambda pair: -abs(pair.coherence)))


def _pair(relation: Relation, early: str, late: str, delay_s: float, alike: Alike) -> StemPair:
    return StemPair(
        relation=relation,
        early=early,
        late=late,
        delay_samples=abs(alike.delay),
        delay_ms=1e3 * delay_s,
        correlation=alike.correlation,
        coherence=alike.coherence,
        gain_db=alike.gain_db if alike.delay >= 0 or alike.gain_db is None else -alike.gain_db,
        flip=stem_to_flip(early, late) if relation == "polarity_conflict" else None,
    )


def _relation(names: tuple[str, str], roles: tuple[Role, Role], delay_s: float, alike: Alike) -> Relation | None:
    one_source = is_one_source(names, roles)
    same_coherence = SAME_COHERENCE_CLOSE if one_source and delay_s <= CLOSE_MICS_S else SAME_COHERENCE
    if abs(alike.correlation) >= SAME_CORRELATION and abs(alike.coherence) >= same_coherence:
        if alike.correlation < 0:
            return "inverted_duplicate"
        return "delayed_duplicate" if delay_s else "duplicate"
    if one_source and delay_s <= CLOSE_MICS_S and alike.against:
        return "polarity_conflict"
    drums = not one_source and all(group_of(role) == "drums" for role in roles)
    relation: Relation = "bleed" if drums else "shared_sound"
    return relation if abs(alike.coherence) >= LEAST_COHERENCE[relation] else None
