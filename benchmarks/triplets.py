"""How many triplets a second are made on this machine, in every setting, without and with decoding the songs.

    python benchmarks/triplets.py --data DIR [--songs 8] [--samples 40] [--seed 0]

DIR is MUSDB18 or MUSDB18-HQ (train songs are taken). Every song is decoded once and then gives 30 triplets for each
chunk (protocol `single`); "with decoding" shares its decoding among them. One process, one thread of ours.
"""

import argparse
import os
import platform
import time
from pathlib import Path

import numpy as np

from mixingbuddy.models.data.chunks import Chunk, chunks_of
from mixingbuddy.models.data.songs import find_songs
from mixingbuddy.models.data.triplets import SETTINGS, Setting, TripletMaker, single_specs

ROOT = Path(__file__).resolve().parent.parent


def load_chunks(data: Path, songs: int) -> tuple[list[Chunk], float]:
    """The chunks of the first songs, and the seconds that decoding and cutting took."""
    sources = find_songs(data, "train")[:songs]
    began = time.perf_counter()
    chunks = [chunk for source in sources for chunk in chunks_of(source.load())]
    return chunks, time.perf_counter() - began


def seconds_per_triplet(maker: TripletMaker, chunks: list[Chunk], setting: Setting, samples: int, seed: int) -> float:
    """Mean over samples spread over all chunks. What a maker measures once for each chunk counts among them."""
    specs = single_specs(chunks, setting, seed)
    chosen = [specs[i] for i in np.linspace(0, len(specs) - 1, samples).astype(int)]
    began = time.perf_counter()
    for spec in chosen:
        maker.make(spec)
    return (time.perf_counter() - began) / samples


def table(data: Path, songs: int, samples: int, seed: int) -> str:
    """The figures as Markdown."""
    chunks, decoding_s = load_chunks(data, songs)
    total = len(single_specs(chunks, "mix", seed))
    sound_s = sum(chunk.stems.duration_s for chunk in chunks)
    maker = TripletMaker(chunks)
    maker.make(single_specs(chunks, "stems+other", seed)[0])  # filters are compiled once
    lines = [
        f"{len(chunks)} chunks ({sound_s / len(chunks):.1f} s each) of at most {songs} songs, decoded in "
        f"{decoding_s:.1f} s; {platform.machine()}, {os.cpu_count()} cores.",
        "",
        "| setting | ms a triplet | triplets a second | with decoding |",
        "|---|---|---|---|",
    ]
    for setting in SETTINGS:
        taken_s = seconds_per_triplet(maker, chunks, setting, samples, seed)
        with_decoding_s = taken_s + decoding_s / total
        lines.append(f"| `{setting}` | {taken_s * 1e3:.1f} | {1 / taken_s:.0f} | {1 / with_decoding_s:.0f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "musdb18-7s")
    parser.add_argument("--songs", type=int, default=8, help="only the first N songs")
    parser.add_argument("--samples", type=int, default=40, help="triplets made in every setting")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    print(table(arguments.data, arguments.songs, arguments.samples, arguments.seed))


if __name__ == "__main__":
    main()
