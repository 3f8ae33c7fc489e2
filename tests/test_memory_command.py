import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def test_memory_is_shown_and_deleted(run: Callable[..., Any], song: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Nothing is kept in mind" in run("memory").stdout
    lines = iter(["keep the drums", "never more than 3 dB", "i like the vocals low", "quit"])
    monkeypatch.setattr("mixingbuddy.agent.commands.chat.read_line", lambda: next(lines))
    assert run("chat", song).code == 0
    shown = run("memory")
    for words in ("keep the drums", "by more than 3 dB", "likes the vocals low"):
        assert words in " ".join(shown.stdout.split())
    kept = json.loads(run("memory", song, "--json").stdout)["kept"]
    assert {one["memo"]["lock"]["kind"] for one in kept} == {"keep", "limit", "taste"}
    taste = next(one for one in kept if one["memo"]["lock"]["kind"] == "taste")
    assert "Forgotten: 1" in run("memory", "--forget", taste["key"][:6]).stdout
    assert "likes" not in run("memory").stdout
    wrong = run("memory", "--forget", "zzzz")
    assert (wrong.code, wrong.stderr.count("\n")) == (2, 1)
    gone = json.loads(run("memory", "--forget", "all", "--json").stdout)
    assert (len(gone["forgotten"]), gone["kept"]) == (2, [])
