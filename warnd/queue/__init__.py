"""Order and pace: which batch may leave next. Hints only; the store is the truth."""
