"""A mix without stems: what an advisor hears inside it is worth saying, but no fader can do it."""

from mixingbuddy.models.advisor import GainAdvice, StemAdvice
from mixingbuddy.tools.findings import Finding, Severity

MAJOR_DB = 6.0
NO_FADERS = "This is one mix without stems: nothing in it has a fader of its own, so no move can be made or rendered."


def heard_inside(advice: GainAdvice) -> GainAdvice:
    """The advice for a mix without stems, as findings: its "stems" are roles that no file of the song is."""
    no_faders = Finding(kind="mix_without_stems", source="the song's files", text=NO_FADERS)
    wanted = sorted((one for one in advice.stems if one.gain_db), key=lambda one: -abs(one.gain_db))
    return advice.model_copy(
        update={
            "stems": (),
            "aims": (),
            "text": None,
            "findings": (
                no_faders,
                *(_if_there_were_stems(one, advice.advisor) for one in wanted),
                *(finding.model_copy(update={"stems": ()}) for finding in advice.findings),
            ),
        }
    )


def _if_there_were_stems(one: StemAdvice, advisor: str) -> Finding:
    direction = "up" if one.gain_db > 0 else "down"
    low, high = sorted(abs(end) for end in one.interval_db)
    certain = one.interval_db[0] * one.interval_db[1] > 0
    sure = f" (80 % sure of {low:.1f} to {high:.1f} dB)" if certain else ""
    severity: Severity = "major" if abs(one.gain_db) >= MAJOR_DB else "minor"
    return Finding(
        kind="role_in_mix",
        value=one.gain_db,
        unit="dB",
        severity=severity,
        source=advisor,
        text=f"If you have the stems: {one.stem} {direction} about {abs(one.gain_db):.1f} dB{sure}.",
    )
