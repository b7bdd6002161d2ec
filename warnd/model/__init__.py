"""Pure values of the domain. The standard library only."""
