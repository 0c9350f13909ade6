"""One file per public source of calcium traces; `own` for the files of the user."""
