"""The command `chat`: open the song, its memory and its conversation, and talk."""

from pathlib import Path
from typing import Annotated

import typer

from mixingbuddy.agent.commands.options import (
    AdvisorOption,
    AnchorOption,
    LlmOption,
    ReferenceOption,
    SongPath,
    WorkspaceOption,
    chosen_reference,
    chosen_settings,
)

CHAT_EXAMPLES = (
    "Examples: mixingbuddy chat song/ --session tuesday  |  "
    "mixingbuddy chat song/ --llm ollama:llama3.1 --fallback offline  |  mixingbuddy chat song/ --help-level teach"
)


def chat(
    path: SongPath,
    reference: ReferenceOption = None,
    anchor: AnchorOption = None,
    advisor: AdvisorOption = None,
    llm: LlmOption = None,
    llm_base_url: Annotated[str | None, typer.Option(help="Address of an OpenAI-compatible server.")] = None,
    fallback: Annotated[
        str | None, typer.Option(help="Who goes on where the language model fails: none or offline.")
    ] = None,
    help_level: Annotated[
        str | None,
        typer.Option(help="How much help you want: teach (asks first), suggest, or apply (within the limit)."),
    ] = None,
    apply_limit_db: Annotated[
        float | None, typer.Option(help="With help level apply: the largest move without asking, dB.")
    ] = None,
    session: Annotated[str, typer.Option(help="Name of the conversation; it goes on where it stopped.")] = "default",
    trace: Annotated[Path | None, typer.Option(help="Write every step, tool call and claim as JSON lines.")] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Talk about a mix over many turns; versions, wishes and the conversation are kept."""
    from contextlib import ExitStack

    from mixingbuddy.agent.commands import chat as talk
    from mixingbuddy.agent.commands.console import err, working
    from mixingbuddy.agent.commands.live import Live
    from mixingbuddy.agent.commands.trace import Tracer
    from mixingbuddy.agent.critique import open_bench
    from mixingbuddy.agent.memory import open_memory, remembered_reference
    from mixingbuddy.agent.opening import open_model, open_session
    from mixingbuddy.agent.session import sqlite_checkpoints
    from mixingbuddy.agent.workspace import open_workspace

    settings = chosen_settings(
        advisor=advisor,
        llm=llm,
        llm_base_url=llm_base_url,
        fallback=fallback,
        help_level=help_level,
        apply_limit_db=apply_limit_db,
        workspace=workspace,
    )
    with ExitStack() as stack:
        with working("reading and measuring the stems"):
            model = open_model(settings)
            store = stack.enter_context(open_memory(settings.workspace_root))
            given = chosen_reference(reference)
            kept = remembered_reference(store, path) if given is None else None
            bench = open_bench(path, settings, kept if kept is not None and kept.exists() else given, anchor)
            place = open_workspace(bench.song, settings)
        bench.listening_folder = place.folder / "listening"
        bench.paths_from_words = True
        bench.warm_up()
        if place.changed_since is not None:
            told = "The stems have changed since you last worked on this song, so its history starts anew."
            err.print(told, style="dim")
        checkpoints = stack.enter_context(sqlite_checkpoints(place, session))
        live = stack.enter_context(Live(settings.llm))
        listeners = []
        if trace is not None:
            bench.song.found.keep_off(trace)
            listeners.append(stack.enter_context(Tracer(trace, session)))
        conversation = open_session(bench, settings, model, checkpoints, store, session)
        talk.chat(conversation, talk.Lines(talk.read_line), live, listeners)
