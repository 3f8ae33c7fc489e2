"""The MCP server over a real connection: a whole job, what it refuses, and that nothing takes it down.

The official client speaks to a server in a process of its own, with the SDK that is installed. With
MIXINGBUDDY_TEST_MCP1=<folder with mcp 1.x> the job is done with a server of that version too; with
MIXINGBUDDY_TEST_INSPECTOR=1 the official inspector (npx) is asked as well.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import jsonschema
import numpy as np
import pytest
from songs import make_stems, write_song

from mixingbuddy.agent.serving.mcp_root import Root
from mixingbuddy.tools.errors import ModelMistake

mcp = pytest.importorskip("mcp", reason="needs the extra 'mcp'")
from mcp.client.stdio import stdio_client  # noqa: E402

COMMAND = [sys.executable, "-m", "mixingbuddy.agent.cli", "mcp", "--advisor", "level-difference", "--root"]
OLDER_SDK = os.environ.get("MIXINGBUDDY_TEST_MCP1")
INSPECTOR = os.environ.get("MIXINGBUDDY_TEST_INSPECTOR")
TOOLS = {
    "find_songs", "open_song", "critique", "why", "levels", "inspect", "compare_reference", "try_moves", "apply_moves",
    "history", "explain_term", "remember", "export",
}  # fmt: skip
older_too = pytest.mark.parametrize(
    "sdk",
    [
        "",
        pytest.param(OLDER_SDK, marks=pytest.mark.skipif(not OLDER_SDK, reason="needs MIXINGBUDDY_TEST_MCP1")),
    ],
    ids=["installed SDK", "SDK 1.x"],
)


@pytest.fixture
def root(quiet_vocals: Path) -> Path:
    """A folder with one song, 'quiet vocals'."""
    return quiet_vocals.parent


class Talk:
    """One connection; results are plain dictionaries, with the names that the protocol gives them."""

    def __init__(self, session: Any) -> None:
        self.session = session
        self.progress: list[tuple[float, float | None, str | None]] = []

    async def raw(self, tool: str, **arguments: Any) -> dict[str, Any]:
        async def told(share: float, total: float | None, step: str | None) -> None:
            self.progress.append((share, total, step))

        self.progress.clear()
        answer = await self.session.call_tool(tool, arguments, progress_callback=told)
        document: dict[str, Any] = answer.model_dump(by_alias=True, mode="json")
        return document

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        answer = await self.raw(tool, **arguments)
        assert not answer["isError"], answer["content"][0]["text"]
        document: dict[str, Any] = answer["structuredContent"]
        return document

    async def refusal(self, tool: str, **arguments: Any) -> str:
        answer = await self.raw(tool, **arguments)
        assert answer["isError"], answer
        return str(answer["content"][0]["text"])


@asynccontextmanager
async def talking(root: Path, sdk: str | None = "", form: Any = None) -> AsyncIterator[Talk]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"} | ({"PYTHONPATH": sdk} if sdk else {})
    server = mcp.StdioServerParameters(command=COMMAND[0], args=[*COMMAND[1:], str(root)], env=environment)
    with anyio.fail_after(120):
        async with (
            stdio_client(server) as (read, write),
            mcp.ClientSession(read, write, elicitation_callback=form) as session,
        ):
            await session.initialize()
            yield Talk(session)


def converse(root: Path, job: Callable[[Talk], Awaitable[None]], sdk: str | None = "", form: Any = None) -> None:
    async def run() -> None:
        async with talking(root, sdk, form) as talk:
            await job(talk)

    anyio.run(run)


def quieter(seconds: float) -> dict[str, Any]:
    stems = make_stems(seconds)
    return stems | {"vocals": stems["vocals"] * np.float32(0.4)}


# A whole job


@older_too
def test_a_whole_mix_from_finding_the_song_to_the_files(root: Path, sdk: str) -> None:
    async def job(talk: Talk) -> None:
        tools = {one.name: one.model_dump(by_alias=True) for one in (await talk.session.list_tools()).tools}
        assert set(tools) == TOOLS
        assert tools["levels"]["annotations"]["readOnlyHint"] is True
        assert tools["apply_moves"]["annotations"]["readOnlyHint"] is False

        async def call(tool: str, **arguments: Any) -> dict[str, Any]:
            jsonschema.validate(arguments, tools[tool]["inputSchema"])
            answer = await talk.call(tool, **arguments)
            jsonschema.validate(answer, tools[tool]["outputSchema"])
            return answer

        found = await call("find_songs")
        song = found["songs"][0]["song"]
        assert found == {
            "songs": [{"song": "quiet vocals", "kind": "stems", "files": 4, "reference": True}],
            "more": False,
        }
        opened = await call("open_song", song=song)
        assert [stem["name"] for stem in opened["stems"]] == ["bass", "drums", "guitar", "vocals"]

        proposed = await call("critique", song=song)
        assert [(move["stem"], round(move["gain_db"])) for move in proposed["moves"]] == [("vocals", 7)]
        assert proposed["status"] == "proved"
        shares = [share for share, _, _ in talk.progress]
        assert shares == sorted(set(shares))
        assert shares[-1] == 1.0
        assert any("measuring them" in str(step) for _, _, step in talk.progress)
        why = await call("why", song=song)
        assert "reference" in why["moves"][0]["reason"]

        tried = await call("try_moves", song=song, moves=[{"stem": "vocals", "gain_db": 6.0}])
        promised = next(
            c for c in tried["verdict"]["claims"] if c["metric"] == "level_rel_mix_lu" and c["stem"] == "vocals"
        )
        applied = await call("apply_moves", song=song)
        assert (applied["status"], applied["version"]) == ("applied", 2)
        levels = await call("levels", song=song, stems=["vocals"])
        assert levels["stems"][0]["level_rel_mix_lu"] == pytest.approx(promised["after"], abs=0.1)

        history = await call("history", song=song)
        assert history["versions"][-1]["faders"] == {"vocals": 6.0}
        assert (await call("inspect", song=song, aspect="dynamics"))["figures"]
        assert (await call("compare_reference", song=song))["reference"] == "mix"
        assert (await call("explain_term", term="masking"))["source"]
        written = await call("export", song=song)
        files = [Path(file) for file in written["files"].values()]
        assert all(file.is_relative_to((root / "mixingbuddy-out").resolve()) and file.stat().st_size for file in files)
        assert "vocals,6.0" in Path(written["files"]["recall"]).read_text()
        assert written["proved"]
        assert [one["song"] for one in (await call("find_songs"))["songs"]] == [song]

    converse(root, job, sdk)


def test_a_wish_outlasts_the_connection(root: Path) -> None:
    async def wish(talk: Talk) -> None:
        kept = await talk.call("remember", song="quiet vocals", wish="keep", stems=["vocals"])
        assert kept["locks"][0]["stems"] == ["vocals"]

    async def later(talk: Talk) -> None:
        assert "locked" in await talk.refusal(
            "try_moves", song="quiet vocals", moves=[{"stem": "vocals", "gain_db": 2}]
        )
        assert all(move["stem"] != "vocals" for move in (await talk.call("critique", song="quiet vocals"))["moves"])

    converse(root, wish)
    converse(root, later)


def test_another_reference_keeps_the_versions_and_a_changed_file_is_noticed(root: Path) -> None:
    stems = make_stems()
    write_song(root / "references", {"other": np.sum(list(stems.values()), axis=0) * np.float32(0.5)})

    async def job(talk: Talk) -> None:
        song = "quiet vocals"
        await talk.call("try_moves", song=song, moves=[{"stem": "bass", "gain_db": -2}])
        await talk.call("apply_moves", song=song)
        await talk.call("open_song", song=song, reference="references/other.wav")
        assert (await talk.call("compare_reference", song=song))["reference"] == "other"
        assert (await talk.call("history", song=song))["current"] == 2
        write_song(root / song, {"bass": stems["bass"] * np.float32(0.5)})
        assert "call open_song" in await talk.refusal("levels", song=song)
        await talk.call("open_song", song=song)
        assert (await talk.call("history", song=song))["current"] == 1

    converse(root, job)


@older_too
@pytest.mark.parametrize(
    ("action", "content", "status"),
    [
        ("accept", {"apply": True}, "applied"),
        ("accept", {"apply": False, "reason": "I like it buried"}, "declined"),
        ("decline", None, "declined"),
        ("cancel", None, "declined"),
    ],
)
def test_a_client_that_shows_forms_asks_its_user(root: Path, sdk: str, action: Any, content: Any, status: str) -> None:
    asked: list[str] = []

    async def form(context: Any, request: Any) -> Any:
        asked.append(request.message)
        return mcp.types.ElicitResult(action=action, content=content)

    async def job(talk: Talk) -> None:
        await talk.call("critique", song="quiet vocals")
        applied = await talk.call("apply_moves", song="quiet vocals")
        assert (applied["status"], applied["reason"]) == (status, (content or {}).get("reason", ""))
        assert (await talk.call("history", song="quiet vocals"))["current"] == (2 if status == "applied" else 1)

    converse(root, job, sdk, form)
    assert asked == ["Keep these moves as a new version: vocals +7.0 dB? They were rendered and measured."]


def test_a_form_that_fails_applies_nothing(root: Path) -> None:
    async def form(context: Any, request: Any) -> Any:
        return mcp.types.ErrorData(code=-32603, message="the window was closed")

    async def job(talk: Talk) -> None:
        await talk.call("critique", song="quiet vocals")
        told = await talk.refusal("apply_moves", song="quiet vocals")
        assert "nothing was applied: the window was closed" in told
        assert (await talk.call("history", song="quiet vocals"))["current"] == 1

    converse(root, job, form=form)


# What is refused


@older_too
def test_nothing_outside_the_root_is_read_and_wrong_calls_say_what_is_right(
    root: Path, tmp_path_factory: pytest.TempPathFactory, sdk: str
) -> None:
    outside = write_song(tmp_path_factory.mktemp("outside") / "private", make_stems(2.0))
    (root / "linked").symlink_to(outside)
    shutil.copytree(root / "quiet vocals", root / "half linked")
    (root / "half linked" / "vocals.wav").unlink()
    (root / "half linked" / "vocals.wav").symlink_to(outside / "vocals.wav")

    async def job(talk: Talk) -> None:
        for song in ("../../etc", "/etc", str(outside), "linked", "quiet vocals/../..", "~"):
            told = await talk.refusal("levels", song=song)
            assert "lies outside the folder" in told or "nothing is called" in told
        assert "link to outside" in await talk.refusal("critique", song="half linked")
        assert "lies outside" in await talk.refusal(
            "open_song", song="quiet vocals", reference=str(outside / "bass.wav")
        )
        assert "lies outside" in await talk.refusal("find_songs", folder="..")
        assert "no path" in await talk.refusal("levels", song="a\0b")
        songs = [one["song"] for one in (await talk.call("find_songs"))["songs"]]
        assert "linked" not in songs
        stem = await talk.refusal("try_moves", song="quiet vocals", moves=[{"stem": "vox", "gain_db": 2}])
        assert "no stem 'vox'; this song has: bass, drums, guitar, vocals" in stem
        assert "no proved proposal" in await talk.refusal("apply_moves", song="quiet vocals")
        assert "moves" in await talk.refusal(
            "try_moves", song="quiet vocals", moves=[{"stem": "vocals", "gain_db": 99}]
        )
        assert "song" in await talk.refusal("levels")
        assert "no version 9; there are: 1" in await talk.refusal("export", song="quiet vocals", version=9)
        assert "nearest terms" in await talk.refusal("explain_term", term="xqzw vbnm")
        assert (await talk.call("critique", song="quiet vocals"))["status"] == "proved"

    converse(root, job, sdk)


def test_an_output_folder_that_leads_away_is_not_followed(
    root: Path, own_workspace: Path, tmp_path_factory: Any
) -> None:
    away = tmp_path_factory.mktemp("away")
    (root / "mixingbuddy-out").symlink_to(away)

    async def job(talk: Talk) -> None:
        written = await talk.call("export", song="quiet vocals")
        assert all(Path(file).is_relative_to(own_workspace.resolve()) for file in written["files"].values())

    converse(root, job)
    assert list(away.iterdir()) == []


def test_songs_stem_files_and_mixes_are_told_apart(tmp_path: Path) -> None:
    stems = make_stems(1.0)
    write_song(tmp_path / "album" / "one", stems)
    write_song(tmp_path / "takes", {"01": stems["bass"], "02": stems["drums"]})
    write_song(tmp_path / "mixes", {"first": stems["bass"], "second": stems["bass"][:, :20000]})
    write_song(tmp_path / "mixingbuddy-out" / "one", stems)
    write_song(tmp_path / ".hidden", stems)
    found = {one.song: one.kind for one in Root(tmp_path).songs().songs}
    assert found == {"album/one": "stems", "takes": "stems", "mixes/first.wav": "mix", "mixes/second.wav": "mix"}
    assert [one.song for one in Root(tmp_path).songs("album").songs] == ["album/one"]
    with pytest.raises(ModelMistake, match="nothing is called 'nowhere'"):
        Root(tmp_path).songs("nowhere")


# Nothing takes it down


def test_pings_and_other_calls_are_answered_while_a_long_job_runs(root: Path) -> None:
    write_song(root / "long", quieter(60.0))
    write_song(root / "long" / "reference", {"mix": np.sum(list(make_stems(60.0).values()), axis=0)})

    async def job(talk: Talk) -> None:
        done, waits = anyio.Event(), []

        async def slow() -> None:
            await talk.call("critique", song="long")
            done.set()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(slow)
            await anyio.sleep(0.05)
            while not done.is_set():
                began = time.monotonic()
                await talk.session.send_ping()
                waits.append(time.monotonic() - began)
                if len(waits) == 2:
                    other = await talk.session.call_tool("find_songs", {})
                    assert not other.model_dump(by_alias=True)["isError"]
                    assert not done.is_set()
                await anyio.sleep(0.05)
        assert len(waits) >= 3
        assert max(waits) < 1.0

    converse(root, job)


def test_a_cancelled_call_changes_nothing_and_frees_the_song(root: Path) -> None:
    write_song(root / "long", quieter(40.0))
    write_song(root / "long" / "reference", {"mix": np.sum(list(make_stems(40.0).values()), axis=0)})

    async def job(talk: Talk) -> None:
        with anyio.move_on_after(0.5) as cut:
            await talk.call("critique", song="long")
        assert cut.cancelled_caught
        assert "nothing has been proposed" in await talk.refusal("why", song="long")
        assert (await talk.call("critique", song="long"))["status"] == "proved"

    converse(root, job)


def test_malformed_input_is_survived_and_stdout_carries_the_protocol_only(root: Path) -> None:
    hello = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    }
    lines = [
        "this is no JSON",
        '{"jsonrpc": "2.0", "id": 1',
        "[]",
        json.dumps({"jsonrpc": "2.0", "id": 2, "method": "initialize", "params": hello}),
        json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}),
        json.dumps({"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": 7}}),
        json.dumps({"jsonrpc": "2.0", "id": 4, "method": "nobody/knows"}),
        "\x00\xff",
        json.dumps(
            {"jsonrpc": "2.0", "id": 5, "method": "tools/call", "params": {"name": "find_songs", "arguments": {}}}
        ),
    ]
    quiet = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([*COMMAND, str(root)], text=True, **quiet) as server:  # type: ignore[call-overload]
        try:
            server.stdin.write("".join(f"{line}\n" for line in lines))
            server.stdin.flush()
            answers: dict[Any, Any] = {}
            while 5 not in answers:
                answer = json.loads(server.stdout.readline())
                answers[answer.get("id")] = answer
            assert answers[5]["result"]["structuredContent"]["songs"][0]["song"] == "quiet vocals"
            assert "error" in answers[3]
            assert "error" in answers[4]
            server.stdin.close()
            assert all(json.loads(line) for line in server.stdout)
            assert server.wait(20) == 0
        finally:
            server.kill()


# The command


@pytest.mark.parametrize("place", ["nowhere", "file.txt"])
def test_a_root_that_is_no_folder_is_one_line(tmp_path: Path, run: Callable[..., Any], place: str) -> None:
    (tmp_path / "file.txt").write_text("")
    ran = run("mcp", "--root", tmp_path / place)
    assert ran.code == 2
    assert ran.stderr.startswith("mixingbuddy: no folder")
    assert ran.stderr.count("\n") == 1


def test_a_missing_package_is_named(root: Path, run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp.types", None)
    ran = run("mcp", "--root", root)
    assert ran.code == 2
    assert ran.stderr == "mixingbuddy: the MCP server needs a package more: pip install 'mixingbuddy[mcp]'\n"


def test_help_does_not_load_the_sdk() -> None:
    script = (
        "import sys; from mixingbuddy.agent.cli import app; import mixingbuddy.agent.commands.mcp_command; "
        "print({'mcp', 'anyio', 'langgraph', 'numpy'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"


@pytest.mark.skipif(not INSPECTOR or not shutil.which("npx"), reason="needs npx and MIXINGBUDDY_TEST_INSPECTOR=1")
def test_the_official_inspector_reads_the_tools_and_calls_one(root: Path) -> None:
    inspector = ["npx", "--yes", "@modelcontextprotocol/inspector", "--cli", *COMMAND, str(root)]

    def ask(*what: str) -> Any:
        ran = subprocess.run([*inspector, *what], capture_output=True, text=True, check=True, timeout=300)
        return json.loads(ran.stdout)

    assert {one["name"] for one in ask("--method", "tools/list")["tools"]} == TOOLS
    found = ask("--method", "tools/call", "--tool-name", "find_songs")
    assert found["structuredContent"]["songs"][0]["song"] == "quiet vocals"
