"""How the guard's objections speak of stems, moves and distances."""

from mixingbuddy.agent.guarding.reply_evidence import Evidence
from mixingbuddy.prompts import load_table
from mixingbuddy.tools.errors import printable

LONGEST_NAME = 40
SAME_DB = 0.05


def name(stem: str) -> str:
    """A stem's name in quotes; 'the mix' without."""
    return stem if stem == "the mix" else f"'{printable(stem, LONGEST_NAME)}'"


def way(direction: int) -> str:
    return "up" if direction > 0 else "down"


def amount(stem: str, evidence: Evidence) -> str:
    """The stem's move, or else how far it is from where it belongs, as the end of a sentence."""
    gain_db = evidence.moves.get(stem)
    return f": its move is {gain_db:+.1f} dB" if gain_db else distance(stem, evidence)


def distance(stem: str, evidence: Evidence) -> str:
    """How far the stem is from where it belongs, as the end of a sentence; '' where that was not measured."""
    was, standing = evidence.was_from_reference_db(stem), evidence.to_reference_db(stem)
    if standing is None:
        return ""
    return f": it is {away(standing)}" if was is None else f": it was {away(was)}; on the render it is {away(standing)}"


def away(distance_db: float) -> str:
    if abs(distance_db) < SAME_DB:
        return "where it belongs"
    return f"{abs(distance_db):.1f} dB {'below' if distance_db > 0 else 'above'} where it belongs"


def metric(name_of_metric: str) -> str:
    """What a claim is about, in words."""
    return str(load_table("claims")["metrics"].get(name_of_metric, name_of_metric))
