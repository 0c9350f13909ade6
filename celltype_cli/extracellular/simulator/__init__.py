"""Simulated units of the cerebellar cortex, the offline default."""
