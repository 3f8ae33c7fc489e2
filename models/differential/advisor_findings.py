"""What the differential advisor says besides its moves: what it heard, what it cannot say, where it was checked."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mixingbuddy.models.advisor import GainAdvice
from mixingbuddy.models.differential.group_advice import GROUP_NAMES, GroupAnswer, expected_range_lu
from mixingbuddy.models.differential.hearing import HeardSound
from mixingbuddy.models.differential.own_balance import OwnBalance
from mixingbuddy.models.differential.posterior import Belief, contrasts
from mixingbuddy.models.differential.shape import ROLES
from mixingbuddy.models.differential.sound_windows import Window
from mixingbuddy.tools.findings import Finding, Severity
from mixingbuddy.tools.multitrack import Multitrack, Reference

SOURCE = "differential"
# The ear and the measurement disagree when they are this many standard deviations apart (root mean square).
DISAGREES = 2.5
MAJOR_DB = 6.0
# The block that BS.1770's loudness is measured in.
SHORTEST_S = 0.4


def evidence(reference: Reference | None, own: OwnBalance, heard: HeardSound | None) -> str:
    """What the advice rests on, one sentence."""
    where = _seconds(own.windows)
    if heard is None or reference is None:
        return f"No reference: the groups' levels in {where} were compared with professional mixes."
    return (
        f"Another song: the levels heard in {_seconds(heard.windows)} of '{reference.name}', weighed with professional "
        f"mixes, against {where} of this song."
    )


def mix_evidence(heard: HeardSound) -> str:
    """The same for a mix without stems."""
    return (
        f"One mix without stems: the levels heard in {_seconds(heard.windows)} were compared with professional mixes."
    )


def _seconds(windows: Sequence[Window]) -> str:
    if len(windows) == 1:
        return f"{windows[0][0]:.0f} to {windows[0][1]:.0f} s"
    starts = ", ".join(f"{start:.0f}" for start, _ in windows)
    return f"the {len(windows)} busiest windows of {windows[0][1] - windows[0][0]:.0f} s (from {starts} s)"


def heard_role(stem: str, role: str) -> Finding:
    """A stem whose name does not tell what it is."""
    text = f"The name '{stem}' does not say what it is; it sounds like {GROUP_NAMES[role]} and is judged as that."
    return Finding(kind="heard_role", stems=(stem,), source=SOURCE, text=text)


def not_in_reference(groups: Sequence[int], own: OwnBalance, multitrack: Multitrack) -> list[Finding]:
    """Groups of the song that were not heard in the reference."""
    return [
        _cannot_say(
            tuple(multitrack.names[index] for index in own.members[group]),
            f"no {GROUP_NAMES[ROLES[group]]} were heard in the reference",
        )
        for group in groups
    ]


def another_song(reference: Reference) -> Finding:
    """The reference mix is not of this song."""
    text = f"The reference mix '{reference.name}' is another song: groups are compared with what is heard in it."
    return Finding(kind="reference_of_another_song", severity="minor", source=SOURCE, text=text)


def unjudged(multitrack: Multitrack, own: OwnBalance) -> list[Finding]:
    """Stems of groups that hardly sound."""
    silent = [stem.name for stem in multitrack.stems if stem.silent]
    members = [i for g in range(len(ROLES)) if g not in own.groups() for i in own.members[g]]
    quiet = [multitrack.names[index] for index in members]
    found = [_cannot_say((name,), "it is silent") for name in silent]
    if quiet:
        found.append(_cannot_say(tuple(quiet), "it hardly sounds where the rest plays"))
    return found


def _cannot_say(stems: tuple[str, ...], why: str) -> Finding:
    text = f"Nothing can be said about {', '.join(stems)}: {why}."
    return Finding(kind="cannot_say", stems=stems, severity="minor", source=SOURCE, text=text)


def cannot_say(
    advisor: str,
    multitrack: Multitrack,
    groups: Sequence[int],
    reference: Reference | None,
    findings: Sequence[Finding],
) -> GainAdvice:
    """Advice that says why there is none."""
    if multitrack.duration_s < SHORTEST_S:
        why = "the song is shorter than the 400 ms that a level needs"
    elif groups:
        name = GROUP_NAMES[ROLES[groups[0]]]
        where = f" and '{reference.name}' have in common" if reference is not None else " has"
        why = f"{name} is the only group that this song{where}, and a balance needs two"
    elif reference is not None and any(finding.kind == "cannot_say" for finding in findings):
        why = f"nothing that this song has was heard in '{reference.name}'"
    else:
        why = "no group sounds loud enough to be measured"
    text = f"No balance advice: {why}."
    named = {stem for finding in findings if finding.kind == "cannot_say" for stem in finding.stems}
    others = () if multitrack.mix_only else tuple(name for name in multitrack.names if name not in named)
    return GainAdvice(
        advisor=advisor,
        stems=(),
        evidence=text,
        findings=(Finding(kind="cannot_say", stems=others, source=SOURCE, text=text), *findings),
    )


def group_findings(answers: Sequence[GroupAnswer], reference: Reference | None, aim: Belief) -> list[Finding]:
    """One finding for every group: how far it is from where it is expected."""
    against = "professional mixes" if reference is None else f"'{reference.name}' as it was heard"
    return [_group_finding(one, against, float(aim.covariance_db[i, i])) for i, one in enumerate(answers)]


def _group_finding(one: GroupAnswer, against: str, variance_db: float) -> Finding:
    severity: Severity = "info" if not one.gain_db else "major" if abs(one.gain_db) >= MAJOR_DB else "minor"
    name = GROUP_NAMES[ROLES[one.role]].capitalize()
    low, high = expected_range_lu(one, variance_db)
    text = f"{name} at {one.level_lu:.1f} LU re the mix; against {against} {low:.1f} to {high:.1f} LU is expected."
    return Finding(
        kind="group_balance",
        stems=one.stems,
        value=round(one.level_lu, 2),
        unit="LU",
        expected=(low, high),
        severity=severity,
        source=SOURCE,
        text=text,
    )


def cross_check(groups: Sequence[int], measured_db: NDArray[np.float64], heard: Belief) -> tuple[Finding, ...]:
    """Whether the ear's balance of the reference agrees with the measured one: said in either case."""
    basis = contrasts(len(groups))
    error = basis @ (heard.mean_db - measured_db)
    covariance = basis @ heard.covariance_db @ basis.T
    distance = math.sqrt(float(error @ np.linalg.solve(covariance, error)) / len(error))
    off_db = heard.mean_db - measured_db
    off_db -= np.median(off_db)
    worst = int(np.abs(off_db).argmax())
    name, value = GROUP_NAMES[ROLES[groups[worst]]], round(float(np.abs(off_db[worst])), 1)
    if distance <= DISAGREES:
        text = f"The ear agrees with what was measured in the reference; it is furthest off for {name}, by {value} dB."
    else:
        text = f"The ear hears {name} {value} dB off what was measured in the reference; the measurement is taken."
    return (
        Finding(
            kind="cross_check" if distance <= DISAGREES else "disagreement",
            value=value,
            unit="dB",
            severity="info",
            source=SOURCE,
            text=text,
        ),
    )
