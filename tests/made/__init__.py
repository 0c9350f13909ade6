"""What tests make: recordings, runs, papers; nothing of it was recorded."""
