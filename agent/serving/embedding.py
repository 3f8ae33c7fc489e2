"""The agent inside other programs: load a song, critique it, or get the graph with the song bound to it."""

from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from langchain_core.language_models import BaseChatModel
from langchain_core.tools import BaseTool
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph.state import CompiledStateGraph
from langgraph.store.base import BaseStore

from mixingbuddy.agent import critique as unattended
from mixingbuddy.agent.chat_models.llm import open_llm
from mixingbuddy.agent.critique import CritiqueResult, bench_for
from mixingbuddy.agent.graph import build_graph
from mixingbuddy.agent.settings import HelpLevel, read_settings
from mixingbuddy.agent.toolbox import TOOLS
from mixingbuddy.agent.workbench import Workbench
from mixingbuddy.agent.workspace import open_workspace
from mixingbuddy.models.advisor import Advisor
from mixingbuddy.tools.errors import UserError
from mixingbuddy.tools.multitrack import Song, load_song

PathLike = str | Path


def load_multitrack(path: PathLike, reference: PathLike | None = None) -> Song:
    """Load a folder of stems, a `.stem.mp4` or an audio file, with what it is compared with.

    `reference` is a file or folder; "none" leaves out the song's own `reference/`. The audio is float32 (channels,
    samples). Raises UserError, one line, for anything that cannot be used.
    """
    return load_song(Path(path), _reference(reference))


def critique(
    path: PathLike,
    *,
    reference: PathLike | None = None,
    ask: str = unattended.DEFAULT_ASK,
    anchor: str | None = None,
    advisor: str | Advisor | None = None,
    llm: str | None = None,
    out: PathLike | None = None,
    workspace: PathLike | None = None,
) -> CritiqueResult:
    """Do the whole job on one song, as `mixingbuddy critique` does, and write its files to `out` or the workspace.

    `advisor` and `llm` are names as on the command line; what is not given comes from the environment. Raises UserError
    for anything that cannot be used. The song's own files are only read.
    """
    name, opened = _advisor(advisor)
    return unattended.critique(
        Path(path),
        read_settings(advisor=name, llm=llm, workspace=workspace),
        _reference(reference),
        ask,
        anchor,
        None if out is None else Path(out),
        advisor=opened,
    )


def create_mixing_agent(
    song: Song | PathLike,
    *,
    llm: str | BaseChatModel = "offline",
    advisor: str | Advisor | None = None,
    reference: PathLike | None = None,
    anchor: str | None = None,
    help_level: HelpLevel = "suggest",
    checkpointer: BaseCheckpointSaver[Any] | bool | None = None,
    store: BaseStore | None = None,
    tools: Sequence[BaseTool] = (),
    workspace: PathLike | None = None,
    interactive: bool = True,
    fallback: BaseChatModel | None = None,
) -> "MixingAgent":
    """The agent for one song as a LangGraph graph: `invoke({"messages": [...]}, config)`, stream it, or make it a node.

    `llm` is "offline", "provider:model" or any LangChain chat model; `tools` of yours are bound to it beside ours. With
    a checkpointer, versions and the conversation last from call to call (as a node of another graph: `True`), and
    before anything is applied the graph interrupts: resume with true, false or
    `{"type": "approve" | "edit" | "reject", "moves": [...], "reason": ...}`. `store` keeps the user's standing wishes,
    `interactive` says whether somebody reads the replies, and `fallback` goes on where `llm` fails.
    Raises UserError for anything that cannot be used.
    """
    bench = open_workbench(song, advisor=advisor, reference=reference, anchor=anchor, workspace=workspace)
    bench.interactive, bench.help_level = interactive, help_level
    taken = {tool.name for tool in TOOLS} & {tool.name for tool in tools}
    if taken:
        raise UserError(f"the agent has a tool '{min(taken)}' of its own; give yours another name")
    model = open_llm(llm) if isinstance(llm, str) else llm
    if store is not None:
        bench.wishes = store
    graph = build_graph(model, checkpointer, bench.wishes, fallback, extra_tools=tuple(tools))
    return MixingAgent(bench=bench, **vars(graph))


class MixingAgent(CompiledStateGraph[Any, Any, Any, Any]):
    """A compiled graph that has its workbench with it, so that no caller needs to give a context."""

    def __init__(self, *, bench: Workbench, **parts: Any) -> None:
        super().__init__(**parts)
        self.bench = bench

    def stream(self, *given: Any, context: Workbench | None = None, **options: Any) -> Iterator[Any]:
        """As `CompiledStateGraph.stream`."""
        return super().stream(*given, context=context or self.bench, **options)

    def astream(self, *given: Any, context: Workbench | None = None, **options: Any) -> AsyncIterator[Any]:
        """As `CompiledStateGraph.astream`."""
        return super().astream(*given, context=context or self.bench, **options)


def open_workbench(
    song: Song | PathLike,
    *,
    advisor: str | Advisor | None = None,
    reference: PathLike | None = None,
    anchor: str | None = None,
    workspace: PathLike | None = None,
) -> Workbench:
    """A song with its advisor asked, and a place for what is measured and written. Raises UserError."""
    name, opened = _advisor(advisor)
    settings = read_settings(advisor=name, workspace=workspace)
    if not isinstance(song, Song):
        song = load_multitrack(song, reference)
    elif reference is not None:
        raise UserError("a song that is loaded has its reference; give that to load_multitrack")
    bench = bench_for(song, settings, anchor, opened)
    bench.listening_folder = open_workspace(song, settings).folder / "listening"
    return bench


def _advisor(given: str | Advisor | None) -> tuple[str | None, Advisor | None]:
    return (given, None) if given is None or isinstance(given, str) else (None, given)


def _reference(given: PathLike | None) -> Path | Literal["none"] | None:
    return None if given is None else "none" if given == "none" else Path(given)
