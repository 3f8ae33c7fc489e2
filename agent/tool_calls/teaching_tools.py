"""The tool that explains: why the latest moves, or what a concept of mixing means."""

from typing import Annotated, Any

from langchain.tools import tool
from langgraph.types import Command
from pydantic import Field

from mixingbuddy.agent.explaining import advisors_words, levels_lu
from mixingbuddy.agent.results import Explanation, TermExplained
from mixingbuddy.agent.state import State, proposal_of, versions_of
from mixingbuddy.agent.teaching.glossary import Lookup, entries, look_up
from mixingbuddy.agent.tool_calls.tool_runtime import Runtime, answer, bench_of, state_of
from mixingbuddy.agent.workbench import Workbench, moved_as
from mixingbuddy.tools.errors import ModelMistake, UserError


@tool
def explain(
    runtime: Runtime,
    term: Annotated[
        str | None,
        Field(description="a concept ('masking'), or a problem in the user's words; omitted: the latest moves"),
    ] = None,
) -> Command[Any]:
    """Why the latest moves: the reason of each, the evidence, what was measured. Or, with a term, what it means.

    A term is answered from the glossary, with its source: what to try and usual values, no measurement of this song.
    """
    if term is None:
        return answer(runtime, why_moved(bench_of(runtime), state_of(runtime)))
    try:
        return answer(runtime, explained(look_up(term)))
    except UserError as unknown:
        raise ModelMistake(str(unknown)) from unknown


def why_moved(bench: Workbench, state: State) -> Explanation:
    """What speaks for the latest moves. Raises ModelMistake where there are none."""
    latest = proposal_of({"proposal": state.get("shown")})
    if latest is None:
        raise ModelMistake("nothing has been proposed yet; call ask_advisor first")
    base = next(version for version in versions_of(state) if version.id == latest.base)
    advice = bench.advice(base.faders)
    words = advisors_words(advice, latest.moves) if latest.origin == "advisor" else None
    return Explanation(
        origin=latest.origin,
        moves=latest.moves,
        evidence=advice.evidence,
        explained=advice.fit.explained if advice.fit else None,
        verdict=latest.verdict,
        explanation=words,
        levels_lu=levels_lu(advice) if words else {},
        moved_as=moved_as(advice, latest.moves),
    )


def explained(found: Lookup) -> TermExplained:
    """The result for what was found: the first source, and related terms or the other guesses by their titles."""
    entry = found.entry
    also = found.others if found.guessed else tuple(entries()[slug] for slug in entry.related)
    return TermExplained(
        slug=entry.slug,
        title=entry.title,
        what_it_is=entry.what_it_is,
        how_it_sounds=entry.how_it_sounds,
        what_to_try=entry.what_to_try,
        typical_values=entry.typical_values,
        source=entry.sources[0].text,
        also=tuple(other.title for other in also),
        guessed=found.guessed,
    )
