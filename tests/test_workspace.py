from pathlib import Path

import pytest
import soundfile

from mixingbuddy.agent.settings import read_settings
from mixingbuddy.agent.workspace import open_workspace
from mixingbuddy.tools.errors import UserError
from mixingbuddy.tools.multitrack import load_song


def test_nothing_is_written_beside_the_audio(song: Path, own_workspace: Path) -> None:
    place = open_workspace(load_song(song), read_settings())
    assert place.folder.is_relative_to(own_workspace)
    assert open_workspace(load_song(song), read_settings()).folder == place.folder


def test_changed_stems_get_a_folder_of_their_own_and_it_is_said(song: Path) -> None:
    before = open_workspace(load_song(song), read_settings())
    audio, rate_hz = soundfile.read(song / "bass.wav")
    soundfile.write(song / "bass.wav", audio * 0.5, rate_hz, subtype="FLOAT")
    after = open_workspace(load_song(song), read_settings())
    assert after.folder != before.folder
    assert after.changed_since == before.folder
    assert open_workspace(load_song(song), read_settings()).changed_since is None


def test_the_environment_sets_and_the_command_line_overrides(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MIXINGBUDDY_ADVISOR", "prior")
    monkeypatch.setenv("MIXINGBUDDY_WORKSPACE", str(tmp_path / "env"))
    assert read_settings().advisor == "prior"
    assert read_settings(advisor="level-difference", workspace=None).advisor == "level-difference"
    assert read_settings().workspace_root == tmp_path / "env"
    with pytest.raises(UserError, match="setting 'advisor': got 'magic'; there are: auto, .*differential, .*:PATH"):
        read_settings(advisor="magic")
    with pytest.raises(UserError, match="got 'audio-llm:'; audio-llm: needs the path of a model"):
        read_settings(advisor="audio-llm:")
    assert read_settings(advisor="audio-llm:/models/Mine").advisor_name == "audio-llm:/models/Mine"


def test_the_default_advisor_is_the_differential_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_settings().advisor_name == "differential"
    assert read_settings(advisor="auto").advisor_name == "differential"
    monkeypatch.setenv("MIXINGBUDDY_ADVISOR", "prior")
    assert read_settings().advisor_name == "prior"
