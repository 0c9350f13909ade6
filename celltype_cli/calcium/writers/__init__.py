"""Labels as the tools that made the traces read them: a module for each tool; `files` knows which files it made."""
