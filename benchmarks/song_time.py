"""How often tempo, beats, bars, key and sections are claimed, and how often the claim is right.

    python benchmarks/song_time.py [--data DIR] [--seeds 200 201] [--write]

Made songs (`benchmarks/timed_songs.py`) have a known truth; their seeds are not those the weights were fitted on (0 to
2).
Of real audio only agreement can be told: the same judgement on the mix and on single stems.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mixingbuddy.benchmarks.timed_songs import RATE_HZ, Truth, catalogue, make_song
from mixingbuddy.tools.audio import read_clip, read_streams
from mixingbuddy.tools.song_time import SongTime, clock, measure_song_time

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "time-and-key.md"
START, END = "<!-- figures: start -->", "<!-- figures: end -->"
WHAT = ("tempo", "beats", "bars", "key", "boundaries")
Mono = NDArray[np.float32]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--seeds", type=int, nargs="+", default=[200, 201])
    parser.add_argument("--write", action="store_true", help=f"put the figures into {PAGE.name}")
    arguments = parser.parse_args()
    lines = [*made_songs(arguments.seeds), "", *real_songs(arguments.data), "", *previews(arguments.data), "", *speed()]
    text = "\n".join(lines)
    print(text)
    if arguments.write:
        page = PAGE.read_text(encoding="utf-8")
        before, after = page.split(START)[0], page.split(END)[1]
        PAGE.write_text(f"{before}{START}\n{text}\n{END}{after}", encoding="utf-8")


def made_songs(seeds: list[int]) -> list[str]:
    """One row per style: songs, then claims that are right of all claims."""
    rows: dict[str, list[dict[str, tuple[int, int, int]]]] = defaultdict(list)
    told = 0
    for style, plan in (entry for seed in seeds for entry in catalogue(seed)):
        audio, truth = make_song(plan)
        result = measure_song_time(audio, RATE_HZ)
        score = scores(result, truth)
        if style == "rubato" and result.tempo_bpm is not None:
            score["tempo"] = (1, 0, 1)
        told += result.tempo_bpm is None and any(abs(bpm / truth.bpm - 1) < 0.03 for bpm in result.other_tempi_bpm)
        if not plan.contrast:
            del score["boundaries"]
        rows[style].append(score)
    songs = sum(map(len, rows.values()))
    lines = [
        f"Made songs, seeds {', '.join(map(str, seeds))}: right / claimed (of n songs; of true boundaries).", "",
        "| style | n | " + " | ".join(WHAT) + " |", "|---|" + "---|" * (1 + len(WHAT)),
    ]  # fmt: skip
    for style, row in rows.items():
        lines.append(f"| {style} | {len(row)} | " + " | ".join(_cell(row, what) for what in WHAT) + " |")
    everything = [score for row in rows.values() for score in row]
    lines.append(f"| all | {songs} | " + " | ".join(f"**{_cell(everything, what)}**" for what in WHAT) + " |")
    unclaimed = songs - sum(score["tempo"][0] for score in everything)
    lines += ["", f"Of the {unclaimed} songs without a tempo, {told} have the true one among the plausible tempi."]
    return lines


def scores(result: SongTime, truth: Truth) -> dict[str, tuple[int, int, int]]:
    """Per thing: claims, right ones, and what there was to be claimed."""
    key_right = result.key is not None and result.key == truth.key
    tempo_right = result.tempo_bpm is not None and abs(result.tempo_bpm / truth.bpm - 1) < 0.02
    cuts, heard = [start for start, _, _ in truth.sections[1:]], [s.start_s for s in (result.sections or ())[1:]]
    return {
        "tempo": (int(result.tempo_bpm is not None), int(tempo_right), 1),
        "beats": _sequence(result.beats_s, truth.beats_s),
        "bars": _sequence(result.downbeats_s, truth.downbeats_s),
        "key": (int(result.key is not None), int(key_right), int(truth.key is not None)),
        "boundaries": (len(heard), sum(any(abs(a - b) < 2.1 for b in cuts) for a in heard), len(cuts)),
    }


def _sequence(found: tuple[float, ...] | None, true: NDArray[np.float64]) -> tuple[int, int, int]:
    """Right: 90 % of the true ones are found within 70 ms, and 90 % of the found ones (within the song) are true."""
    if found is None:
        return 0, 0, 1
    times = np.array(found)
    times = times[(times > true[0] - 0.1) & (times < true[-1] + 0.1)]
    near = np.abs(times[:, None] - true[None]) < 0.07
    return 1, int(bool(near.any(axis=1).mean() >= 0.9 and near.any(axis=0).mean() >= 0.9)), 1


def _cell(row: list[dict[str, tuple[int, int, int]]], what: str) -> str:
    claimed, right, there = (sum(score.get(what, (0, 0, 0))[k] for score in row) for k in range(3))
    return f"{right} / {claimed} ({there})"


def real_songs(data: Path) -> list[str]:
    lines = ["| real | of | tempo, BPM | bars | key | sections |", "|---|---|---|---|---|---|"]
    for song in ("trackswitch", "clingo", "waveform-playlist", "falcon69"):
        for name, mono, rate_hz in _stems(data / "multitracks" / song):
            result = measure_song_time(mono, rate_hz)
            lines.append(f"| {song} | {name} | " + " | ".join(_said(result)) + " |")
    return lines


def _said(result: SongTime) -> Iterator[str]:
    others = ", ".join(f"{bpm:.0f}" for bpm in result.other_tempi_bpm)
    yield f"**{result.tempo_bpm}**" if result.tempo_bpm is not None else f"none ({others or result.tempo_unsure})"
    yield f"of {result.beats_per_bar}, from {result.downbeats_s[0]:.2f} s" if result.downbeats_s else "none"
    yield f"**{result.key}**" if result.key else f"none ({', '.join(result.other_keys) or 'no candidate'})"
    yield " ".join(f"{s.label} {clock(s.start_s)}" for s in result.sections) if result.sections else "none"


def _stems(folder: Path) -> Iterator[tuple[str, Mono, int]]:
    """The mix (the reference, else the plain sum), then every stem, as mono."""
    files = sorted(path for path in folder.iterdir() if path.suffix in {".flac", ".wav", ".mp3"})
    clips = {path.stem: read_clip(path) for path in files}
    rate_hz = next(iter(clips.values())).sample_rate_hz
    longest = max(clip.audio.shape[1] for clip in clips.values())
    mix = np.zeros(longest, np.float32)
    for clip in clips.values():
        mix[: clip.audio.shape[1]] += clip.audio.mean(axis=0)
    if (folder / "reference").is_dir():
        reference = read_clip(next((folder / "reference").iterdir()))
        yield "mix", reference.audio.mean(axis=0), reference.sample_rate_hz
    else:
        yield "sum", mix, rate_hz
    for name, clip in clips.items():
        yield name, clip.audio.mean(axis=0), clip.sample_rate_hz


def previews(data: Path) -> list[str]:
    claims = {"tempo": 0, "bars": 0, "key": 0, "sections": 0}
    files = sorted((data / "musdb18-7s" / "train").glob("*.mp4"))
    for path in files:
        mix = read_streams(path)[0]
        result = measure_song_time(mix.audio.mean(axis=0), mix.sample_rate_hz)
        said = (result.tempo_bpm, result.downbeats_s, result.key, result.sections)
        for name, value in zip(claims, said, strict=True):
            claims[name] += value is not None
    return [f"Claims on {len(files)} previews of 7 s: " + ", ".join(f"{what} {n}" for what, n in claims.items()) + "."]


def speed() -> list[str]:
    plan = replace(catalogue(0)[4][1], bpm=120.0, form="ABABCBAB", bars_per_section=15)
    audio, _ = make_song(plan)
    taken = []
    for _ in range(3):
        began = time.perf_counter()
        measure_song_time(audio, RATE_HZ)
        taken.append(time.perf_counter() - began)
    return [f"{len(audio) / RATE_HZ / 60:.1f} minutes at {RATE_HZ} Hz take {min(taken):.1f} s on this machine."]


if __name__ == "__main__":
    main()
