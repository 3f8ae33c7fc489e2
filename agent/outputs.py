"""The files of a critique: two mixes to compare by ear at equal loudness, the recall sheet and the report."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mixingbuddy.agent.workbench import Workbench
from mixingbuddy.tools.audio import Clip, write_clip
from mixingbuddy.tools.files import write_text
from mixingbuddy.tools.levels import k_weighted_hops
from mixingbuddy.tools.loudness import integrated_lufs
from mixingbuddy.tools.render import Render


@dataclass(frozen=True)
class MatchedMixes:
    """Before and after at equal loudness, both at -1 dBTP or below.

    Gains in dB lead from the plain sum under the faders to the clip; `after_headroom_gain_db` is what of it keeps the
    mix under the ceiling. True peaks are the clips' own, None for silence.
    """

    before: Clip
    after: Clip
    before_gain_db: float
    after_gain_db: float
    loudness_lufs: float | None
    before_true_peak_dbtp: float | None = None
    after_true_peak_dbtp: float | None = None
    after_headroom_gain_db: float = 0.0


def loudness_matched(before: Render, after: Render) -> MatchedMixes:
    """Turn the louder of two renders down to the quieter one; unmeasurably short or quiet ones stay as they are."""
    lufs = [integrated_lufs(k_weighted_hops(mix.audio, mix.sample_rate_hz)) for mix in (before, after)]
    if lufs[0] is None or lufs[1] is None:
        gains, target = (0.0, 0.0), None
    else:
        target = min(lufs[0], lufs[1])
        gains = (target - lufs[0] + 0.0, target - lufs[1] + 0.0)
    clips = [
        Clip(mix.audio * np.float32(10 ** (gain / 20)), mix.sample_rate_hz)
        for mix, gain in zip((before, after), gains, strict=True)
    ]
    return MatchedMixes(
        before=clips[0],
        after=clips[1],
        before_gain_db=before.headroom_gain_db + gains[0],
        after_gain_db=after.headroom_gain_db + gains[1],
        loudness_lufs=target,
        before_true_peak_dbtp=None if before.true_peak_dbtp is None else before.true_peak_dbtp + gains[0],
        after_true_peak_dbtp=None if after.true_peak_dbtp is None else after.true_peak_dbtp + gains[1],
        after_headroom_gain_db=after.headroom_gain_db,
    )


def write_mixes(bench: Workbench, before: Mapping[str, float], after: Mapping[str, float], out: Path) -> MatchedMixes:
    """Write `mix_before.wav` and `mix_after.wav`, 24 bit, at equal loudness."""
    was = bench.render(before)
    matched = loudness_matched(was, bench.render(after))
    write_clip(matched.before, out / "mix_before.wav")
    write_clip(matched.after, out / "mix_after.wav")
    return matched


def write_recall(faders: Mapping[str, float], stems: tuple[str, ...], target: Path) -> Path:
    """Write where every fader stands: `stem,gain_db`, one line a stem."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["stem", "gain_db"])
    rows.writerows([_no_formula(stem), f"{faders.get(stem, 0.0):.1f}"] for stem in stems)
    return write_text(target, text.getvalue())


def _no_formula(name: str) -> str:
    """A spreadsheet must not take a stem's name for a formula."""
    return f"'{name}" if name[:1] in "=+-@" else name
