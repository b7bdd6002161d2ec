"""The REST door: routes with their roles in one table, one file for each kind of thing behind them."""

from warnd.api.application import build, build_health
from warnd.api.routes import ROUTES

__all__ = ["ROUTES", "build", "build_health"]
