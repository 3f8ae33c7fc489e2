"""The official MCP SDK in either of its two major versions, which name the same things differently."""

from functools import partial
from importlib import import_module
from importlib.metadata import version
from typing import Any, NamedTuple

from mixingbuddy import __version__
from mixingbuddy.tools.errors import UserError


class Sdk(NamedTuple):
    """What a server needs."""

    server: Any  # makes one
    context: type  # of a call
    tool_error: type[Exception]  # what a client gets to read
    hints: Any  # about a tool
    forms: Any  # what a client that shows forms says of itself
    protocol_error: type[Exception]  # a request to the client failed
    no_way_back: tuple[type[Exception], ...]  # a connection takes no requests to the client


def find_sdk() -> Sdk:
    """The installed SDK. Raises UserError where there is none."""
    try:
        types: Any = import_module("mcp.types")
    except ModuleNotFoundError as error:
        raise UserError("the MCP server needs a package more: pip install 'mixingbuddy[mcp]'") from error
    first = version("mcp").startswith("1.")
    place = "mcp.server.fastmcp" if first else "mcp.server.mcpserver"
    module: Any = import_module(place)
    errors: Any = import_module(f"{place}.exceptions")
    server = module.FastMCP if first else partial(module.MCPServer, version=__version__)
    forms = types.ClientCapabilities(elicitation=types.ElicitationCapability())
    failures: Any = import_module("mcp.shared.exceptions")
    return Sdk(
        server,
        module.Context,
        errors.ToolError,
        types.ToolAnnotations,
        forms,
        failures.McpError if first else failures.MCPError,
        () if first else (failures.NoBackChannelError,),
    )
