"""Alerts on to other platforms: a superior one, or a neighbour's warnd."""
