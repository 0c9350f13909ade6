"""One run: trained, scored, kept in a folder, logged, and known again."""
