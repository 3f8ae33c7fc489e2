"""The tools of the agent as an MCP server on stdin and stdout, for somebody else's agent.

Slow work runs in threads, one job per song at a time, so that the server answers pings and other calls meanwhile.
"""

import logging
import os
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from inspect import Parameter, Signature
from pathlib import Path
from typing import Annotated, Any, TypeVar

import anyio
from anyio import from_thread, to_thread
from langchain_core.tools import BaseTool
from pydantic import BaseModel, Field

from mixingbuddy.agent.memory import open_memory
from mixingbuddy.agent.results import (
    Applied,
    Comparison,
    Explanation,
    History,
    Inspection,
    Levels,
    Overview,
    Proposed,
    Remembered,
    TermExplained,
)
from mixingbuddy.agent.serving.desk import MixingDesk, Progress
from mixingbuddy.agent.serving.exporting import Exported, export_version
from mixingbuddy.agent.serving.mcp_approval import asking_by_form
from mixingbuddy.agent.serving.mcp_root import Root, SongsFound
from mixingbuddy.agent.serving.mcp_sdk import Sdk, find_sdk
from mixingbuddy.agent.serving.mcp_songs import OpenSongs
from mixingbuddy.agent.settings import Settings
from mixingbuddy.agent.teaching.glossary import look_up
from mixingbuddy.agent.tool_calls.teaching_tools import explained
from mixingbuddy.agent.toolbox import TOOLS
from mixingbuddy.prompts import load, load_table
from mixingbuddy.tools.errors import MixingBuddyError

_LOG = logging.getLogger(__name__)
R = TypeVar("R", bound=BaseModel)
# What clients call the agent's tools, and what each answers.
SHARED: dict[str, tuple[str, type[BaseModel]]] = {
    "critique": ("ask_advisor", Proposed),
    "levels": ("levels", Levels),
    "inspect": ("inspect", Inspection),
    "compare_reference": ("compare_reference", Comparison),
    "try_moves": ("try_moves", Proposed),
    "apply_moves": ("apply_moves", Applied),
    "history": ("history", History),
    "remember": ("remember", Remembered),
}
CHANGING = frozenset({"apply_moves", "history", "remember", "export"})
SongName = Annotated[str, Field(description="the song, as find_songs calls it: its path below the root")]


def serve(root: Path, settings: Settings) -> None:
    """Serve until the client closes the connection. Raises UserError for a missing SDK or a wrong root."""
    sdk = find_sdk()
    place = Root(root)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="mixingbuddy: %(message)s")
    with open_memory(settings.workspace_root) as store, _stdout_for_the_protocol() as after_start:
        build_server(sdk, OpenSongs(place, settings, store), after_start).run("stdio")


@contextmanager
def _stdout_for_the_protocol() -> Iterator[Callable[[], None]]:
    """Give the SDK a stdout of its own. Whatever else is printed, by a library too, goes to stderr.

    Yields what must be called once the SDK has taken its stdout.
    """
    sys.stdout.flush()
    wire = os.fdopen(os.dup(1), "w", encoding="utf-8")  # kept here: it would be closed with its last reference
    os.dup2(2, 1)
    given, sys.stdout = sys.stdout, wire

    def taken() -> None:
        sys.stdout = sys.stderr

    try:
        yield taken
    finally:
        sys.stdout = given


def build_server(sdk: Sdk, songs: OpenSongs, after_start: Callable[[], None] = lambda: None) -> Any:
    """A server of the SDK with all tools. `after_start` is called when it has taken stdout."""

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        after_start()
        yield

    server = sdk.server("mixingbuddy", instructions=load("mcp"), log_level="WARNING", lifespan=lifespan)
    jobs = Jobs(sdk, songs)
    for name, (tool, result) in SHARED.items():
        _add(sdk, server, name, _shared(jobs, _tool(tool), result), _tool(tool).description)
    for name, function in _own(jobs).items():
        _add(sdk, server, name, function, function.__doc__)
    return server


class Jobs:
    """Work on songs in threads."""

    def __init__(self, sdk: Sdk, songs: OpenSongs) -> None:
        self.sdk, self.songs = sdk, songs
        self._turns: defaultdict[str, anyio.Lock] = defaultdict(anyio.Lock)

    async def on_song(self, context: Any, song: str, work: Callable[[MixingDesk, Progress], R]) -> R:
        """Do `work` on the song's desk, once it is this call's turn."""

        def job(progress: Progress) -> R:
            return work(self.songs.desk(song, _part(progress, 0.0, 0.5)), _part(progress, 0.5, 1.0))

        return await self.run(context, song, job)

    async def run(self, context: Any, song: str | None, job: Callable[[Progress], R]) -> R:
        """Run `job` in a thread; a cancelled call ends at its next step, and only then the song is free again."""
        try:
            if song is None:
                return await to_thread.run_sync(job, _teller(context))
            key = await to_thread.run_sync(self.songs.key, song)
            async with self._turns[key]:
                return await to_thread.run_sync(job, _teller(context))
        except MixingBuddyError as error:
            raise self.sdk.tool_error(str(error)) from error
        except Exception as error:  # one tool's defect must not take the server down
            _LOG.exception("a tool failed")
            raise self.sdk.tool_error(
                f"defect of the program ({type(error).__name__}); the server's log on stderr has the details"
            ) from error


def _teller(context: Any) -> Progress:
    """Sends progress to the client from the thread of a job, and ends the job where the client has cancelled it."""
    last = -1.0

    def tell(share: float, step: str) -> None:
        nonlocal last
        from_thread.check_cancelled()
        if share > last:
            last = share
            from_thread.run(context.report_progress, share, 1.0, step)

    return tell


def _part(progress: Progress, start: float, end: float) -> Progress:
    return lambda share, step: progress(start + (end - start) * share, step)


def _tool(name: str) -> BaseTool:
    return next(tool for tool in TOOLS if tool.name == name)


def _shared(jobs: Jobs, tool: BaseTool, result: type[BaseModel]) -> Callable[..., Any]:
    """One of the agent's tools as a function that the SDK can read: the song, then the tool's own parameters."""

    async def call(context: Any, song: str, **arguments: Any) -> BaseModel:
        ask = asking_by_form(jobs.sdk, context)
        return await jobs.on_song(context, song, lambda desk, progress: desk.run(tool.name, arguments, progress, ask))

    schema: Any = tool.tool_call_schema
    own = [
        Parameter(
            name,
            Parameter.KEYWORD_ONLY,
            annotation=Annotated[field.annotation, Field(description=field.description), *field.metadata],
            default=Parameter.empty if field.is_required() else field.default,
        )
        for name, field in schema.model_fields.items()
    ]
    given = [
        Parameter("context", Parameter.KEYWORD_ONLY),
        Parameter("song", Parameter.KEYWORD_ONLY, annotation=SongName),
        *own,
    ]
    call.__signature__ = Signature(given, return_annotation=result)  # type: ignore[attr-defined]
    call.__annotations__ = {one.name: one.annotation for one in given} | {"return": result}
    return call


def _own(jobs: Jobs) -> dict[str, Callable[..., Any]]:
    """The tools that only a client of the server needs."""

    async def find_songs(
        context: Any,
        folder: Annotated[str, Field(description="only below this folder; everything where omitted")] = "",
    ) -> SongsFound:
        """The songs that can be opened, by name. Call it first."""
        return await jobs.run(context, None, lambda progress: jobs.songs.root.songs(folder))

    async def open_song(
        context: Any,
        song: SongName,
        reference: Annotated[
            str | None,
            Field(description="a mix or a folder of stems below the root to compare with, or 'none'"),
        ] = None,
    ) -> Overview:
        """Read a song and measure it: stems with levels, and what was noticed. Also to compare with another reference.

        Without `reference` the song's own is taken, where it has one. Other tools open a song by themselves.
        """

        def job(progress: Progress) -> Overview:
            desk = jobs.songs.open(song, reference, _part(progress, 0.0, 0.9))
            overview = desk.run("overview")
            assert isinstance(overview, Overview)
            return overview

        return await jobs.run(context, song, job)

    async def why(context: Any, song: SongName) -> Explanation:
        """Why the latest moves of a song: the reason of each, the evidence, and what was measured."""

        def work(desk: MixingDesk, progress: Progress) -> Explanation:
            reasons = desk.run("explain")
            assert isinstance(reasons, Explanation)
            return reasons

        return await jobs.on_song(context, song, work)

    async def explain_term(
        context: Any,
        term: Annotated[str, Field(description="a concept ('masking'), or a problem described in the user's words")],
    ) -> TermExplained:
        """What a concept of mixing means, what to try and usual values, with the source. No measurement of a song."""
        return await jobs.run(context, None, lambda progress: explained(look_up(term)))

    async def export(
        context: Any,
        song: SongName,
        version: Annotated[int | None, Field(description="a version's number; the current one where omitted")] = None,
    ) -> Exported:
        """Write a version for the user: mixes before and after at equal loudness, the recall sheet and a report."""

        def work(desk: MixingDesk, progress: Progress) -> Exported:
            progress(0.1, load_table("steps")["writing"])
            return export_version(desk.bench, desk.find_version(version), jobs.songs.out_folder(desk))

        return await jobs.on_song(context, song, work)

    return {one.__name__: one for one in (find_songs, open_song, why, explain_term, export)}


def _add(sdk: Sdk, server: Any, name: str, function: Callable[..., Any], description: str | None) -> None:
    hints = sdk.hints.model_validate(
        {
            "readOnlyHint": name not in CHANGING,
            "destructiveHint": False,
            "idempotentHint": name not in {"apply_moves", "history"},
            "openWorldHint": False,
        }
    )
    # The SDK finds the parameter for its context by the class, which is another one in each of its versions.
    function.__annotations__["context"] = sdk.context
    server.add_tool(function, name=name, description=description, annotations=hints, structured_output=True)
