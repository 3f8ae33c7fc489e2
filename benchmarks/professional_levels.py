"""Derive how loud groups are in passages of professional mixes, and count how often professional songs alarm.

    python benchmarks/professional_levels.py [--data PATH] [--out PATH] [--rates]

Levels come from MUSDB18's previews, both halves of each. MixParams gives only what it is good for: how far engineers of
one song disagree, and a rough guide to the finer roles. Writes percentiles; no audio, no values of one song.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, permutations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixingbuddy.tools.cross_energies import CrossEnergies
from mixingbuddy.tools.files import written_beside
from mixingbuddy.tools.findings import Finding
from mixingbuddy.tools.levels import cross_energies
from mixingbuddy.tools.loudness import HOP_S, sounding
from mixingbuddy.tools.multitrack import load_song
from mixingbuddy.tools.passage_findings import section_level_findings
from mixingbuddy.tools.professional_levels import (
    LEVEL_GROUPS,
    LevelGroup,
    ProfessionalLevels,
    level_group,
    set_name,
)
from mixingbuddy.tools.roles import Role

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_DATA = ROOT.parent / "shared" / "data"
DEFAULT_OUT = ROOT / "tools" / "professional_levels.json"
PREVIEWS = Path("musdb18-7s") / "train"
MULTITRACKS = Path("multitracks")
MIXPARAMS = Path("mixparams") / "mixparams.json.gz"
SOURCE = "MUSDB18 train split, 7-second previews, 94 professionally mixed songs"
SOURCES = {
    "sets": f"{SOURCE} (Rafii, Liutkus, Stoeter, Mimilakis, Bittner 2017, doi 10.5281/zenodo.1117372); both halves of "
    "each preview, K-weighted power while the group sounds; where a group is not in the set it was left out of the sum",
    "taste, roles": "MixParams (MixologyDB, Clemens; MIT): 90 mixes of 13 songs of The Mix Evaluation Dataset (De Man, "
    "Reiss), raw-track LUFS plus fader gain; no EQ, compression, buses or automation",
}
LEAST_SOUNDING = 0.5  # of a passage, to count as playing in it
EDGE_TOLERANCE_S = 1.5
_DRUM_ROLES: dict[str, Role] = {
    "KICK": "kick", "SNARE": "snare", "TOM": "toms", "HI-HAT": "hats", "OVERHEAD": "overheads",
    "OVERHEADS": "overheads", "TAMBOURINE": "percussion", "CRASH": "overheads", "RIDE": "overheads", "MISC": "drums",
}  # fmt: skip
_ROLES: dict[str, Role] = {"BASS": "bass", "GUITARS": "guitar", "KEYS": "keys", "MISC": "other"}


def measure(folder: Path) -> dict[str, CrossEnergies]:
    """The cross energies of every preview."""
    return {
        path.name: cross_energies(load_song(path, reference="none").multitrack)
        for path in sorted(folder.glob("*.stem.mp4"))
    }


def derive(songs: Sequence[CrossEnergies], mixparams: Path) -> ProfessionalLevels:
    """Percentiles of all groups in all sets of groups, and the spread between engineers."""
    sets: dict[str, Any] = {}
    for size in range(2, len(LEVEL_GROUPS) + 1):
        for playing in combinations(LEVEL_GROUPS, size):
            sets[set_name(playing)] = {group: _passage_levels(songs, group, playing) for group in playing}
    taste, roles = _engineers(mixparams)
    lengths = [len(song.per_hop) * HOP_S / 2 for song in songs]
    values = {
        "source": SOURCE,
        "sources": SOURCES,
        "passage_s": round(float(np.median(lengths)), 1),
        "sets": sets,
        "taste": taste,
        "roles": roles,
    }
    return ProfessionalLevels.model_validate(values)


def _passage_levels(songs: Sequence[CrossEnergies], group: LevelGroup, playing: Sequence[LevelGroup]) -> dict[str, Any]:
    measured = [[half for half in _halves(song, group, playing) if half is not None] for song in songs]
    levels = np.array([half for halves in measured for half in halves])
    changes = np.array([np.abs(np.subtract(halves[0], halves[1])) for halves in measured if len(halves) == 2])
    return {
        "songs": sum(bool(halves) for halves in measured),
        "passages": len(levels),
        "level_rel_mix_lu": _spread(levels[:, 0], (5, 10, 50, 90, 95)),
        "level_rel_rest_lu": _spread(levels[:, 1], (5, 10, 50, 90, 95)),
        "change_rel_mix_lu": _spread(changes[:, 0], (50, 90, 95)),
        "change_rel_rest_lu": _spread(changes[:, 1], (50, 90, 95)),
    }


def _halves(
    song: CrossEnergies, group: LevelGroup, playing: Sequence[LevelGroup]
) -> Iterator[tuple[float, float] | None]:
    """Level re the mix and re the rest in both halves, LU; None where one of the groups does not play."""
    members = {g: [i for i, role in enumerate(song.roles) if level_group(role) == g] for g in playing}
    sounds = {g: sounding(song.mix({}, indices)) for g, indices in members.items()}
    others = [i for g in playing if g != group for i in members[g]]
    own, rest = song.mix({}, members[group]), song.mix({}, others)
    whole = song.mix({}, [*members[group], *others])
    hops = len(song.per_hop)
    for start, end in ((0, hops // 2), (hops // 2, hops)):
        where = np.zeros(hops, dtype=bool)
        where[start:end] = sounds[group][start:end]
        plays = where.sum() >= LEAST_SOUNDING * (end - start)
        if plays and all(sounds[g][where].mean() >= LEAST_SOUNDING for g in playing):
            yield _ratio_lu(own, whole, where), _ratio_lu(own, rest, where)
        else:
            yield None


def _ratio_lu(part: NDArray[np.float64], whole: NDArray[np.float64], where: NDArray[np.bool_]) -> float:
    return 10 * float(np.log10(part[where].sum() / whole[where].sum()))


def _spread(values: NDArray[np.float64], percentiles: Sequence[int]) -> dict[str, float]:
    return {f"p{q}": round(float(np.percentile(values, q)), 2) for q in percentiles}


def _engineers(path: Path) -> tuple[dict[LevelGroup, Any], dict[str, Any]]:
    """How far engineers of one song disagree about groups, and where the finer roles lie."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        mixes = json.load(file)["mixes"]
    groups: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    rel_mix: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    rel_group: dict[str, list[float]] = defaultdict(list)
    for mix in mixes:
        powers = _role_powers(mix["tracks"])
        whole = sum(powers.values())
        by_group: Counter[LevelGroup] = Counter()
        for role, power in powers.items():
            by_group[level_group(role)] += power  # type: ignore[assignment]
        for group, power in by_group.items():
            groups[group][mix["song-name"]].append(10 * float(np.log10(power / whole)))
        for role, power in powers.items():
            rel_mix[role][mix["song-name"]].append(10 * float(np.log10(power / whole)))
            rel_group[role].append(10 * float(np.log10(power / by_group[level_group(role)])))
    taste = {
        group: {"songs": n, "mixes": mixes_, "sd_rel_mix_lu": sd} for group in LEVEL_GROUPS
        for sd, n, mixes_ in [_within(groups[group])]
    }  # fmt: skip
    roles = {
        role: {
            "mixes": len(rel_group[role]),
            "p50_rel_group_lu": round(float(np.median(rel_group[role])), 2),
            "p50_rel_mix_lu": round(float(np.median([level for levels in songs.values() for level in levels])), 2),
            "sd_rel_mix_lu": _within(songs)[0],
        }
        for role, songs in sorted(rel_mix.items())
    }
    return taste, roles


def _within(songs: Mapping[str, Sequence[float]]) -> tuple[float, int, int]:
    """Mean over songs of the standard deviation between their mixes; number of songs and of mixes."""
    several = [levels for levels in songs.values() if len(levels) > 1]
    return (
        round(float(np.mean([np.std(levels, ddof=1) for levels in several])), 2),
        len(several),
        sum(len(levels) for levels in several),
    )


def _role_powers(tracks: Sequence[Mapping[str, Any]]) -> dict[Role, float]:
    powers: dict[Role, float] = defaultdict(float)
    for track in tracks:
        raw_lufs = track.get("track-audio-features", {}).get("track-audio-lufs")
        gain_db = track.get("parameters", {}).get("gain")
        if isinstance(raw_lufs, int | float) and isinstance(gain_db, int | float) and np.isfinite(raw_lufs + gain_db):
            powers[_role(track)] += 10 ** ((raw_lufs + gain_db) / 10)
    return dict(powers)


def _role(track: Mapping[str, Any]) -> Role:
    kind, subtype = track["track-instrument-type"], track["track-instrument-subtype"]
    if kind == "VOCALS":
        return "backing_vocals" if subtype == "BACKGROUND" else "vocals"
    return _DRUM_ROLES.get(subtype, "drums") if kind == "DRUMS" else _ROLES[kind]


def joined(
    songs: Sequence[CrossEnergies], gains_db: Mapping[int, Mapping[LevelGroup, float]] | None = None
) -> CrossEnergies:
    """One song whose sections are these songs, each mix equally loud; `gains_db` moves groups of some sections."""
    parts = []
    for index, song in enumerate(songs):
        order = [next(i for i, role in enumerate(song.roles) if level_group(role) == group) for group in LEVEL_GROUPS]
        gains = np.array([10 ** ((gains_db or {}).get(index, {}).get(group, 0.0) / 20) for group in LEVEL_GROUPS])
        per_hop = song.per_hop[:, order][:, :, order]
        parts.append(per_hop / per_hop.sum(axis=(1, 2)).mean() * np.outer(gains, gains))
    roles: tuple[Role, ...] = ("vocals", "drums", "bass", "other")
    return CrossEnergies(tuple(LEVEL_GROUPS), roles, np.concatenate(parts).astype(np.float32))


def halves(song: CrossEnergies) -> list[CrossEnergies]:
    middle = len(song.per_hop) // 2
    return [CrossEnergies(song.names, song.roles, part) for part in (song.per_hop[:middle], song.per_hop[middle:])]


def print_rates(songs: Mapping[str, CrossEnergies], mixparams: Path, multitracks: Path) -> None:
    """How often professional songs alarm, in three ways of making a song of previews, and what is found of drops.

    once: one half of a preview among five times the other. artist: all previews of one artist twice. medley: ten
    previews of different artists, which differ more than the passages of one song ever should.
    """
    rng = np.random.default_rng(0)
    once = []
    for left_out in songs:
        levels = derive([song for name, song in songs.items() if name != left_out], mixparams)
        for here, there in permutations(halves(songs[left_out])):
            once.append(section_level_findings(joined([there, there, here, there, there, there]), levels=levels))
    _print_rate("once", once)
    artists: dict[str, list[CrossEnergies]] = defaultdict(list)
    for name, song in songs.items():
        artists[name.split(" - ")[0]].append(song)
    several = [
        own for artist, own in artists.items() if len(own) > 1 and artist != "Music Delta"
    ]  # that one has styles
    _print_rate("artist", [section_level_findings(joined([*own, *own])) for own in several])
    every = list(songs.values())
    medleys = [[every[i] for i in rng.choice(len(every), 10, replace=False)] for _ in range(200)]
    _print_rate("medley", [section_level_findings(joined(medley)) for medley in medleys])
    for folder in sorted(multitracks.iterdir()):
        energies = cross_energies(load_song(folder, reference="none").multitrack)
        for finding in section_level_findings(energies):
            print(f"{folder.name}: {finding.severity}, {finding.text}")
        if "vocals" in map(level_group, energies.roles) and len(energies.per_hop) > 200:
            _print_found(folder.name, [energies] * 18, [(start_s, start_s + 8.0) for start_s in range(3, 21)])
    _print_found("previews", [joined([first, second] * 4) for first, second in map(halves, every)], [(7.0, 14.0)] * 94)


def _print_rate(name: str, songs: Sequence[Sequence[Finding]]) -> None:
    kinds = Counter(f"{f.stems[0]} {f.kind} {f.severity}" for findings in songs for f in findings)
    counts = {
        severity: sum(any(finding.severity == severity for finding in findings) for findings in songs)
        for severity in ("major", "minor", "info")
    }
    print(f"{name}: {len(songs)} songs, with findings: {counts}; {dict(sorted(kinds.items()))}", flush=True)


def _print_found(name: str, songs: Sequence[CrossEnergies], drops: Sequence[tuple[float, float]]) -> None:
    """Share of drops of the vocals that are found, are major, and have both edges right within 1.5 s."""
    for gain_db in (-4, -6, -8, -10, -12):
        found = [_found(song, drop, gain_db) for song, drop in zip(songs, drops, strict=True)]
        hits = [hit for hit in found if hit is not None]
        major = sum(hit.severity == "major" for hit in hits)
        errors = [
            max(abs(hit.where[0] - start_s), abs(hit.where[1] - end_s))
            for hit, (start_s, end_s) in zip(found, drops, strict=True)
            if hit is not None and hit.where is not None
        ]
        exact = sum(error <= EDGE_TOLERANCE_S for error in errors)
        print(f"{name} {gain_db} dB: {len(hits)} of {len(found)} found, {major} major, {exact} with both edges right")


def _found(song: CrossEnergies, drop: tuple[float, float], gain_db: float) -> Finding | None:
    """The finding for a drop of the vocals between two times, if there is one."""
    gains = np.ones((len(song.per_hop), len(song.names)))
    vocals = [index for index, role in enumerate(song.roles) if level_group(role) == "vocals"]
    gains[round(drop[0] / HOP_S) : round(drop[1] / HOP_S), vocals] = 10 ** (gain_db / 20)
    moved = (song.per_hop * gains[:, :, None] * gains[:, None, :]).astype(np.float32)
    for finding in section_level_findings(CrossEnergies(song.names, song.roles, moved)):
        start_s, end_s = finding.where or (0.0, 0.0)
        right = finding.kind == "buried_passage" and finding.stems == tuple(song.names[index] for index in vocals)
        if right and min(end_s, drop[1]) - max(start_s, drop[0]) > (drop[1] - drop[0]) / 2:
            return finding
    return None


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Derive the levels of groups in passages of professional mixes.")
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder with musdb18-7s and mixparams")
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, help="file to write")
    parser.add_argument("--rates", action="store_true", help="print how often professional songs alarm, write nothing")
    options = parser.parse_args(arguments)
    if not (options.data / PREVIEWS).is_dir() or not (options.data / MIXPARAMS).is_file():
        print(f"no {PREVIEWS} or no {MIXPARAMS} in '{options.data}'; name the folder with --data", file=sys.stderr)
        return 2
    songs = measure(options.data / PREVIEWS)
    if options.rates:
        print_rates(songs, options.data / MIXPARAMS, options.data / MULTITRACKS)
        return 0
    with written_beside(options.out) as beside:
        levels = derive(list(songs.values()), options.data / MIXPARAMS)
        beside.write_text(json.dumps(levels.model_dump(mode="json"), indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
