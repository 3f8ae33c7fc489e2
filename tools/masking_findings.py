"""What of the masking in a song is worth saying: hidden lead vocals, and stems of which hardly anything is heard."""

from collections.abc import Mapping

from mixingbuddy.tools.findings import Finding, Severity
from mixingbuddy.tools.masking import Masking, MaskingEvent
from mixingbuddy.tools.masking_sums import LIMIT_DB
from mixingbuddy.tools.roles import Role, group_of

SOURCE = "masking model (Glasberg and Moore 1990; Moore, Glasberg and Baer 1997)"
SHORTEST_FINDING_S = 2.0
MOST_FINDINGS = 5
# Calibrated on 94 professional mixes: docs/masking.md.
MAJOR_VOCAL_LOSS_DB = 3.0
MINOR_VOCAL_LOSS_DB = 1.5
HARDLY_HEARD = 0.05


def masking_findings(masking: Masking, roles: Mapping[str, Role]) -> tuple[Finding, ...]:
    """What is worth saying: hidden lead vocals, and stems of which hardly anything is heard; worst first, at most five.

    `roles` gives the role of every stem. Stems of the target's own group never count as its maskers.
    """
    found: list[tuple[Severity, float, Finding]] = []
    for event in masking.events:
        maskers = tuple(name for name in event.maskers if group_of(roles[name]) != group_of(roles[event.target]))
        severity = _severity(event, roles[event.target], masking)
        # The strongest masker decides; a stem hidden by its own group is the group's business.
        if severity is not None and maskers and maskers[0] == event.maskers[0]:
            found.append((severity, event.importance, _finding(event, maskers, severity)))
    found.sort(key=lambda entry: (entry[0] != "major", -entry[1]))
    return tuple(finding for _, _, finding in found[:MOST_FINDINGS])


def hiding_findings(masking: Masking, roles: Mapping[str, Role], target: str) -> tuple[Finding, ...]:
    """Every event in which one stem is hidden, by whom it may be, worst first; info where such masking is usual."""
    events = [event for event in masking.events if event.target == target and event.maskers]
    return tuple(_finding(event, event.maskers, _severity(event, roles[target], masking) or "info") for event in events)


def _severity(event: MaskingEvent, role: Role, masking: Masking) -> Severity | None:
    """Severity of an event, None if such masking is usual in professional mixes (`docs/masking.md`)."""
    if event.end_s - event.start_s < SHORTEST_FINDING_S:
        return None
    if role in ("vocals", "backing_vocals"):
        lost_db = event.lost_share * event.depth_db
        if role == "vocals" and lost_db >= MAJOR_VOCAL_LOSS_DB:
            return "major"
        return "minor" if lost_db >= MINOR_VOCAL_LOSS_DB else None
    stem = masking.stem(event.target)
    if stem is None or stem.audible_loudness_share is None or stem.audible_energy_share is None:
        return None
    worst = next(known for known in masking.events if known.target == event.target)
    hardly = stem.audible_loudness_share < HARDLY_HEARD and stem.audible_energy_share < HARDLY_HEARD
    return "minor" if hardly and event is worst else None


def _finding(event: MaskingEvent, maskers: tuple[str, ...], severity: Severity) -> Finding:
    named = " and ".join([", ".join(f"'{name}'" for name in maskers[:-1]), f"'{maskers[-1]}'"][len(maskers) == 1 :])
    return Finding(
        kind="masked",
        stems=(event.target, *maskers),
        value=event.depth_db,
        unit="dB",
        expected=(-LIMIT_DB, 0.0),
        where=(event.start_s, event.end_s),
        severity=severity,
        source=SOURCE,
        text=f"{named} hide{'s' if len(maskers) == 1 else ''} '{event.target}' at {_range_text(event)}, "
        f"{_clock(event.start_s)}-{_clock(event.end_s)} ({event.depth_db:.0f} dB under its masked threshold).",
    )


def _range_text(event: MaskingEvent) -> str:
    low_hz, high_hz = (float(f"{edge:.2g}") for edge in (event.low_hz, event.high_hz))
    if high_hz < 1000:
        return f"{low_hz:.0f} to {high_hz:.0f} Hz"
    return (
        f"{low_hz / 1000:g} to {high_hz / 1000:g} kHz"
        if low_hz >= 1000
        else f"{low_hz:.0f} Hz to {high_hz / 1000:g} kHz"
    )


def _clock(time_s: float) -> str:
    minutes, seconds = divmod(round(time_s), 60)
    return f"{minutes}:{seconds:02d}"
