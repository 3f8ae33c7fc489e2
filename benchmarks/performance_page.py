"""The page `docs/performance.md` and its plot, from one run of the analysis benchmark."""

import io
from pathlib import Path

from mixingbuddy.benchmarks.analysis import MINUTES, TRACKS, AnalysisBenchmark, Timing
from mixingbuddy.tools.files import write_text

PLOT = "performance.svg"
TOLD = {
    "decode": "decoding alone, one core: `soundfile.read` of each file",
    "decode, in blocks": "the same into one small buffer, block by block",
    "decode, in blocks, all cores": "the same on all cores",
    "cold": "**the whole analysis**, nothing known",
    "warm": "the same song again, from the cache",
    "with tempo and key": "the whole analysis with tempo, key and sections",
    "libebur128": "libebur128: I, LRA, true peak (pyebur128, one core)",
    "ffmpeg": "ffmpeg `ebur128=peak=true`, decoding included",
    "usual pipeline": "pyloudnorm I + LRA, scipy x4 true peak, librosa mel (one core)",
}
TEXT = """# Performance

Made by `mixingbuddy benchmark analysis --write docs` on: {machine}; {cores} cores. Every figure is a process of its
own, median of {repeats} (the slow pipeline and the growth: once); the file cache is warm. "Seconds" leave out starting
Python and importing, "process" is everything.

The analysis: EBU R 128 meters of every stem, group and the mix, levels by section, masking, spectra, dynamics, hygiene,
stereo, and which stems hold the same sound. Material: {tracks} stereo tracks x {minutes:g} min, 44.1 kHz, 24-bit WAV,
real stems repeated.

{table}

- against `soundfile.read` of the same files on one core: **{of_decode:.2f} times** the time (against reading them block
  by block into one buffer: {of_blocks:.2f} on one core, {of_all_cores:.2f} on all cores)
- the same 8 tracks as FLAC: {flac_decode:.2f} s to decode, {flac:.2f} s to analyse, **{of_flac:.2f} times**
- against the usual pipeline: **{faster:.1f} times faster**{ffmpeg}
- warm: {warm:.2f} s beyond starting the process

## Growth

{growth}

![time and memory against tracks and minutes]({plot})

{memory}
"""


def write_page(result: AnalysisBenchmark, folder: Path) -> None:
    """Write the page and its plot."""
    if result.growth:
        write_text(folder / PLOT, _plot(result))
    write_text(folder / "performance.md", _page(result))


def _page(result: AnalysisBenchmark) -> str:
    of = {timing.task: timing.seconds for timing in result.alternatives}
    packed = {timing.task: timing.seconds for timing in result.as_flac}
    ffmpeg = f"; against ffmpeg's meter alone: {of['ffmpeg'] / of['cold']:.1f} times faster" if "ffmpeg" in of else ""
    return TEXT.format(
        machine=result.machine,
        cores=result.cores,
        repeats=result.repeats,
        tracks=TRACKS,
        minutes=MINUTES,
        table=_table(result),
        of_decode=of["cold"] / of["decode"],
        of_blocks=of["cold"] / of["decode, in blocks"],
        of_all_cores=of["cold"] / of["decode, in blocks, all cores"],
        flac_decode=packed["decode"],
        flac=packed["cold"],
        of_flac=packed["cold"] / packed["decode"],
        faster=of["usual pipeline"] / of["cold"],
        ffmpeg=ffmpeg,
        warm=of["warm"],
        growth=_growth(result),
        plot=PLOT,
        memory=_memory(result),
    )


def _table(result: AnalysisBenchmark) -> str:
    decode = result.seconds("decode") or 1.0
    rows = ["| task | seconds | x decode | process, s | peak memory, MB |", "|---|---|---|---|---|"]
    rows += [
        f"| {TOLD[t.task]} | {t.seconds:.2f} | {t.seconds / decode:.2f} | {t.process_s:.2f} | {t.peak_mb:.0f} |"
        for t in result.alternatives
    ]
    return "\n".join(rows)


def _cold(result: AnalysisBenchmark) -> list[Timing]:
    return [timing for timing in result.growth if timing.task == "cold"]


def _growth(result: AnalysisBenchmark) -> str:
    decoding = {(t.tracks, t.minutes): t.seconds for t in result.growth if t.task == "decode, in blocks"}
    rows = ["| tracks | minutes | analysis, s | x decoding in blocks | peak memory, MB |", "|---|---|---|---|---|"]
    rows += [
        f"| {t.tracks} | {t.minutes:g} | {t.seconds:.1f} | {t.seconds / decoding[t.tracks, t.minutes]:.2f} "
        f"| {t.peak_mb:.0f} |"
        for t in _cold(result)
    ]
    return "\n".join(rows)


def _memory(result: AnalysisBenchmark) -> str:
    of = {timing.minutes: timing.peak_mb for timing in _cold(result) if timing.tracks == TRACKS}
    if 60.0 not in of or MINUTES not in of:
        return ""
    return f"An hour of the same 8 tracks takes {of[60.0] / of[MINUTES]:.2f} times the memory of 4 minutes."


def _plot(result: AnalysisBenchmark) -> str:
    """Two panels, log-log: seconds and MB against tracks (4 min) and against minutes (8 tracks)."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    by_tracks = sorted((t for t in _cold(result) if t.minutes == MINUTES), key=lambda t: t.tracks)
    by_minutes = sorted((t for t in _cold(result) if t.tracks == TRACKS), key=lambda t: t.minutes)
    figure = Figure(figsize=(9, 3.6), layout="constrained", facecolor="white")
    panels = figure.subplots(1, 2)
    for axes, points, label in (
        (panels[0], [(t.tracks, t) for t in by_tracks], "tracks (4 min each)"),
        (panels[1], [(t.minutes, t) for t in by_minutes], "minutes (8 tracks)"),
    ):
        at = [x for x, _ in points]
        axes.loglog(at, [t.seconds for _, t in points], "o-", color="#0d6661", label="analysis, s")
        axes.loglog(at, [t.peak_mb for _, t in points], "s--", color="#845000", label="peak memory, MB")
        axes.set_xticks(at, [f"{x:g}" for x in at])
        axes.minorticks_off()
        axes.set_xlabel(label)
        axes.grid(alpha=0.3)
        axes.legend()
    file = io.StringIO()
    with rc_context({"svg.hashsalt": "performance"}):
        figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()
