"""The graph: understand, act, measure, verify, approve, reply. Nothing happens at import."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import ToolMessage
    from langchain_core.tools import BaseTool
    from langgraph.checkpoint.base import BaseCheckpointSaver
    from langgraph.graph.state import CompiledStateGraph
    from langgraph.prebuilt import ToolNode
    from langgraph.prebuilt.tool_node import ToolCallRequest
    from langgraph.store.base import BaseStore
    from langgraph.types import Command

    from mixingbuddy.agent.chat_models.asking import Patience

RECURSION_LIMIT = 60


def build_graph(
    llm: "BaseChatModel",
    checkpointer: "BaseCheckpointSaver[Any] | bool | None" = None,
    store: "BaseStore | None" = None,
    fallback: "BaseChatModel | None" = None,
    patience: "Patience | None" = None,
    extra_tools: "Sequence[BaseTool]" = (),
) -> "CompiledStateGraph[Any, Any, Any, Any]":
    """Compile the agent around any chat model. Invoke it with a `Workbench` as context.

    `store` keeps the user's standing wishes (in memory by default), `fallback` goes on where `llm` fails, which is
    asked as often and waited for as long as `patience` says.
    """
    from langgraph.graph import END, START, StateGraph
    from langgraph.store.memory import InMemoryStore

    from mixingbuddy.agent import nodes
    from mixingbuddy.agent.chat_models.act import Act
    from mixingbuddy.agent.state import State
    from mixingbuddy.agent.toolbox import TOOLS
    from mixingbuddy.agent.workbench import Workbench

    tools = (*TOOLS, *extra_tools)
    graph = StateGraph(State, context_schema=Workbench)
    graph.add_node("understand", nodes.understand)
    graph.add_node("act", Act(llm, tools, fallback, patience))
    graph.add_node("tools", tool_node(tools))
    graph.add_node("verify", nodes.verify)
    graph.add_node("approve", nodes.approve)
    graph.add_node("reply", nodes.reply)
    graph.add_edge(START, "understand")
    graph.add_edge("understand", "act")
    graph.add_conditional_edges("act", nodes.after_act, ["tools", "reply"])
    graph.add_edge("tools", "verify")
    graph.add_conditional_edges("verify", nodes.after_verify, ["act", "approve"])
    graph.add_edge("approve", "act")
    graph.add_conditional_edges("reply", nodes.after_reply, ["act", END])
    return graph.compile(checkpointer=checkpointer, store=store if store is not None else InMemoryStore())


def tool_node(tools: "Sequence[BaseTool]") -> "ToolNode":
    """The node that runs tools; what the chat model can mend goes back to it as the tool's answer."""
    from langgraph.prebuilt import ToolNode
    from langgraph.prebuilt.tool_node import ToolInvocationError

    from mixingbuddy.tools.errors import ModelMistake

    def mistake(error: ModelMistake | ToolInvocationError) -> str:
        if isinstance(error, ToolInvocationError):
            return error.message
        if isinstance(error, ModelMistake):
            return str(error)
        raise error  # behind a wrapper LangGraph asks about every exception; a defect of ours is no tool's answer

    return ToolNode(list(tools), handle_tool_errors=mistake, wrap_tool_call=_told, awrap_tool_call=_told_later)


def _told(
    request: "ToolCallRequest", execute: "Callable[[ToolCallRequest], ToolMessage | Command[Any]]"
) -> "ToolMessage | Command[Any]":
    """Run a tool and tell of it."""
    import time

    from mixingbuddy.agent.chat_models.act import refusal

    begun = time.perf_counter()
    _tell_call(request)
    answer = refusal(request.tool_call) or execute(request)
    _tell_result(request, answer, time.perf_counter() - begun)
    return answer


async def _told_later(
    request: "ToolCallRequest", execute: "Callable[[ToolCallRequest], Awaitable[ToolMessage | Command[Any]]]"
) -> "ToolMessage | Command[Any]":
    """The same where the graph runs asynchronously: the tool then works in a thread, and the event loop goes on."""
    import time

    from mixingbuddy.agent.chat_models.act import refusal

    begun = time.perf_counter()
    _tell_call(request)
    answer = refusal(request.tool_call) or await execute(request)
    _tell_result(request, answer, time.perf_counter() - begun)
    return answer


def _tell_call(request: "ToolCallRequest") -> None:
    from mixingbuddy.agent.events import tell

    call = request.tool_call
    tell(request.runtime.stream_writer, "tool_call", name=call["name"], args=call["args"])


def _tell_result(request: "ToolCallRequest", answer: "ToolMessage | Command[Any]", seconds: float) -> None:
    from mixingbuddy.agent.events import tell

    name, status = request.tool_call["name"], str(getattr(answer, "status", "success"))
    tell(request.runtime.stream_writer, "tool_result", name=name, status=status, seconds=round(seconds, 3))
