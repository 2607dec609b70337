"""The MCP server: search, ask and list for assistants (Model Context Protocol); needs the extra ``mcp``."""
