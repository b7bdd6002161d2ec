"""What processes have in common in Redis or Valkey: a channel's pace, and the order of what comes next. Hints only."""
