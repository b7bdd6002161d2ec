"""Printing instead of sending, for drills and development."""
