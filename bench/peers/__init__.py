"""Engines that do a part of this job, beside ours: each in processes of its own, all on one gateway process."""
