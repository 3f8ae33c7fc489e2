"""The part of the song that a word means: a section's letter, or a time."""

import re
from collections.abc import Collection, Mapping

from mixingbuddy.agent.results import Part
from mixingbuddy.agent.workbench import Workbench
from mixingbuddy.tools.analysis import known_sections
from mixingbuddy.tools.errors import ModelMistake
from mixingbuddy.tools.section_levels import PASSAGE_S, measure_section_levels
from mixingbuddy.tools.song_time import clock

_TIME = re.compile(r"(\d{1,3}):([0-5]\d)")


def part_levels(bench: Workbench, words: str, faders: Mapping[str, float], stems: Collection[str]) -> Part:
    """How the stems stand in a part of the song. Raises ModelMistake where no part is called that."""
    start_s, end_s, label = find_part(bench, words)
    measured = measure_section_levels(bench.energies, [(start_s, end_s, label)], faders)
    parts = measured.sections[0].parts if measured.sections else ()
    levels = {part.name: part.level_rel_mix_lu for part in parts if part.kind == "stem" and part.name in stems}
    return Part(label=label, start_s=start_s, end_s=end_s, levels_lu=levels)


def find_part(bench: Workbench, words: str) -> tuple[float, float, str]:
    """Start and end in s, and what to call it. Raises ModelMistake with the parts that there are."""
    duration_s = bench.measured.figures.levels.duration_s
    sections = known_sections(bench.measured.figures)
    time = _TIME.search(words)
    if time is not None:
        at_s = 60.0 * int(time[1]) + int(time[2])
        if at_s < duration_s:
            start_s = max(0.0, min(at_s - PASSAGE_S / 2, duration_s - PASSAGE_S))
            end_s = min(start_s + PASSAGE_S, duration_s)
            return start_s, end_s, f"{clock(start_s)} to {clock(end_s)}"
        raise ModelMistake(f"the song ends at {clock(duration_s)}")
    letter = words.strip().removeprefix("section").removeprefix("part").strip().upper()
    found = next((section for section in sections if section[2] == letter), None)
    if found is not None:
        return found[0], found[1], f"section {found[2]} ({clock(found[0])} to {clock(found[1])})"
    listed = ", ".join(f"{label} {clock(start_s)}-{clock(end_s)}" for start_s, end_s, label in sections)
    known = f"I hear sections {listed}, but not what they are called" if listed else "I hear no clear sections here"
    raise ModelMistake(f"{known}; name a section's letter, or a time such as 1:20")
