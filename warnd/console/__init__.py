"""
The pages: read-only, rendered here, in Chinese and English.

``mount`` puts them beside the API.
"""

from warnd.console.site import mount

__all__ = ["mount"]
