"""The MCP server from a program of yours: it starts `mixingbuddy mcp` and does a whole job over stdin and stdout.

Run it: python examples/mcp_client.py     (needs: pip install 'mixingbuddy[mcp]')
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

import anyio
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

from mixingbuddy.tools.demo_song import write_demo_song


async def main(root: Path) -> None:
    command = ["-m", "mixingbuddy.agent.cli", "mcp", "--root", str(root)]
    server = StdioServerParameters(command=sys.executable, args=command)
    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        await session.initialize()

        async def told(share: float, total: float | None, step: str | None) -> None:
            print(f"  {share:4.0%} {step}")

        async def call(tool: str, **arguments: Any) -> Any:
            print(tool, arguments)
            answer = (await session.call_tool(tool, arguments, progress_callback=told)).model_dump(by_alias=True)
            return answer["content"][0]["text"] if answer["isError"] else answer["structuredContent"]

        song = (await call("find_songs"))["songs"][0]["song"]
        proposed = await call("critique", song=song)
        for move in proposed["moves"]:
            print(f"  {move['stem']} {move['gain_db']:+.1f} dB: {move['reason']}")
        print("  wrong stem:", await call("try_moves", song=song, moves=[{"stem": "vox", "gain_db": 2}]))
        print("  applied as version", (await call("apply_moves", song=song))["version"])
        print("  files:", list((await call("export", song=song))["files"]))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        print(write_demo_song(Path(folder) / "song").text)
        anyio.run(main, Path(folder))
