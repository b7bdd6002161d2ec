"""
The composition root: puts store, lanes, pipeline and channels together, and has the clock.

``App`` is what the doors (api, console, cli) and the daemon hold.
"""

from warnd.app.core import App

__all__ = ["App"]
