"""Mail over SMTP: pooled connections, one recipient to a transaction."""
