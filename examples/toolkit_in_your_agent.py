"""The mixing tools in your own LangChain agent, with your model and your prompt.

Run it: python examples/toolkit_in_your_agent.py [PROVIDER:MODEL]     (without a model a stand-in says fixed lines)
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

from langchain.agents import create_agent
from langchain_core.language_models import FakeMessagesListChatModel
from langchain_core.messages import AIMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from mixingbuddy import MixingToolkit
from mixingbuddy.agent.results import read_result
from mixingbuddy.tools.demo_song import write_demo_song


class StandIn(FakeMessagesListChatModel):
    """Calls two tools, then speaks; your chat model goes here."""

    def bind_tools(self, tools: Any, **kwargs: Any) -> "StandIn":
        return self


def stand_in() -> StandIn:
    def call(name: str) -> AIMessage:
        return AIMessage("", tool_calls=[{"name": name, "args": {}, "id": name, "type": "tool_call"}])

    return StandIn(responses=[call("ask_advisor"), call("apply_moves"), AIMessage("The balance is mended.")])


def main(song: Path, model: Any) -> None:
    kit = MixingToolkit(song)
    agent: Any = create_agent(
        model,
        kit.get_tools(),
        system_prompt="You balance mixes. Propose with ask_advisor, then apply what was proved.",
        checkpointer=InMemorySaver(),  # apply_moves interrupts, and somebody must be able to answer later
    )
    thread = {"configurable": {"thread_id": "1"}}
    state = agent.invoke({"messages": [("user", "balance this song")]}, thread)
    while "__interrupt__" in state:
        print("asked to apply:", [(m["stem"], m["gain_db"]) for m in state["__interrupt__"][0].value["moves"]])
        state = agent.invoke(Command(resume=True), thread)
    for message in state["messages"]:
        if isinstance(message, ToolMessage):
            print(f"{message.name}: {getattr(read_result(message), 'status', message.status)}")
    print(state["messages"][-1].text)
    print("faders:", kit.version.faders)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        print(write_demo_song(Path(folder) / "song").text)
        main(Path(folder) / "song", sys.argv[1] if sys.argv[1:] else stand_in())
