"""The mixing agent inside your own LangGraph: a conversation, an approval, and a graph around it.

Run it: python examples/embed_graph.py [SONG]     (without SONG it makes a small one with a planted fault)
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import Command

from mixingbuddy import create_mixing_agent
from mixingbuddy.tools.demo_song import write_demo_song


def main(song: Path) -> None:
    # Any LangChain chat model may speak: llm="ollama:llama3.1", or a model object of yours.
    agent = create_mixing_agent(song, llm="offline", checkpointer=True)

    graph = StateGraph(MessagesState)
    graph.add_node("mixing", agent)
    graph.add_edge(START, "mixing")
    graph.add_edge("mixing", END)
    whole = graph.compile(checkpointer=InMemorySaver())
    thread: Any = {"configurable": {"thread_id": "tuesday"}}

    def say(text: str) -> Any:
        print(f"\nyou> {text}")
        return whole.invoke({"messages": [("user", text)]}, thread)

    print("buddy>", say("critique this")["messages"][-1].text)
    state = say("apply")
    for question in state.get("__interrupt__", ()):  # nothing is applied before the human has answered
        moves = ", ".join(f"{move['stem']} {move['gain_db']:+.1f} dB" for move in question.value["moves"])
        print(f"[the graph asks: apply {moves}?]")
        first = question.value["moves"][0]
        edit = {"type": "edit", "moves": [{"stem": first["stem"], "gain_db": first["gain_db"] / 2}]}
        state = whole.invoke(Command(resume=edit), thread)
    print("buddy>", state["messages"][-1].text)
    print("buddy>", say("what changed?")["messages"][-1].text)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        if not sys.argv[1:]:
            print(write_demo_song(Path(folder) / "song").text)
        main(Path(sys.argv[1]) if sys.argv[1:] else Path(folder) / "song")
