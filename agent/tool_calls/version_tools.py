"""Tools about mix versions: their history, a client's notes held against two of them, and listening to them."""

from typing import Annotated, Any, Literal

from langchain.tools import tool
from langgraph.types import Command
from pydantic import Field

from mixingbuddy.agent.listening.blind_test import write_blind_test
from mixingbuddy.agent.listening.listening_files import write_listening_files
from mixingbuddy.agent.listening.listening_sides import Sides, proposal_sides, stem_sides, version_sides
from mixingbuddy.agent.results import History, HistoryAction, NotesChecked
from mixingbuddy.agent.state import State, Version, proposal_of, shown_proposal
from mixingbuddy.agent.tool_calls.tool_runtime import Runtime, answer, bench_of, state_of
from mixingbuddy.agent.versions.client_notes import LONGEST_NOTE, MOST_NOTES
from mixingbuddy.agent.versions.digests import render_digest
from mixingbuddy.agent.versions.revision_notes import check_all
from mixingbuddy.agent.versions.version_changes import changes_between
from mixingbuddy.agent.versions.version_tree import VersionTree, tree_of
from mixingbuddy.agent.workbench import Workbench
from mixingbuddy.tools.errors import ModelMistake
from mixingbuddy.tools.multitrack import Multitrack

WhichVersion = Annotated[int | str | None, Field(description="a version's number or name")]
Note = Annotated[str, Field(min_length=1, max_length=LONGEST_NOTE)]


@tool
def history(
    runtime: Runtime,
    action: Annotated[
        HistoryAction,
        Field(description="show what changed, undo or redo a step, go to `version`, or name it"),
    ] = "show",
    version: WhichVersion = None,
    other: Annotated[
        int | str | None, Field(description="with show: the version that `version` is compared with")
    ] = None,
    name: Annotated[str | None, Field(description="with name: what the user calls the version")] = None,
) -> Command[Any]:
    """The versions of this mix, what changed between any two, undo, redo, go, and names for versions.

    Call it when the user asks for one of these. Nothing gets lost: applying on an older version begins a branch.
    """
    bench, state = bench_of(runtime), state_of(runtime)
    tree = tree_of(state)
    if action == "show":
        return answer(runtime, _shown(bench, tree, version, other))
    if action == "name":
        about = tree.find(version).id if version is not None else tree.current
        named = tree.named(about, name or "")
        done = History(action="name", done=True, version=about, current=tree.current, versions=named.versions)
        return answer(runtime, done, versions=[one.model_dump(mode="json") for one in named.versions])
    moved = _moved(tree, action, version)
    if moved is None:
        return answer(runtime, _nothing_to(tree, action))
    told = History(
        action=action,
        done=True,
        version=moved.current,
        current=moved.current,
        versions=moved.versions,
        differs=_differs(bench, moved.here),
        **changes_between(bench, tree.here, moved.here, against_reference=False),
    )
    latest = proposal_of({"proposal": state.get("shown")})
    # What was undone is no longer on offer, but it can still be explained.
    kept = latest.model_copy(update={"withdrawn": True}).model_dump(mode="json") if latest else None
    return answer(runtime, told, current=moved.current, last_left=moved.last_left, proposal=None, shown=kept)


@tool
def check_notes(
    runtime: Runtime,
    notes: Annotated[
        list[Note],
        Field(description="the client's notes in their own words, one each", min_length=1, max_length=MOST_NOTES),
    ],
    before: Annotated[
        int | str | None, Field(description="the version that the client heard; the imported mix where omitted")
    ] = None,
    after: Annotated[int | str | None, Field(description="the version to check; the current one where omitted")] = None,
) -> str:
    """Hold a client's revision notes against two versions: which are done, by the measured change of level.

    Call it when the user gives notes or asks whether they are done.
    """
    bench, tree = bench_of(runtime), tree_of(state_of(runtime))
    was = tree.find(before) if before is not None else tree.versions[0]
    now = tree.find(after) if after is not None else tree.here
    checked = check_all(bench, notes, was.faders, now.faders)
    return NotesChecked(before=was.id, after=now.id, notes=checked).model_dump_json()


@tool
def listen(
    runtime: Runtime,
    what: Annotated[
        Literal["files", "blind_test"], Field(description="files to play, or a page for a blind test of A against B")
    ] = "files",
    version: WhichVersion = None,
    other: Annotated[int | str | None, Field(description="the version to hear it against")] = None,
    stem: Annotated[str | None, Field(description="hear the mix without and with this stem instead")] = None,
) -> str:
    """Write two mixes at equal loudness for listening: two versions, a proposal, or the mix without and with a stem.

    Call it when the user wants to hear something, or to compare blind. Where nothing is named: the proposal that the
    user has seen against the current version, else the current version against the one before; a version that is
    named alone plays against the current one.
    """
    bench, state = bench_of(runtime), state_of(runtime)
    if bench.listening_folder is None:
        raise ModelMistake("there is nowhere to write audio here; tell the user that listening needs a workspace")
    sides = _sides(bench.song.multitrack, state, version, other, stem)
    write = write_listening_files if what == "files" else write_blind_test
    return write(bench, sides, bench.listening_folder).model_dump_json()


def _shown(bench: Workbench, tree: VersionTree, wanted: int | str | None, wanted_other: int | str | None) -> History:
    """Any two versions, the older first; one alone, or the current one, against the version it came from."""
    one = tree.find(wanted) if wanted is not None else tree.here
    other = tree.find(wanted_other) if wanted_other is not None else tree.parent(one)
    before, after = (one, other) if wanted_other is not None and other and other.id > one.id else (other, one)
    changes = changes_between(bench, before, after, against_reference=True) if before is not None and after else {}
    told = after or one
    return History(action="show", done=False, version=told.id, current=tree.current, versions=tree.versions, **changes)


def _moved(tree: VersionTree, action: HistoryAction, wanted: int | str | None) -> VersionTree | None:
    """The tree with the user elsewhere; None where there is no such step, or the user is there already."""
    if action == "undo":
        return tree.undone()
    if action == "redo":
        return tree.redone()
    if wanted is None:
        raise ModelMistake(f"name the version to go to; there are: {tree.listed()}")
    target = tree.find(wanted)
    return None if target.id == tree.current else tree.gone(target.id)


def _nothing_to(tree: VersionTree, action: HistoryAction) -> History:
    return History(action=action, done=False, version=tree.current, current=tree.current, versions=tree.versions)


def _differs(bench: Workbench, version: Version) -> bool:
    """Whether the version's samples are no longer those that were rendered when it was applied."""
    if not version.audio_digest:
        return False
    return render_digest(bench.render(version.faders).audio) != version.audio_digest


def _sides(
    multitrack: Multitrack, state: State, wanted: int | str | None, wanted_other: int | str | None, stem: str | None
) -> Sides:
    tree = tree_of(state)
    one = tree.find(wanted) if wanted is not None else tree.here
    if stem is not None:
        return stem_sides(multitrack, one, stem)
    shown = shown_proposal(state)
    if wanted is None and wanted_other is None and shown is not None and shown.proved:
        return proposal_sides(one, [move.plain() for move in shown.moves])
    if wanted_other is not None:
        other: Version | None = tree.find(wanted_other)
    else:
        other = tree.parent(one) if one == tree.here else tree.here
    if other is None:
        raise ModelMistake("there is no other version to hear this one against; name a version or a stem")
    return version_sides(*sorted((one, other), key=lambda version: version.id))
