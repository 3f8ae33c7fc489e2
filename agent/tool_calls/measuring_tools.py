"""Tools that only measure: the song, its levels, one aspect of it, and the reference."""

from typing import Annotated

from langchain.tools import tool
from pydantic import Field

from mixingbuddy.agent.inspecting import inspect_song
from mixingbuddy.agent.parts import part_levels
from mixingbuddy.agent.requests import Aspect
from mixingbuddy.agent.results import Comparison, Levels, Overview
from mixingbuddy.agent.state import current_version
from mixingbuddy.agent.tool_calls.tool_runtime import Runtime, bench_of, state_of
from mixingbuddy.agent.workbench import judged_as
from mixingbuddy.tools.render import check_stems

MOST_DIFFERENCES = 6


@tool
def overview(runtime: Runtime) -> str:
    """The song, its stems with levels, and what was noticed while loading. Call it first when a song is new."""
    bench = bench_of(runtime)
    levels = bench.levels(current_version(state_of(runtime)).faders)
    return Overview(
        song=bench.song.multitrack.name,
        duration_s=round(levels.duration_s, 2),
        loudness_lufs=levels.loudness_lufs,
        true_peak_dbtp=levels.true_peak_dbtp,
        stems=levels.stems,
        findings=bench.song.findings,
    ).model_dump_json()


@tool
def levels(
    runtime: Runtime,
    stems: Annotated[list[str] | None, Field(description="only these stems; all where omitted")] = None,
    part: Annotated[
        str | None, Field(description="a part of the song: a section's letter, or a time such as 1:20")
    ] = None,
) -> str:
    """How loud stems and groups are now, and whether that is usual. Call it for questions of level."""
    bench = bench_of(runtime)
    check_stems(bench.song.multitrack, stems or ())
    faders = current_version(state_of(runtime)).faders
    measured = bench.levels(faders)
    advice = bench.advice(faders)
    chosen = set(stems or bench.song.multitrack.names)
    return Levels(
        stems=tuple(stem for stem in measured.stems if stem.name in chosen),
        groups=tuple(group for group in measured.groups if not stems or chosen & set(group.stems)),
        advice=tuple(a for a in advice.stems if a.stem in chosen),
        evidence=advice.evidence,
        judged_as=judged_as(advice),
        part=part_levels(bench, part, faders, chosen) if part else None,
    ).model_dump_json()


@tool
def inspect(
    runtime: Runtime,
    aspect: Annotated[
        Aspect,
        Field(
            description="hygiene: clipping, hum, DC, noise, copies, polarity; sections: levels part by part; "
            "time: tempo, key, sections"
        ),
    ],
    stems: Annotated[list[str] | None, Field(description="only these stems; all where omitted")] = None,
) -> str:
    """One aspect of the song as imported: who hides whom, levels by section, tone, dynamics, faults, stereo or time."""
    bench = bench_of(runtime)
    check_stems(bench.song.multitrack, stems or ())
    return inspect_song(bench, aspect, stems or ()).model_dump_json()


@tool
def compare_reference(runtime: Runtime) -> str:
    """The current version against the reference, stem by stem. Call it when the user asks about the reference."""
    bench = bench_of(runtime)
    advice = bench.advice(current_version(state_of(runtime)).faders)
    compared = bench.analysis.reference
    return Comparison(
        reference=bench.reference.name if bench.reference else None,
        fit=advice.fit,
        differences=compared.differences[:MOST_DIFFERENCES] if compared else (),
        stems=advice.stems,
        evidence=advice.evidence,
        findings=advice.findings,
        judged_as=judged_as(advice),
    ).model_dump_json()
