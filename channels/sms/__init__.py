"""The generic SMS gateway over HTTP: many numbers a request, an answer per number, receipts by callback."""
