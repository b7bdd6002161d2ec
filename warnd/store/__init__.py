"""Truth on disk: one writer, short reads, a journal. ``tables`` is the one schema for every database."""
