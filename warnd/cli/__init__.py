"""The command line: one module a command, named like it; ``main`` holds them together."""
