"""What to do about stems that hold the same sound."""

from collections.abc import Sequence

from mixingbuddy.tools.findings import Finding, Severity
from mixingbuddy.tools.stem_pairs import LEAST_COHERENCE, SAME_CORRELATION, Relation, StemPair

MAX_BLEED_FINDINGS = 5
# What stems that share nothing, or close microphones that work together, have; the limits of `stem_pairs`.
_EXPECTED: dict[Relation, tuple[float, float]] = {
    "duplicate": (-SAME_CORRELATION, SAME_CORRELATION),
    "inverted_duplicate": (-SAME_CORRELATION, SAME_CORRELATION),
    "delayed_duplicate": (0.0, 0.0),
    "polarity_conflict": (0.0, 1.0),
    "bleed": (-LEAST_COHERENCE["bleed"], LEAST_COHERENCE["bleed"]),
    "shared_sound": (-LEAST_COHERENCE["shared_sound"], LEAST_COHERENCE["shared_sound"]),
}
_SEVERITY: dict[Relation, Severity] = {
    "duplicate": "minor",
    "inverted_duplicate": "major",
    "delayed_duplicate": "major",
    "polarity_conflict": "major",
    "bleed": "info",
    "shared_sound": "info",
}


def stem_pair_findings(pairs: Sequence[StemPair], duration_s: float) -> tuple[Finding, ...]:
    """What to do about each pair; of the bleed only the strongest five, as information."""
    shown = [pair for pair in pairs if pair.relation not in ("bleed", "shared_sound")]
    shown += [pair for pair in pairs if pair.relation in ("bleed", "shared_sound")][:MAX_BLEED_FINDINGS]
    return tuple(_finding(pair, duration_s) for pair in shown)


def _finding(pair: StemPair, duration_s: float) -> Finding:
    in_ms = pair.relation == "delayed_duplicate"
    return Finding(
        kind=pair.relation,
        stems=(pair.flip, pair.early if pair.flip == pair.late else pair.late)
        if pair.flip
        else (pair.late, pair.early),
        value=pair.delay_ms if in_ms else _correlation(pair),
        unit="ms" if in_ms else "correlation",
        expected=_EXPECTED[pair.relation],
        where=(0.0, duration_s),
        severity=_SEVERITY[pair.relation],
        source="whitened cross-correlation of the stems",
        text=_text(pair),
    )


def _correlation(pair: StemPair) -> float:
    """Of the waveforms; where it decides about polarity, whitened: a filter turns the loud lows and hides the sign."""
    return pair.coherence if pair.relation in ("polarity_conflict", "shared_sound") else pair.correlation


def _text(pair: StemPair) -> str:
    late, early = f"'{pair.late}'", f"'{pair.early}'"
    delayed = f"{pair.delay_ms:.2f} ms ({pair.delay_samples} samples)"
    gain = "" if pair.gain_db is None or abs(pair.gain_db) < 0.05 else f" at {pair.gain_db:+.1f} dB"
    facts = f"correlation {_correlation(pair):+.2f}, {late} {delayed} later"
    if pair.relation == "duplicate":
        return f"{late} is a copy of {early}{gain}; remove or mute one of them."
    if pair.relation == "inverted_duplicate":
        when = f", {delayed} late" if pair.delay_samples else ""
        return f"{late} is {early} with inverted polarity{gain}{when}, so they cancel; remove or mute one of them."
    if pair.relation == "delayed_duplicate":
        return f"{late} is a copy of {early}{gain}, {delayed} late; remove it, or move it earlier by that."
    if pair.relation == "polarity_conflict":
        other = early if pair.flip == pair.late else late
        return f"'{pair.flip}' works against {other} ({facts}); invert the polarity of '{pair.flip}'."
    if pair.relation == "bleed":
        return f"{late} and {early} hear each other ({facts}); mind it when you gate, move or invert one of them."
    return f"{late} and {early} hold the same sound ({facts}); treat them as one when you move or process them."
