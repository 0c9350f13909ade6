"""Public sources of sorted units, and the files of the user."""
