"""Prove a proposal: render, measure, judge; after too many tries keep what holds and withdraw the rest."""

from collections.abc import Mapping

from mixingbuddy.agent.results import Proposed
from mixingbuddy.agent.state import Proposal
from mixingbuddy.agent.workbench import Workbench
from mixingbuddy.tools.verify import CheckedClaim

MAX_ATTEMPTS = 3


def prove(
    bench: Workbench, base: Mapping[str, float], proposal: Proposal, answer: Proposed
) -> tuple[Proposal, Proposed]:
    """The proposal with its verdict, and the answer that the language model gets to read.

    While attempts are left, broken claims come back with status `broken`, so that the moves can be revised. At the last
    attempt the moves whose claims broke are withdrawn, and the rest is rendered and measured once more by itself.
    """
    verdict = bench.try_moves(base, proposal.moves, advised=proposal.origin == "advisor")
    attempts = proposal.attempts + 1
    tried = proposal.model_copy(update={"attempts": attempts, "verdict": verdict})
    if verdict.kept:
        return tried, answer.model_copy(update={"status": "proved", "attempts": attempts, "verdict": verdict})
    if attempts < MAX_ATTEMPTS:
        return tried, answer.model_copy(
            update={"status": "broken", "attempts": attempts, "verdict": verdict, "broken": verdict.broken}
        )
    return _keep_what_holds(bench, base, tried, answer, verdict.broken)


def _keep_what_holds(
    bench: Workbench,
    base: Mapping[str, float],
    proposal: Proposal,
    answer: Proposed,
    broken: tuple[CheckedClaim, ...],
) -> tuple[Proposal, Proposed]:
    failed = {claim.stem for claim in broken}
    dropped = tuple(move for move in proposal.moves if None in failed or move.stem in failed)
    holding = tuple(move for move in proposal.moves if move not in dropped)
    verdict = bench.try_moves(base, holding, advised=proposal.origin == "advisor") if holding else proposal.verdict
    partly = bool(holding) and verdict is not None and verdict.kept
    kept = holding if partly else ()
    return (
        proposal.model_copy(update={"moves": kept or proposal.moves, "verdict": verdict, "withdrawn": not partly}),
        answer.model_copy(
            update={
                "moves": kept,
                "withdrawn": dropped if partly else proposal.moves,
                "broken": broken,
                "status": "partly" if partly else "withdrawn",
                "attempts": proposal.attempts,
                "verdict": verdict,
            }
        ),
    )
