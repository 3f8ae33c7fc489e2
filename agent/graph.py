"""The graph: understand, act, measure, verify, approve, reply. Nothing happens at import."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langgraph.checkpoint.base import BaseCheckpointSaver
    from langgraph.graph.state import CompiledStateGraph

RECURSION_LIMIT = 60


def build_graph(
    llm: "BaseChatModel", checkpointer: "BaseCheckpointSaver[Any] | None" = None
) -> "CompiledStateGraph[Any, Any, Any, Any]":
    """Compile the agent around any chat model. Invoke it with a `Workbench` as context."""
    from langgraph.graph import END, START, StateGraph
    from langgraph.prebuilt import ToolNode
    from langgraph.prebuilt.tool_node import ToolInvocationError

    from mixingbuddy.agent import nodes
    from mixingbuddy.agent.state import State
    from mixingbuddy.agent.toolbox import TOOLS
    from mixingbuddy.agent.workbench import Workbench
    from mixingbuddy.tools.errors import ModelMistake

    def mistake(error: ModelMistake | ToolInvocationError) -> str:
        return str(error) if isinstance(error, ModelMistake) else error.message

    graph = StateGraph(State, context_schema=Workbench)
    graph.add_node("understand", nodes.understand)
    graph.add_node("act", nodes.Act(llm))
    graph.add_node("tools", ToolNode(list(TOOLS), handle_tool_errors=mistake))
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
    return graph.compile(checkpointer=checkpointer)
