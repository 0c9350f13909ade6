"""Simulated current-clamp recordings, the offline default."""
