"""warnd: an early-warning broadcast engine. Start reading at ``warnd.pipeline``."""

__version__ = "0.1.0"
