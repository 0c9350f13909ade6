"""One file per public source of current-clamp recordings; `own` for the files of the user."""
