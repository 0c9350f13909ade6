"""Simulated calcium traces, the offline default."""
