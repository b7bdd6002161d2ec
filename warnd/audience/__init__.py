"""The audience as administrators hand it in: addresses, the CSV file, and the plan of an import. Pure."""
