"""What every tool of the agent needs: the workbench, the state, and an answer that may change the state."""

from typing import Any, cast

from langchain.tools import ToolRuntime
from langchain_core.messages import ToolMessage
from langgraph.types import Command
from pydantic import BaseModel

from mixingbuddy.agent.state import State
from mixingbuddy.agent.workbench import Workbench

# Pydantic builds the tools' schemas and cannot look into `ToolRuntime`'s parameters; the functions below type them.
Runtime = ToolRuntime[Any, Any]


def bench_of(runtime: Runtime) -> Workbench:
    return cast("Workbench", runtime.context)


def state_of(runtime: Runtime) -> State:
    return cast("State", runtime.state)


def answer(runtime: Runtime, result: BaseModel, **update: Any) -> Command[Any]:
    """The tool's result as a message, with changes to the state."""
    message = ToolMessage(result.model_dump_json(), tool_call_id=runtime.tool_call_id or "")
    return Command(update={**update, "messages": [message]})
