"""The advisor's own words about its moves, as far as its own figures bear them out."""

from collections.abc import Sequence

from mixingbuddy.agent.guarding.ledger import Fact, Ledger, figures_in
from mixingbuddy.agent.state import ProposedMove
from mixingbuddy.models.advisor import GainAdvice

LEVEL_FINDINGS = frozenset({"group_balance", "group_level"})


def levels_lu(advice: GainAdvice) -> dict[str, tuple[float, ...]]:
    """Stem to the levels re the mix (LU) that its move leads from and to: its own, or its group's."""
    found: dict[str, tuple[float, ...]] = {}
    for finding in advice.findings:
        if finding.kind in LEVEL_FINDINGS and finding.value is not None:
            for stem in finding.stems:
                one = advice.for_stem(stem)
                target = () if one is None or not one.gain_db else (round(finding.value + one.gain_db, 2),)
                found[stem] = (finding.value, *target)
    return found


def advisors_words(advice: GainAdvice, moves: Sequence[ProposedMove]) -> str | None:
    """The advisor's text, without sentences that hold a figure which is none of the advice's.

    None where there are no words, no moves, or where the moves are not the ones that the text is about.
    """
    wanted = {one.stem: one.gain_db for one in advice.stems if one.gain_db}
    if not advice.text or not wanted or wanted != {move.stem: move.gain_db for move in moves}:
        return None
    ledger = Ledger(tuple(Fact(value, "dB") for value in _figures(advice)))
    names = sorted(wanted, key=len, reverse=True)
    kept = [line for line in advice.text.splitlines() if _borne_out(line, names, ledger)]
    return "\n".join(kept) or None


def _figures(advice: GainAdvice) -> list[float]:
    gains = [figure for one in advice.stems if one.gain_db for figure in (one.gain_db, *one.interval_db)]
    return [*gains, *(level for levels in levels_lu(advice).values() for level in levels)]


def _borne_out(line: str, names: Sequence[str], ledger: Ledger) -> bool:
    for name in names:
        line = line.replace(name, " ")
    return "'" not in line and all(ledger.holds(figure) for figure in figures_in(line))
