"""The command `mcp`: serve the songs of a folder to somebody else's agent."""

from pathlib import Path
from typing import Annotated

import typer

from mixingbuddy.agent.commands.options import AdvisorOption, WorkspaceOption, chosen_settings

MCP_EXAMPLES = "Example: mixingbuddy mcp --root ~/Music/sessions"


def mcp(
    root: Annotated[Path, typer.Option(help="The only folder that is read: the one your songs lie in.")],
    advisor: AdvisorOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Serve the tools to another agent over MCP (stdin and stdout)."""
    from mixingbuddy.agent.serving.mcp_server import serve

    serve(root.expanduser(), chosen_settings(advisor=advisor, workspace=workspace))
