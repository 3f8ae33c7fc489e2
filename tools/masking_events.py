"""Masking events: the parts of a song and of the spectrum in which most of a stem is hidden, and by whom."""

from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.tools.erb import ErbBands, Power
from mixingbuddy.tools.masking_sums import MaskingSums, in_blocks

EVENTS_PER_STEM = 3
SHORTEST_EVENT_S = 1.0
LEAST_IMPORTANCE = 0.01  # share of a stem's loudness below which a hidden spot is no event
PAUSE_COST = 0.1  # of the stem's mean loudness: keeps events from spreading over pauses and empty bands
NAMED_SHARE = 0.7  # of the masking: as many maskers are named as make this together
LEAST_PART = 0.1  # of the masking: a stem that makes less is no masker
MOST_NAMED = 3
MOST_SEARCHED = 300  # blocks, put together, in the first search for an event


class MaskingEvent(BaseModel):
    """A part of the song and of the spectrum in which most of a stem is hidden."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    target: str
    maskers: tuple[str, ...] = Field(description="stems that make most of the masking, strongest first")
    low_hz: float = Field(description="lower edge, Hz")
    high_hz: float = Field(description="upper edge, Hz")
    start_s: float = Field(ge=0, description="s")
    end_s: float = Field(ge=0, description="s")
    depth_db: float = Field(description="how far the stem lies under its masked threshold there, dB; loudness-weighted")
    hidden_share: float = Field(ge=0, le=1, description="share of its loudness in this part that is hidden")
    lost_share: float = Field(
        ge=0, le=1, description="hidden here, as a share of all its loudness in these seconds (at its usual loudness)"
    )
    importance: float = Field(ge=0, le=1, description="hidden here, as a share of all its loudness in the song")


def find_events(
    names: Sequence[str], target: int, sums: MaskingSums, bands: ErbBands, block_s: float
) -> list[MaskingEvent]:
    """The parts in which hidden loudness of the stem `target` outweighs its audible loudness most, worst first."""
    loudness, hidden = sums.loudness[target], sums.hidden[target]
    total = float(loudness.sum(dtype=float))
    if total <= 0:
        return []
    gain = 2.0 * hidden - loudness - PAUSE_COST * total / np.count_nonzero(loudness)
    events: list[MaskingEvent] = []
    for _ in range(2 * EVENTS_PER_STEM):
        times, inside = _heaviest_part(gain)
        if len(events) == EVENTS_PER_STEM or gain[times, inside].sum() < LEAST_IMPORTANCE * total:
            break
        gain[times, inside] = np.minimum(gain[times, inside], 0)
        event = _event(names, target, sums, bands, times, inside, block_s)
        if event.importance >= LEAST_IMPORTANCE and event.end_s - event.start_s >= SHORTEST_EVENT_S and event.maskers:
            events.append(event)
    return events


def _heaviest_part(gain: Power) -> tuple[slice, slice]:
    """Rows and columns of the rectangle of `gain` (blocks, bands) with the largest sum, its ends found last."""
    coarse = max(1, len(gain) // MOST_SEARCHED)
    times, inside = _heaviest_rectangle(in_blocks(gain[None], coarse)[0])
    start = max(0, (times.start - 1) * coarse)
    along = gain[start : (times.stop + 1) * coarse, inside].sum(axis=1, keepdims=True)
    fine, _ = _heaviest_rectangle(along)
    return slice(start + fine.start, start + fine.stop), inside


def _heaviest_rectangle(gain: Power) -> tuple[slice, slice]:
    """The rectangle of `gain` with the largest sum: Kadane's method along the rows for every range of columns."""
    sums = np.zeros((gain.shape[0] + 1, gain.shape[1] + 1))
    np.cumsum(np.cumsum(gain, axis=0, dtype=np.float64), axis=1, out=sums[1:, 1:])
    best, rows, columns = -np.inf, slice(0, 1), slice(0, 1)
    for low in range(gain.shape[1]):
        runs = sums[:, low + 1 :] - sums[:, low : low + 1]
        rises = runs[1:] - np.minimum.accumulate(runs, axis=0)[:-1]
        end, width = np.unravel_index(int(rises.argmax()), rises.shape)
        if rises[end, width] > best:
            best, columns = float(rises[end, width]), slice(low, low + int(width) + 1)
            rows = slice(int(runs[: end + 1, width].argmin()), int(end) + 1)
    return rows, columns


def _event(
    names: Sequence[str], target: int, sums: MaskingSums, bands: ErbBands, times: slice, inside: slice, block_s: float
) -> MaskingEvent:
    loudness, hidden = sums.loudness[target, times, inside], sums.hidden[target, times, inside]
    by_block = sums.loudness[target].sum(axis=1, dtype=np.float64)
    usual = by_block.sum() / np.count_nonzero(by_block)
    lost, here = float(hidden.sum(dtype=float)), float(loudness.sum(dtype=float))
    # Every stem's part of the masking, where the target's hidden loudness is.
    excitation = sums.excitation[:, times, inside]
    others = excitation.sum(axis=0) - excitation[target]
    parts = np.einsum("stb,tb->s", excitation, hidden / np.maximum(others, np.float32(1e-9))) / max(lost, 1e-30)
    parts[target] = 0
    order = np.argsort(-parts)[:MOST_NAMED]
    needed = 1 + int((np.cumsum(parts[order]) < NAMED_SHARE).sum())
    return MaskingEvent(
        target=names[target],
        maskers=tuple(names[index] for index in order[:needed] if parts[index] >= LEAST_PART),
        low_hz=float(bands.edges_hz[inside.start]),
        high_hz=float(bands.edges_hz[inside.stop]),
        start_s=times.start * block_s,
        end_s=times.stop * block_s,
        depth_db=-float(sums.depth[target, times, inside].sum(dtype=float)) / max(here, 1e-30),
        hidden_share=min(1.0, lost / max(here, 1e-30)),
        lost_share=min(1.0, lost / max(float(by_block[times].sum()), float(usual) * (times.stop - times.start))),
        importance=min(1.0, lost / float(by_block.sum())),
    )
