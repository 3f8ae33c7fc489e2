"""For other people's programs: the bound graph, the toolkit, the MCP server."""
