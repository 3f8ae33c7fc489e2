"""Versions: a tree that stays sound whatever is done to it, and what changed between any two of them."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from langchain.tools import ToolRuntime

from mixingbuddy.agent.results import History, Listening, NotesChecked
from mixingbuddy.agent.state import Proposal, ProposedMove, State
from mixingbuddy.agent.tool_calls.version_tools import check_notes, history, listen
from mixingbuddy.agent.versions.digests import render_digest
from mixingbuddy.agent.versions.version_tree import LONGEST_NAME, VersionTree, tree_of, version_tree
from mixingbuddy.agent.workbench import Workbench
from mixingbuddy.models.advisors import open_advisor
from mixingbuddy.tools.errors import ModelMistake, printable
from mixingbuddy.tools.multitrack import load_song

STEMS = ("vocals", "drums", "bass")
GAINS_DB = some.floats(-6, 6).map(lambda gain_db: round(gain_db, 1))


class Conversation(RuleBasedStateMachine):
    """Any sequence of apply, undo, redo, go and name."""

    def __init__(self) -> None:
        super().__init__()
        self.tree = VersionTree()
        self.first_faders = {1: dict(self.tree.here.faders)}

    @rule(stem=some.sampled_from(STEMS), gain_db=GAINS_DB)
    def apply(self, stem: str, gain_db: float) -> None:
        before = self.tree
        self.tree = before.applied({**before.here.faders, stem: gain_db}, f"{stem} {gain_db:+.1f} dB")
        self.first_faders[self.tree.current] = dict(self.tree.here.faders)
        undone = self.tree.undone()
        assert undone is not None
        assert undone.here == before.here
        again = undone.redone()
        assert again is not None
        assert again.current == self.tree.current

    @rule(steps=some.integers(1, 6))
    def undo_and_redo_as_often(self, steps: int) -> None:
        start, tree, done = self.tree.current, self.tree, 0
        while done < steps and (back := tree.undone()) is not None:
            tree, done = back, done + 1
        for _ in range(done):
            forth = tree.redone()
            assert forth is not None
            tree = forth
        assert tree.current == start

    @rule()
    def undo(self) -> None:
        undone = self.tree.undone()
        assert (undone is None) == (self.tree.here.parent is None)
        self.tree = undone or self.tree

    @rule()
    def redo(self) -> None:
        redone = self.tree.redone()
        assert (redone is None) == all(version.parent != self.tree.current for version in self.tree.versions)
        if redone is not None:
            assert redone.here.parent == self.tree.current
        self.tree = redone or self.tree

    @rule(data=some.data())
    def go(self, data: some.DataObject) -> None:
        number = data.draw(some.sampled_from([version.id for version in self.tree.versions]))
        self.tree = self.tree.gone(number)
        assert self.tree.current == number

    @rule(data=some.data(), name=some.text(max_size=80))
    def name(self, data: some.DataObject, name: str) -> None:
        number = data.draw(some.sampled_from([version.id for version in self.tree.versions]))
        try:
            self.tree = self.tree.named(number, name)
        except ModelMistake:
            return
        kept = self.tree.version(number).name
        assert 0 < len(kept) <= LONGEST_NAME
        assert kept == printable(kept)
        assert self.tree.find(kept).id == self.tree.find(f"'{kept}'").id == number

    @invariant()
    def is_sound(self) -> None:
        numbers = [version.id for version in self.tree.versions]
        assert len(set(numbers)) == len(numbers)
        assert self.tree.current in numbers
        assert all(version.parent is None or version.parent < version.id for version in self.tree.versions)
        assert {version.parent for version in self.tree.versions} <= {None, *numbers}
        assert [version.id for version in self.tree.versions if version.parent is None] == [1]
        names = [version.name.casefold() for version in self.tree.versions if version.name]
        assert len(set(names)) == len(names)
        assert {version.id: version.faders for version in self.tree.versions} == self.first_faders

    @invariant()
    def numbers_find_their_version(self) -> None:
        assert all(self.tree.find(version.id) == version for version in self.tree.versions)
        assert all(self.tree.find(f"v{version.id}") == version for version in self.tree.versions)

    @precondition(lambda self: len(self.tree.versions) > 1)
    @rule()
    def is_drawn(self) -> None:
        lines = version_tree(self.tree.versions, self.tree.current).splitlines()
        drawn = [int(re.sub(r"^[│├└─ ]*", "", line).split()[0]) for line in lines]
        assert sorted(drawn) == [version.id for version in self.tree.versions]
        assert [line.endswith("<- you are here") for line in lines].count(True) == 1


Conversation.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestConversation = Conversation.TestCase


def branched() -> VersionTree:
    """1 - 2 - 3, and 4 - 5 on top of 2."""
    tree = VersionTree().applied({"vocals": 7.0}, "vocals +7.0 dB")
    tree = tree.applied({"vocals": 7.0, "drums": -2.0}, "drums -2.0 dB").gone(2)
    return tree.applied({"vocals": 6.0}, "vocals -1.0 dB").applied({"vocals": 6.0, "bass": 1.0}, "bass +1.0 dB")


def test_redo_follows_the_branch_that_was_left() -> None:
    tree: VersionTree | None = branched().gone(3)
    assert tree is not None
    for step in (VersionTree.undone, VersionTree.undone, VersionTree.redone, VersionTree.redone):
        tree = step(tree)
        assert tree is not None
    assert tree.current == 3  # the newest version on top of 2 is 4
    assert tree.redone() is None


def test_a_tree_is_drawn_with_its_branches() -> None:
    tree = branched().named(4, "soft one")
    assert version_tree(tree.versions, 3) == (
        "1  as imported\n"
        "2  vocals +7.0 dB\n"
        "├─ 3  drums -2.0 dB  <- you are here\n"
        "└─ 4 'soft one'  vocals -1.0 dB\n"
        "   5  bass +1.0 dB"
    )


def test_a_long_history_is_drawn_without_recursion() -> None:
    tree = VersionTree()
    for _ in range(1500):
        tree = tree.applied({}, "same")
    lines = version_tree(tree.versions, tree.current).splitlines()
    assert len(lines) == 1501
    assert max(map(len, lines)) < 40


@pytest.mark.parametrize(
    "name", ["2", "v2", "Version 7", "3.5", "-1", "1e3", "nan", "", "  ", "''", "\u200b", "current"]
)
def test_a_name_is_never_taken_for_a_number_or_another_word(name: str) -> None:
    with pytest.raises(ModelMistake):
        branched().named(2, name)


def test_two_versions_are_never_called_the_same() -> None:
    tree = branched().named(2, "Bright one")
    assert tree.find("BRIGHT ONE").id == 2
    with pytest.raises(ModelMistake, match="version 2 is called 'bright ONE' already"):
        tree.named(3, "bright ONE")
    assert tree.named(2, "bright one").version(2).name == "bright one"


@given(some.text())
def test_an_unknown_version_is_answered_with_those_there_are(words: str) -> None:
    tree = branched().named(3, "dry")
    try:
        found = tree.find(words)
    except ModelMistake as error:
        answer = str(error)
    else:
        answer = tree.listed()
        assert found in tree.versions
    assert answer.endswith("1, 2, 3 'dry', 4, 5")


def test_state_and_tree_are_the_same() -> None:
    tree = branched()
    assert tree_of(state_of(tree)) == tree
    assert tree_of({"messages": []}) == VersionTree()


def state_of(tree: VersionTree, shown: Proposal | None = None) -> State:
    return {
        "messages": [],
        "versions": [version.model_dump(mode="json") for version in tree.versions],
        "current": tree.current,
        "last_left": tree.last_left,
        "shown": shown.model_dump(mode="json") if shown else None,
    }


@pytest.fixture
def bench(quiet_vocals: Path, tmp_path: Path) -> Workbench:
    """Vocals 7 dB too low; a reference of this very song says so."""
    song = load_song(quiet_vocals)
    return Workbench(song, open_advisor("level-difference"), listening_folder=tmp_path / "listening")


Call = Callable[..., tuple[Any, dict[str, Any]]]


@pytest.fixture
def call(bench: Workbench) -> Call:
    """Call a tool in a state: its result, and what it changes."""

    def ask(tool: Any, state: State, **arguments: Any) -> tuple[Any, dict[str, Any]]:
        runtime = ToolRuntime(
            state=state, context=bench, config={}, stream_writer=lambda told: None, tool_call_id="c", store=None
        )
        answered = tool.func(runtime, **arguments)
        if isinstance(answered, str):
            kind = NotesChecked if tool is check_notes else Listening
            return kind.model_validate_json(answered), {}
        update = dict(answered.update)
        return History.model_validate_json(str(update.pop("messages")[0].text)), update

    return ask


def test_what_changed_between_any_two_versions_is_measured(call: Call) -> None:
    told, update = call(history, state_of(branched()), action="show", version=3, other="1")
    assert update == {}
    assert (told.compared_with, told.version, told.current) == (1, 3, 5)
    changes = {change.stem: change for change in told.changes}
    assert set(changes) == {"vocals", "drums"}
    vocals = changes["vocals"]
    assert (vocals.fader_before_db, vocals.fader_after_db) == (0.0, 7.0)
    assert vocals.level_after_lu - vocals.level_before_lu > 3
    assert (vocals.distance_before_db, vocals.distance_after_db) == (
        pytest.approx(7.0, abs=0.1),
        pytest.approx(0.0, abs=0.1),
    )
    assert changes["drums"].distance_after_db == pytest.approx(2.0, abs=0.1)
    # Four stems: 7 dB away in one of them before, 2 dB after.
    assert told.distance_before_db == pytest.approx(7 / 4, abs=0.1)
    assert told.distance_after_db == pytest.approx(2 / 4, abs=0.1)
    assert told.loudness_after_lufs > told.loudness_before_lufs


def test_one_version_alone_is_told_against_its_parent(call: Call) -> None:
    told, _ = call(history, state_of(branched()), action="show", version=4)
    assert (told.compared_with, told.version) == (2, 4)
    first, _ = call(history, state_of(branched()), action="show", version="original")
    assert (first.compared_with, first.changes, first.distance_after_db) == (None, (), None)


def test_walking_along_the_versions(call: Call) -> None:
    state = state_of(branched())
    undone, update = call(history, state, action="undo")
    assert (undone.done, undone.version, undone.compared_with) == (True, 4, 5)
    assert (update["current"], update["last_left"], update["proposal"]) == (4, 5, None)
    redone, update = call(history, {**state, **update}, action="redo")
    assert (redone.done, update["current"]) == (True, 5)
    gone, update = call(history, state, action="go", version="v1")
    assert (gone.done, update["current"]) == (True, 1)
    stays, update = call(history, state, action="go", version=5)
    assert (stays.done, update) == (False, {})
    with pytest.raises(ModelMistake, match="no version '9'; there are: 1, 2, 3, 4, 5"):
        call(history, state, action="go", version=9)
    with pytest.raises(ModelMistake, match="name the version"):
        call(history, state, action="go")


def test_what_was_on_offer_is_withdrawn_by_a_step(call: Call) -> None:
    shown = Proposal(base=5, moves=(ProposedMove(stem="bass", gain_db=1.0),), origin="user", tool_call_id="c")
    _, update = call(history, state_of(branched(), shown), action="undo")
    assert update["shown"]["withdrawn"]


def test_a_name_can_be_given_and_gone_to(call: Call) -> None:
    state = state_of(branched())
    named, update = call(history, state, action="name", version=2, name=" 'loud\nvocals' ")
    assert named.done
    assert named.versions[1].name == "loud vocals"
    assert "current" not in update
    state = {**state, **update}
    gone, _ = call(history, state, action="go", version="Loud Vocals")
    assert gone.current == 2
    here, update = call(history, state, action="name", name="mine")
    assert (here.version, update["versions"][4]["name"]) == (5, "mine")


def test_a_version_that_renders_otherwise_is_told(call: Call, bench: Workbench) -> None:
    faders = {"vocals": 3.0}
    digest = render_digest(bench.render(faders).audio)
    same = VersionTree().applied(faders, "v", digest).gone(1)
    assert not call(history, state_of(same), action="redo")[0].differs
    other = VersionTree().applied(faders, "v", "0" * 32).gone(1)
    assert call(history, state_of(other), action="go", version=2)[0].differs


@pytest.mark.parametrize("shape", [(1, 1000), (2, 1000)])
def test_a_digest_is_of_the_samples_alone(shape: tuple[int, int]) -> None:
    audio = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    digest = render_digest(audio)
    assert re.fullmatch("[0-9a-f]{32}", digest)
    assert render_digest(np.asfortranarray(audio)) == digest
    assert render_digest(audio.reshape(-1, 500)) != digest
    changed = audio.copy()
    changed[-1, -1] = np.nextafter(changed[-1, -1], np.float32(9))
    assert render_digest(changed) != digest


def test_a_real_multitrack_renders_to_the_same_samples_in_another_process(shared_data: Path) -> None:
    folder = shared_data / "multitracks" / "falcon69"
    program = (
        "import sys; from pathlib import Path\n"
        "from mixingbuddy.agent.versions.digests import render_digest\n"
        "from mixingbuddy.tools.moves import GainMove\n"
        "from mixingbuddy.tools.multitrack import load_song\n"
        "from mixingbuddy.tools.render import render\n"
        "moves = [GainMove(stem='vocals', gain_db=2.3), GainMove(stem='drums', gain_db=-1.7)]\n"
        "print(render_digest(render(load_song(Path(sys.argv[1]), 'none').multitrack, moves).audio))\n"
    )
    done = [
        subprocess.run([sys.executable, "-c", program, folder], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    bench = Workbench(load_song(folder, "none"), open_advisor("level-difference"))
    here = render_digest(bench.render({"drums": -1.7, "vocals": 2.3}).audio)
    assert [digest.strip() for digest in done] == [here, here]


def test_notes_are_checked_between_named_versions(call: Call) -> None:
    tree = branched().named(3, "second pass")
    told, _ = call(check_notes, state_of(tree), notes=["turn the vocals up"], after="second pass")
    assert (told.before, told.after) == (1, 3)
    assert [(note.status, note.stems) for note in told.notes] == [("done", ("vocals",))]


def test_listening_takes_what_the_conversation_is_about(call: Call, bench: Workbench) -> None:
    state = state_of(branched())
    told, _ = call(listen, state)
    assert [file.what for file in told.files] == ["version 4", "version 5"]
    told, _ = call(listen, state, version=3, other=1)
    assert [file.what for file in told.files] == ["version 1", "version 3"]
    told, _ = call(listen, state, version=1)
    assert [file.what for file in told.files] == ["version 1", "version 5"]
    told, _ = call(listen, state, version=1, stem="Vocals")
    assert [file.what for file in told.files] == ["version 1 without vocals", "version 1 with vocals", "vocals alone"]
    moves = (ProposedMove(stem="bass", gain_db=2.0),)
    verdict = bench.try_moves({"vocals": 6.0, "bass": 1.0}, [move.plain() for move in moves], advised=False)
    shown = Proposal(base=5, moves=moves, origin="user", tool_call_id="c", verdict=verdict)
    told, _ = call(listen, state_of(branched(), shown))
    assert [file.what for file in told.files] == ["version 5", "version 5 with the proposed moves"]
    page, _ = call(listen, state, what="blind_test")
    assert page.page is not None
    assert Path(page.page).is_file()
    with pytest.raises(ModelMistake, match="no other version"):
        call(listen, state_of(VersionTree()))
    with pytest.raises(ModelMistake, match="this song has: bass"):
        call(listen, state, stem="tuba")
    bench.listening_folder = None
    with pytest.raises(ModelMistake, match="nowhere to write"):
        call(listen, state)
