"""Every kind of pair says which stem to act on, and how."""

import pytest

from mixingbuddy.tools.findings import Severity
from mixingbuddy.tools.pair_findings import stem_pair_findings
from mixingbuddy.tools.stem_pairs import Relation, StemPair


def pair(relation: Relation, delay_samples: int = 0, gain_db: float | None = None, flip: str | None = None) -> StemPair:
    return StemPair(
        relation=relation, early="a", late="b", delay_samples=delay_samples, delay_ms=delay_samples / 44.1,
        correlation=-0.5, coherence=-0.7, gain_db=gain_db, flip=flip,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("found", "severity", "text"),
    [
        (pair("duplicate", gain_db=-6.02), "minor", "'b' is a copy of 'a' at -6.0 dB; remove or mute one of them."),
        (pair("duplicate", gain_db=0.01), "minor", "'b' is a copy of 'a'; remove or mute one of them."),
        (pair("inverted_duplicate"), "major",
         "'b' is 'a' with inverted polarity, so they cancel; remove or mute one of them."),
        (pair("delayed_duplicate", 529), "major",
         "'b' is a copy of 'a', 12.00 ms (529 samples) late; remove it, or move it earlier by that."),
        (pair("bleed", 88), "info",
         "'b' and 'a' hear each other (correlation -0.50, 'b' 2.00 ms (88 samples) later); "
         "mind it when you gate, move or invert one of them."),
        (pair("shared_sound", 88), "info",
         "'b' and 'a' hold the same sound (correlation -0.70, 'b' 2.00 ms (88 samples) later); "
         "treat them as one when you move or process them."),
    ],
)  # fmt: skip
def test_the_later_stem_comes_first_and_the_advice_follows_the_relation(
    found: StemPair, severity: Severity, text: str
) -> None:
    (finding,) = stem_pair_findings([found], 6.0)
    assert (finding.kind, finding.stems, finding.where) == (found.relation, ("b", "a"), (0.0, 6.0))
    assert (finding.severity, finding.text) == (severity, text)


def test_polarity_is_told_by_the_whitened_correlation() -> None:
    """The waveforms of a snare's two microphones may agree in the body, which a filter turned, and not in the wires."""
    conflict, shared = stem_pair_findings([pair("polarity_conflict", flip="b"), pair("shared_sound")], 6.0)
    assert (conflict.value, shared.value) == (-0.7, -0.7)
    assert "correlation -0.70" in conflict.text


def test_a_late_copy_is_given_in_milliseconds_and_all_else_as_correlation() -> None:
    late, bleed = stem_pair_findings([pair("delayed_duplicate", 529), pair("bleed", 88)], 6.0)
    assert (late.value, late.unit) == (pytest.approx(12.0, abs=0.01), "ms")
    assert (bleed.value, bleed.unit) == (-0.5, "correlation")


@pytest.mark.parametrize(("flip", "other"), [("a", "b"), ("b", "a")])
def test_the_stem_to_invert_comes_first(flip: str, other: str) -> None:
    (finding,) = stem_pair_findings([pair("polarity_conflict", 44, flip=flip)], 6.0)
    assert (finding.stems, finding.severity) == ((flip, other), "major")
    assert finding.text.startswith(f"'{flip}' works against '{other}' (")
    assert finding.text.endswith(f"; invert the polarity of '{flip}'.")


def test_five_of_the_bleed_are_shown_after_all_alarms() -> None:
    found = stem_pair_findings([*[pair("bleed", 88)] * 9, *[pair("duplicate")] * 7], 6.0)
    assert [finding.kind for finding in found] == ["duplicate"] * 7 + ["bleed"] * 5
