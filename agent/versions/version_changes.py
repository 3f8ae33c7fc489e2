"""What changed from one mix version to another: faders, measured levels, and the way to the reference."""

from collections.abc import Mapping
from typing import Any

from mixingbuddy.agent.results import StemChange
from mixingbuddy.agent.state import Version
from mixingbuddy.agent.workbench import Workbench


def changes_between(bench: Workbench, before: Version, after: Version, against_reference: bool) -> dict[str, Any]:
    """The fields of `History` that tell what changed; `against_reference` asks the advisor about both versions."""
    was, now = bench.levels(before.faders), bench.levels(after.faders)
    far_before = reference_distances_db(bench, before.faders) if against_reference else {}
    far_after = reference_distances_db(bench, after.faders) if against_reference else {}
    changes = tuple(
        StemChange(
            stem=old.name,
            fader_before_db=before.faders.get(old.name, 0.0),
            fader_after_db=after.faders.get(old.name, 0.0),
            level_before_lu=old.level_rel_mix_lu,
            level_after_lu=new.level_rel_mix_lu,
            distance_before_db=far_before.get(old.name),
            distance_after_db=far_after.get(old.name),
        )
        for old, new in zip(was.stems, now.stems, strict=True)
        if before.faders.get(old.name, 0.0) != after.faders.get(old.name, 0.0)
    )
    return {
        "compared_with": before.id,
        "changes": changes,
        "loudness_before_lufs": was.loudness_lufs,
        "loudness_after_lufs": now.loudness_lufs,
        "distance_before_db": _mean_size(far_before),
        "distance_after_db": _mean_size(far_after),
    }


def reference_distances_db(bench: Workbench, faders: Mapping[str, float]) -> dict[str, float]:
    """Gain that leads each stem to a reference of this very song, dB; empty without such a reference."""
    if bench.reference is None:
        return {}
    advice = bench.advice(faders)
    if advice.fit is None or not advice.fit.same_song:
        return {}
    return {one.stem: one.measured_db for one in advice.stems}


def _mean_size(distances_db: Mapping[str, float]) -> float | None:
    return sum(abs(gain_db) for gain_db in distances_db.values()) / len(distances_db) if distances_db else None
