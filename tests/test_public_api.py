"""What other programs import: loading, critique, the graph with a song bound to it, and the toolkit."""

import asyncio
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import Command
from pydantic import PrivateAttr

import mixingbuddy
from mixingbuddy import MixingToolkit, create_mixing_agent, critique, load_multitrack
from mixingbuddy.agent.results import Applied, Levels, Proposed, read_result
from mixingbuddy.models.advisors import open_advisor
from mixingbuddy.tools.errors import UserError

THREAD: Any = {"configurable": {"thread_id": "mix"}}
FAST: Any = {"advisor": "level-difference"}


class Scripted(BaseChatModel):
    """Somebody's chat model: says its lines in order, and keeps what it was given."""

    lines: list[AIMessage]
    _bound: list[str] = PrivateAttr(default_factory=list)
    _seen: list[list[BaseMessage]] = PrivateAttr(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Any, **kwargs: Any) -> "Scripted":
        self._bound[:] = [one.name for one in tools]
        return self

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        self._seen.append(messages)
        line = self.lines[min(len(self._seen), len(self.lines)) - 1]
        return ChatResult(generations=[ChatGeneration(message=line.model_copy(update={"id": None}))])


def call(name: str, **arguments: Any) -> AIMessage:
    one = {"name": name, "args": arguments, "id": f"call-{name}", "type": "tool_call"}
    return AIMessage("", tool_calls=[one])


def said(text: str) -> dict[str, Any]:
    return {"messages": [HumanMessage(text)]}


def results_of(state: Any, name: str) -> list[ToolMessage]:
    return [m for m in state["messages"] if isinstance(m, ToolMessage) and m.name == name]


# Importing


def test_importing_loads_nothing_and_knows_its_version() -> None:
    heavy = "{'numpy', 'scipy', 'torch', 'pydantic', 'langchain_core', 'langgraph', 'soundfile', 'mcp'}"
    script = f"import sys, mixingbuddy; print(sorted({heavy} & set(sys.modules))); print(mixingbuddy.__version__)"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == ["[]", version("mixingbuddy")]


def test_every_public_name_is_there_and_no_other() -> None:
    assert [name for name in mixingbuddy.__all__ if not hasattr(mixingbuddy, name)] == []
    assert dir(mixingbuddy) == sorted(mixingbuddy.__all__)
    with pytest.raises(AttributeError, match="no attribute 'mix_everything'"):
        mixingbuddy.mix_everything  # noqa: B018


# Loading and critique


def test_a_song_is_loaded_with_and_without_its_reference(quiet_vocals: Path) -> None:
    song = load_multitrack(str(quiet_vocals))
    assert song.multitrack.names == ("bass", "drums", "guitar", "vocals")
    assert song.multitrack.stems[0].audio.dtype == np.float32
    assert song.multitrack.stems[0].audio.shape == (2, song.multitrack.samples)
    assert song.reference is not None
    assert song.reference.kind == "mix"
    assert load_multitrack(quiet_vocals, "none").reference is None
    with pytest.raises(UserError, match="no song at"):
        load_multitrack(quiet_vocals / "nowhere")


def test_critique_finds_the_fault_and_writes_where_it_was_told(quiet_vocals: Path, tmp_path: Path) -> None:
    result = critique(quiet_vocals, out=tmp_path / "out", advisor=open_advisor("level-difference"))
    assert [(move.stem, round(move.gain_db)) for move in result.moves] == [("vocals", 7)]
    assert result.verification.status == "proved"
    assert {file.name for file in (tmp_path / "out").iterdir()} >= {"mix_before.wav", "mix_after.wav", "recall.csv"}
    with pytest.raises(UserError, match="prior"):
        critique(quiet_vocals, advisor="nobody")


# The graph


def test_the_agent_needs_neither_context_nor_checkpointer(quiet_vocals: Path) -> None:
    agent = create_mixing_agent(quiet_vocals, **FAST)
    state = agent.invoke(said("critique this"))
    assert "7.0 dB" in state["messages"][-1].text
    assert state["current"] == 1
    mermaid = agent.get_graph().draw_mermaid()
    assert all(node in mermaid for node in ("understand", "act", "tools", "verify", "approve", "reply"))


def test_a_loaded_song_may_be_given_and_has_its_reference(quiet_vocals: Path) -> None:
    song = load_multitrack(quiet_vocals)
    assert "7.0 dB" in create_mixing_agent(song, **FAST).invoke(said("critique this"))["messages"][-1].text
    with pytest.raises(UserError, match="load_multitrack"):
        create_mixing_agent(song, reference=quiet_vocals / "reference", **FAST)


@pytest.mark.parametrize(
    ("answer", "fader_db", "status"),
    [
        (True, 7.0, "applied"),
        ({"type": "approve"}, 7.0, "applied"),
        ({"type": "edit", "moves": [{"stem": "vocals", "gain_db": 3.0}]}, 3.0, "applied"),
        (False, 0.0, "declined"),
        ({"type": "reject", "reason": "I like it buried"}, 0.0, "declined"),
    ],
)
def test_nothing_is_applied_before_the_answer(quiet_vocals: Path, answer: Any, fader_db: float, status: str) -> None:
    model = Scripted(lines=[call("ask_advisor"), call("apply_moves"), AIMessage("That is settled.")])
    agent = create_mixing_agent(quiet_vocals, llm=model, checkpointer=InMemorySaver(), **FAST)
    asked = agent.invoke(said("critique it and apply what you find"), THREAD)
    question = asked["__interrupt__"][0].value
    assert [(move["stem"], round(move["gain_db"])) for move in question["moves"]] == [("vocals", 7)]
    assert asked["current"] == 1
    state = agent.invoke(Command(resume=answer), THREAD)
    standing = next(one for one in state["versions"] if one["id"] == state["current"])
    assert standing["faders"].get("vocals", 0.0) == pytest.approx(fader_db, abs=0.1)
    assert json.loads(results_of(state, "apply_moves")[-1].text)["status"] == status


def test_the_conversation_goes_on_from_its_checkpoint_in_a_new_agent(quiet_vocals: Path) -> None:
    saver = InMemorySaver()
    agent = create_mixing_agent(quiet_vocals, checkpointer=saver, **FAST)
    agent.invoke(said("bring the vocals up 5 dB"), THREAD)
    agent.invoke(said("apply"), THREAD)
    agent.invoke(Command(resume=True), THREAD)
    later = create_mixing_agent(quiet_vocals, checkpointer=saver, **FAST)
    assert later.get_state(THREAD).values["versions"][-1]["faders"] == {"vocals": 5.0}
    undone = later.invoke(said("undo"), THREAD)
    assert undone["current"] == 1


def test_steps_and_events_can_be_streamed(quiet_vocals: Path) -> None:
    agent = create_mixing_agent(quiet_vocals, **FAST)
    parts = list(agent.stream(said("critique this"), stream_mode=["updates", "custom"]))
    nodes = [next(iter(value)) for mode, value in parts if mode == "updates"]
    assert nodes == ["understand", "act", "tools", "verify", "act", "reply"]
    kinds = [value["kind"] for mode, value in parts if mode == "custom"]
    assert {"turn", "tool_call", "tool_result", "claim", "reply"} <= set(kinds)


def test_it_runs_asynchronously_without_holding_up_the_event_loop(quiet_vocals: Path) -> None:
    agent = create_mixing_agent(quiet_vocals, checkpointer=InMemorySaver(), **FAST)

    async def both() -> tuple[Any, int]:
        beats = 0

        async def beat() -> None:
            nonlocal beats
            while True:
                await asyncio.sleep(0.005)
                beats += 1

        pulse = asyncio.create_task(beat())
        state = await agent.ainvoke(said("critique this"), THREAD)
        pulse.cancel()
        return state, beats

    state, beats = asyncio.run(both())
    assert "7.0 dB" in state["messages"][-1].text
    assert beats >= 5


def test_as_a_node_of_another_graph_it_interrupts_and_remembers(quiet_vocals: Path) -> None:
    agent = create_mixing_agent(quiet_vocals, checkpointer=True, **FAST)
    graph = StateGraph(MessagesState)
    graph.add_node("mixing", agent)
    graph.add_edge(START, "mixing")
    graph.add_edge("mixing", END)
    whole = graph.compile(checkpointer=InMemorySaver())
    whole.invoke(said("bring the vocals up 5 dB"), THREAD)
    asked = whole.invoke(said("apply"), THREAD)
    assert asked["__interrupt__"][0].value["question"] == "apply"
    whole.invoke(Command(resume=True), THREAD)
    told = whole.invoke(said("what changed?"), THREAD)
    assert "5.0 dB" in told["messages"][-1].text
    assert set(told) == {"messages"}


def test_what_other_nodes_of_the_graph_say_and_call_is_left_alone(quiet_vocals: Path) -> None:
    def route(state: MessagesState) -> dict[str, Any]:
        asked = AIMessage("", tool_calls=[{"name": "look_up", "args": {}, "id": "r", "type": "tool_call"}])
        return {"messages": [asked, ToolMessage("it is about a mix", tool_call_id="r", name="look_up")]}

    graph = StateGraph(MessagesState)
    graph.add_node("route", route)
    graph.add_node("mixing", create_mixing_agent(quiet_vocals, **FAST))
    graph.add_edge(START, "route")
    graph.add_edge("route", "mixing")
    graph.add_edge("mixing", END)
    assert "7.0 dB" in graph.compile().invoke(said("critique this"))["messages"][-1].text


def test_tools_of_the_embedder_are_bound_beside_ours_and_their_answers_do_no_harm(quiet_vocals: Path) -> None:
    @tool
    def deadline(song: str) -> str:
        """When the mix of a song is due."""
        return f"{song} is due on Friday"

    @tool
    def wanted_loudness() -> str:
        """What the label wants."""
        return json.dumps({"limit_lufs": -14.5})

    speech = "It is due on Friday. The label wants -14.5 LUFS."
    model = Scripted(
        lines=[call("deadline", song="Falcon"), call("wanted_loudness"), call("levels"), AIMessage(speech)]
    )
    agent = create_mixing_agent(quiet_vocals, llm=model, tools=[deadline, wanted_loudness], **FAST)
    state = agent.invoke(said("when is it due?"))
    assert {"deadline", "wanted_loudness", "ask_advisor", "try_moves"} <= set(model._bound)
    assert results_of(state, "deadline")[0].text == "Falcon is due on Friday"
    assert state["messages"][-1].text == speech


def test_a_tool_may_not_take_the_name_of_ours(quiet_vocals: Path) -> None:
    @tool
    def levels() -> str:
        """Levels of something else."""
        return ""

    with pytest.raises(UserError, match="tool 'levels' of its own"):
        create_mixing_agent(quiet_vocals, tools=[levels], **FAST)


def test_the_help_level_applies_small_moves_without_asking(quiet_vocals: Path) -> None:
    model = Scripted(
        lines=[call("try_moves", moves=[{"stem": "vocals", "gain_db": 2}]), call("apply_moves"), AIMessage("Done.")]
    )
    agent = create_mixing_agent(quiet_vocals, llm=model, help_level="apply", checkpointer=InMemorySaver(), **FAST)
    state = agent.invoke(said("a little more vocals"), THREAD)
    assert "__interrupt__" not in state
    assert state["versions"][-1]["faders"] == {"vocals": 2.0}


# The toolkit


def toolkit_call(kit: MixingToolkit, name: str, **arguments: Any) -> ToolMessage:
    chosen = next(one for one in kit.get_tools() if one.name == name)
    answer = chosen.invoke({"type": "tool_call", "name": name, "args": arguments, "id": "1"})
    assert isinstance(answer, ToolMessage)
    return answer


def result_of(kit: MixingToolkit, name: str, **arguments: Any) -> Any:
    answer = toolkit_call(kit, name, **arguments)
    assert answer.status == "success", answer.text
    return read_result(answer)


@pytest.fixture
def kit(quiet_vocals: Path) -> MixingToolkit:
    return MixingToolkit(quiet_vocals, approver=lambda question: True, **FAST)


def test_a_proposal_comes_back_proved_and_may_be_applied(kit: MixingToolkit) -> None:
    proposed = result_of(kit, "ask_advisor")
    assert isinstance(proposed, Proposed)
    assert proposed.status == "proved"
    before = result_of(kit, "levels", stems=["vocals"]).stems[0].level_rel_mix_lu
    assert isinstance(result_of(kit, "apply_moves"), Applied)
    assert kit.version.faders == pytest.approx({"vocals": 7.0}, abs=0.1)
    after = result_of(kit, "levels", stems=["vocals"])
    assert isinstance(after, Levels)
    promised = next(claim for claim in proposed.verdict.claims if claim.metric == "level_rel_mix_lu")
    assert after.stems[0].level_rel_mix_lu == pytest.approx(promised.after, abs=0.1)
    assert after.stems[0].level_rel_mix_lu > before + 3
    assert [one.id for one in kit.versions] == [1, 2]


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("try_moves", {"moves": [{"stem": "vox", "gain_db": 2}]}, "no stem 'vox'; this song has: bass, drums"),
        ("try_moves", {"moves": [{"stem": "vocals", "gain_db": 400}]}, "gain_db"),
        ("try_moves", {"moves": "louder"}, "wrong arguments: moves"),
        ("try_moves", {}, "wrong arguments: moves"),
        ("apply_moves", {}, "no proved proposal"),
        ("explain", {}, "nothing has been proposed"),
        ("remember", {"wish": "limit", "stems": []}, "limit_db"),
    ],
)
def test_what_the_model_did_wrong_comes_back_to_it(
    kit: MixingToolkit, name: str, arguments: dict[str, Any], told: str
) -> None:
    answer = toolkit_call(kit, name, **arguments)
    assert answer.status == "error"
    assert told in answer.text
    assert kit.version.id == 1


def test_a_wish_that_was_remembered_binds_the_next_proposal(kit: MixingToolkit) -> None:
    toolkit_call(kit, "remember", wish="keep", stems=["vocals"])
    assert [lock.stems for lock in kit.locks] == [("vocals",)]
    assert "locked" in toolkit_call(kit, "try_moves", moves=[{"stem": "vocals", "gain_db": 2}]).text
    assert all(move.stem != "vocals" for move in result_of(kit, "ask_advisor").moves)


def test_a_refusal_applies_nothing_and_withdraws_the_proposal(quiet_vocals: Path) -> None:
    kit = MixingToolkit(quiet_vocals, approver=lambda question: {"type": "reject", "reason": "no"}, **FAST)
    toolkit_call(kit, "ask_advisor")
    assert result_of(kit, "apply_moves").status == "declined"
    assert kit.version.id == 1
    assert toolkit_call(kit, "apply_moves").status == "error"


def test_calls_from_several_threads_take_turns(kit: MixingToolkit) -> None:
    def louder(gain_db: float) -> str:
        return str(result_of(kit, "try_moves", moves=[{"stem": "vocals", "gain_db": gain_db}]).status)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(louder, [1.0, 2.0, 3.0, 4.0])) == ["proved"] * 4
    toolkit_call(kit, "apply_moves")
    assert kit.version.faders["vocals"] in {1.0, 2.0, 3.0, 4.0}


def test_without_anybody_to_ask_nothing_is_applied(quiet_vocals: Path) -> None:
    kit = MixingToolkit(quiet_vocals, **FAST)
    toolkit_call(kit, "ask_advisor")
    answer = toolkit_call(kit, "apply_moves")
    assert answer.status == "error"
    assert "approver" in answer.text
    assert kit.version.id == 1


@pytest.mark.parametrize("asynchronous", [False, True])
def test_somebody_elses_agent_mixes_and_is_interrupted_before_it_applies(
    quiet_vocals: Path, asynchronous: bool
) -> None:
    kit = MixingToolkit(quiet_vocals, **FAST)
    model = Scripted(lines=[call("ask_advisor"), call("apply_moves"), AIMessage("Applied.")])
    agent: Any = create_agent(model, kit.get_tools(), checkpointer=InMemorySaver())

    def run(given: Any) -> Any:
        return asyncio.run(agent.ainvoke(given, THREAD)) if asynchronous else agent.invoke(given, THREAD)

    asked = run(said("balance this"))
    assert asked["__interrupt__"][0].value["moves"][0]["stem"] == "vocals"
    assert kit.version.id == 1
    done = run(Command(resume={"type": "edit", "moves": [{"stem": "vocals", "gain_db": 4.0}]}))
    assert done["messages"][-1].text == "Applied."
    assert kit.version.faders == {"vocals": 4.0}
    told: Any = read_result(results_of(done, "apply_moves")[0])
    assert told.edited
    assert len(kit.versions) == 2


# The examples


@pytest.mark.parametrize(
    ("example", "told"),
    [
        ("embed_graph", ["the graph asks: apply LeadVox +6.0 dB, Bass -4.0 dB?", "Version 2 against version 1"]),
        ("toolkit_in_your_agent", ["asked to apply", "faders: {'LeadVox': 6.0, 'Bass': -4.0}"]),
        ("mcp_client", ["LeadVox +6.0 dB", "this song has: Bass", "applied as version 2"]),
    ],
)
def test_the_examples_run(example: str, told: list[str]) -> None:
    if example == "mcp_client":
        pytest.importorskip("mcp", reason="needs the extra 'mcp'")
    file = Path(__file__).parent.parent / "examples" / f"{example}.py"
    ran = subprocess.run([sys.executable, str(file)], capture_output=True, text=True, check=False, timeout=300)
    assert ran.returncode == 0, ran.stderr
    assert [words for words in told if words not in ran.stdout] == []
