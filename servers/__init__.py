"""Real servers, for tests and for the benchmark alike: a program of a wheel, its files in memory, gone when it ends."""
