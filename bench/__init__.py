"""The published benchmark: warnd beside bare loops, in one run on one gateway. See README.md here."""
