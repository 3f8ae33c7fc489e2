"""What a fit to a reference mix could not say about a stem, or found besides its gain."""

import math

import numpy as np

from mixingbuddy.models.reference_mix import MixFit
from mixingbuddy.tools.findings import Finding
from mixingbuddy.tools.moves import GAIN_MAX_DB, GAIN_MIN_DB
from mixingbuddy.tools.multitrack import Multitrack, Reference

SOURCE = "level-difference"
POOR_FIT_SHARE = 0.9  # mastered mixes of the right song were explained to 0.976 and more
TWIN_CORRELATION = 0.95


def same_song_share(analysed_s: float) -> float:
    """Least share of the reference that the stems explain when it is their own mix (0..1).

    The shorter the excerpt, the more chance explains; the figures behind it are in docs/level-difference.md.
    """
    return 0.18 + 0.15 / math.sqrt(max(analysed_s, 0.05))


def mix_findings(multitrack: Multitrack, reference: Reference, fit: MixFit) -> list[Finding]:
    """Stems that cannot be told, are absent or have the other polarity; a reference that fits poorly."""
    findings = [_unsaid(multitrack, index, fit) for index in np.flatnonzero(~fit.known).tolist()]
    findings += [_flipped(multitrack.names[index]) for index in np.flatnonzero(fit.flipped).tolist()]
    if fit.explained < POOR_FIT_SHARE:
        findings.append(_poor_fit(reference, fit))
    return findings


def cannot_say(stem: str, why: str) -> Finding:
    """The one finding for a stem without advice."""
    text = f"Nothing can be said about '{stem}': {why}."
    return Finding(kind="cannot_say", stems=(stem,), severity="minor", source=SOURCE, text=text)


def beyond_fader(stem: str, gain_db: float) -> Finding:
    """The reference asks for more than a fader can do."""
    return Finding(
        kind="beyond_fader",
        stems=(stem,),
        value=round(gain_db, 1),
        unit="dB",
        expected=(GAIN_MIN_DB, GAIN_MAX_DB),
        severity="major",
        source=SOURCE,
        text=(
            f"'{stem}' is {gain_db:+.1f} dB from its place in the reference; one move goes from "
            f"{GAIN_MIN_DB:+.0f} to {GAIN_MAX_DB:+.0f} dB."
        ),
    )


def _unsaid(multitrack: Multitrack, index: int, fit: MixFit) -> Finding:
    stem = multitrack.stems[index]
    if fit.absent[index]:
        text = f"'{stem.name}' is absent from the reference: at least 40 dB below its place there."
        return Finding(kind="absent_in_reference", stems=(stem.name,), severity="major", source=SOURCE, text=text)
    twin = _twin_of(multitrack, index, fit)
    if stem.silent:
        return cannot_say(stem.name, "it is silent")
    if twin is not None:
        return cannot_say(stem.name, f"it carries the same sound as '{twin}', so only both together can be told")
    return cannot_say(stem.name, "it cannot be heard clearly enough in the reference")


def _twin_of(multitrack: Multitrack, index: int, fit: MixFit) -> str | None:
    """Another stem that cannot be told either and carries (almost) the same samples."""
    own = multitrack.stems[index].audio
    for other in np.flatnonzero(~fit.known):
        audio = multitrack.stems[other].audio
        if other == index or audio.shape != own.shape:
            continue
        norm = float(np.linalg.norm(own)) * float(np.linalg.norm(audio))
        if norm > 0 and abs(float(np.vdot(own, audio))) > TWIN_CORRELATION * norm:
            return multitrack.names[other]
    return None


def _flipped(stem: str) -> Finding:
    text = f"'{stem}' has the opposite polarity in the reference, relative to the other stems."
    return Finding(kind="polarity_differs", stems=(stem,), severity="minor", source=SOURCE, text=text)


def another_song(reference: Reference) -> Finding:
    """The reference stems are not of this song."""
    return Finding(
        kind="reference_of_another_song",
        severity="minor",
        source=SOURCE,
        text=f"The reference stems '{reference.name}' are of another song: the levels are compared role by role.",
    )


def _poor_fit(reference: Reference, fit: MixFit) -> Finding:
    return Finding(
        kind="poor_reference_fit",
        value=round(100 * fit.explained, 1),
        unit="%",
        expected=(100 * POOR_FIT_SHARE, 100.0),
        severity="major" if fit.explained < same_song_share(fit.analysed_s) else "minor",
        source=SOURCE,
        text=(
            f"The stems explain only {fit.explained:.0%} of the reference '{reference.name}'; it may be another "
            "version of the song, or stems are missing here."
        ),
    )
