"""API, pages, commands, migrations and the store: parts that work together."""
