"""Only masking that is unusual in professional mixes is reported, in words a musician can use."""

import pytest
from masked_songs import ROLES, between, measure, noise_band, planted, voice

from mixingbuddy.tools.masking import Masking, MaskingEvent
from mixingbuddy.tools.masking_findings import masking_findings


def test_planted_masking_is_said_in_one_sentence() -> None:
    masking = planted()
    event = masking.events[0]
    finding = masking_findings(masking, ROLES)[0]
    assert (finding.kind, finding.stems, finding.unit) == ("masked", ("vocals", "guitar"), "dB")
    assert finding.where == (event.start_s, event.end_s)
    assert finding.severity in ("minor", "major")
    assert finding.text.startswith("'guitar' hides 'vocals' at 2 to ")
    assert finding.text.endswith(f", 0:07-0:14 ({event.depth_db:.0f} dB under its masked threshold).")


def test_louder_masker_is_worse_and_a_softer_one_no_finding() -> None:
    severities = {}
    for level_db_spl in (55, 90):
        masking = measure(vocals=voice(6.0), guitar=noise_band(200, 9000, level_db_spl, 6.0, seed=9))
        findings = masking_findings(masking, ROLES)
        severities[level_db_spl] = [finding.severity for finding in findings if finding.stems[0] == "vocals"]
    assert severities == {55: [], 90: ["major"]}


def test_choir_is_minor_and_its_own_group_hides_nobody() -> None:
    loud = noise_band(200, 9000, 90, 6.0, seed=9)
    assert [f.severity for f in masking_findings(measure(choir=voice(6.0), guitar=loud), ROLES)] == ["minor"]
    assert masking_findings(measure(vocals=voice(6.0), choir=loud), ROLES) == ()


def test_stem_that_is_hardly_heard_is_reported_and_usual_masking_is_not() -> None:
    pad = noise_band(300, 3000, 40, 6.0)
    hidden = masking_findings(measure(pad=pad, guitar=noise_band(200, 6000, 75, 6.0, seed=2)), ROLES)
    assert [(f.stems, f.severity) for f in hidden] == [(("pad", "guitar"), "minor")]
    assert masking_findings(measure(pad=pad, guitar=noise_band(1000, 6000, 60, 6.0, seed=2)), ROLES) == ()


def test_tail_between_phrases_is_no_finding() -> None:
    sung = voice(12.0)
    phrases = between(sung, 0, 4) + between(sung * 10 ** (-20 / 20), 4, 8) + between(sung, 8, 12)
    masking = measure(vocals=phrases, guitar=noise_band(200, 9000, 55, 12.0, seed=4))
    assert masking_findings(masking, ROLES) == ()


@pytest.mark.parametrize(
    ("low_hz", "high_hz", "words"),
    [(212, 489, "210 to 490 Hz"), (489, 2120, "490 Hz to 2.1 kHz"), (2120, 4890, "2.1 to 4.9 kHz")],
)
def test_maskers_band_and_time_are_named(low_hz: float, high_hz: float, words: str) -> None:
    event = MaskingEvent(
        target="vocals", maskers=("guitar", "pad"), low_hz=low_hz, high_hz=high_hz, start_s=59.6, end_s=72.4,
        depth_db=12.0, hidden_share=0.9, lost_share=0.5, importance=0.1,
    )  # fmt: skip
    (finding,) = masking_findings(Masking(regions=(), stems=(), pairs=(), events=(event,)), ROLES)
    assert finding.stems == ("vocals", "guitar", "pad")
    assert finding.text == (
        f"'guitar' and 'pad' hide 'vocals' at {words}, 1:00-1:12 (12 dB under its masked threshold)."
    )
