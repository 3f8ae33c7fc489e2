"""The tool with which a language model keeps a wish of the user in mind. It can only add: taking back is the user's."""

from typing import Annotated, Any, Literal

from langchain.tools import tool
from langgraph.types import Command
from pydantic import Field

from mixingbuddy.agent.results import Remembered
from mixingbuddy.agent.state import Lock
from mixingbuddy.agent.tool_calls.tool_runtime import Runtime, answer, bench_of
from mixingbuddy.tools.errors import ModelMistake, printable
from mixingbuddy.tools.render import check_stems


@tool
def remember(
    runtime: Runtime,
    wish: Annotated[
        Literal["keep", "like_low", "like_loud", "limit"],
        Field(description="keep: leave the stems as they are; like_low, like_loud: taste; limit: largest move"),
    ],
    stems: Annotated[list[str], Field(description="stems it is about; empty in a limit: all")],
    limit_db: Annotated[float | None, Field(description="for limit: dB", gt=0, le=24)] = None,
) -> Command[Any]:
    """Keep a standing wish that the user has just stated, for later sessions too. Only the user can take it back."""
    bench = bench_of(runtime)
    check_stems(bench.song.multitrack, stems)
    if wish == "limit" and limit_db is None:
        raise ModelMistake("a limit needs limit_db, the largest move in dB")
    if wish != "limit" and not stems:
        raise ModelMistake(f"'{wish}' needs the stems that it is about")
    lock = Lock(
        kind="keep" if wish == "keep" else "limit" if wish == "limit" else "taste",
        stems=tuple(stems),
        words=printable(", ".join(stems) or "every fader", 60),
        direction={"like_low": -1, "like_loud": 1}.get(wish, 0),
        limit_db=limit_db if wish == "limit" else None,
    )
    memory = bench.memory(runtime.store)
    memory.keep(lock)
    locks = memory.locks()
    return answer(runtime, Remembered(locks=tuple(locks)), locks=[one.model_dump(mode="json") for one in locks])
