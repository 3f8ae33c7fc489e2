"""How long a turn of the conversation takes: `python benchmarks/turn.py [--data DIR] [--minutes 4] [--write]`

Eight stereo stems of real music, repeated to the length, with their own mix as the reference; the offline planner; the
analysis in the cache. One process holds a session of many turns in one order: wishes that are rendered, measured and
answered, approvals, and questions of fact. Seconds, memory and the growth of the checkpoint database are measured.
"""

import argparse
import os
import re
import statistics
import tempfile
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import soundfile

from mixingbuddy.benchmarks.level_difference import ROOT
from mixingbuddy.tools.audio import Audio
from mixingbuddy.tools.multitrack import load_song

PAGE = ROOT / "docs" / "conversation.md"
START, END = "<!-- turn: start -->", "<!-- turn: end -->"
STEMS = (
    ("trackswitch", "drums"), ("trackswitch", "bass"), ("trackswitch", "synth"), ("trackswitch", "violins"),
    ("waveform-playlist", "Guitar30"), ("waveform-playlist", "PianoSynth30"), ("waveform-playlist", "Vocals30"),
    ("clingo", "snare"),
)  # fmt: skip
QUIET_DB = -6.0  # planted on one stem, so that there is something to propose
WISHES = ("critique this", "vocals up 2 dB", "a bit less", "drums down a bit", "violins up 1.5 dB", "turn the bass up")
FACTS = ("how loud is the bass?", "what's masking the guitar?", "how loud is it overall?", "any clipping?")
TURNS = 200
Timings = dict[str, list[float]]


def make_song(data: Path, folder: Path, minutes: float) -> Path:
    """Write the song; its reference is the sum of the stems before the planted fault."""
    stems = {f"{name}": _stem(data / song, name, minutes) for song, name in STEMS}
    (folder / "reference").mkdir(parents=True)
    mix = sum(stems.values(), np.float32(0))
    soundfile.write(folder / "reference" / "mix.wav", 0.9 * mix.T / np.abs(mix).max(), 44100, subtype="PCM_24")
    for name, audio in stems.items():
        gain = np.float32(10 ** (QUIET_DB / 20) if name == "Vocals30" else 1.0)
        soundfile.write(folder / f"{name}.wav", audio.T * gain, 44100, subtype="PCM_24")
    return folder


def _stem(song: Path, name: str, minutes: float) -> Audio:
    found = load_song(song, "none").multitrack.stem(name)
    assert found is not None
    samples = round(minutes * 60 * 44100)
    audio = np.tile(found.audio, (1, -(-samples // found.audio.shape[1])))[:, :samples]
    return np.float32(0.3) * np.repeat(audio, 2, axis=0)[:2]


def memory_mb() -> float:
    """Resident memory of this process, MB."""
    found = re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def run(song: Path, workspace: Path, turns: int) -> tuple[Timings, list[float], list[float]]:
    """Seconds per kind of turn; memory in MB and the database's size in kB after every turn."""
    from mixingbuddy.agent.critique import open_bench
    from mixingbuddy.agent.memory import open_memory
    from mixingbuddy.agent.session import MixingSession, sqlite_checkpoints
    from mixingbuddy.agent.settings import read_settings
    from mixingbuddy.agent.speech.planner import OfflinePlanner
    from mixingbuddy.agent.workspace import open_workspace

    settings = read_settings(workspace=workspace)
    open_bench(song, settings, None, None).analysis  # noqa: B018 - fills the cache
    began = time.perf_counter()
    bench = open_bench(song, settings, None, None)
    place = open_workspace(bench.song, settings)
    bench.warm_up()
    bench.settle()
    seconds: Timings = {"opening": [time.perf_counter() - began], "proposal": [], "fact": [], "apply or undo": []}
    memory, database = [], []
    with open_memory(workspace) as store, sqlite_checkpoints(place) as checkpoints:
        session = MixingSession(bench, OfflinePlanner(), checkpoints, store=store)
        for kind, text in islice(_turns(), turns):
            began = time.perf_counter()
            turn = session.ask(text, lambda moves: True)
            seconds[kind].append(time.perf_counter() - began)
            if kind == "proposal" and turn.proposed is None:
                raise RuntimeError(f"'{text}' was to end in a proposal, but: {turn.reply}")
            memory.append(memory_mb())
            database.append(sum(f.stat().st_size for f in place.folder.glob("sessions.sqlite*")) / 1000)
    return seconds, memory, database


def _turns() -> Iterator[tuple[str, str]]:
    facts = cycle(FACTS)
    for wish in cycle(WISHES):
        yield "proposal", wish
        yield "fact", next(facts)
        yield "apply or undo", "apply"
        yield "fact", next(facts)
        yield "apply or undo", "undo"


def report(seconds: Timings, memory: list[float], database: list[float]) -> str:
    """The figures as a table."""
    rows = [
        f"| {kind} | {len(s)} | {statistics.median(s):.2f} | {np.percentile(s, 95):.2f} | {max(s):.2f} |"
        for kind, s in seconds.items()
        if s
    ]
    settled = len(memory) // 4
    growth_kb = (database[-1] - database[settled]) / max(1, len(database) - 1 - settled)
    return "\n".join(
        [
            "| turn | turns | median s | p95 s | longest s |",
            "|---|---|---|---|---|",
            *rows,
            "",
            f"Memory after a quarter of the {len(memory)} turns {memory[settled]:.0f} MB, at the end "
            f"{memory[-1]:.0f} MB; the checkpoint database grew by {growth_kb:.1f} kB a turn, "
            f"to {database[-1]:.0f} kB.",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT / ".." / "shared" / "data" / "multitracks")
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--write", action="store_true", help=f"put the figures into {PAGE.name}")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        song = make_song(given.data, Path(place) / "song", given.minutes)
        told = report(*run(song, Path(place) / "workspace", given.turns))
    told = f"8 stems x {given.minutes:g} min, {os.cpu_count()} cores:\n\n{told}"
    print(told)
    if given.write:
        page = PAGE.read_text(encoding="utf-8")
        before, rest = page.split(START)
        PAGE.write_text(f"{before}{START}\n{told}\n{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
