"""First-party channels; each folder is what a third party would ship, and sees no more of warnd."""
