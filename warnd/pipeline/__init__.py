"""The stages from an alert to the words and batches that carry it, one file per stage."""
