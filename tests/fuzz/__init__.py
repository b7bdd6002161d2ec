"""Hostile input for intake: known attacks measured one by one, and a fuzzer (``python -m tests.fuzz``)."""
