"""Following what a camera shows, as it comes: for the command line and, in a process of its own, for the Try page."""
