"""Current-clamp recordings: sweeps of current steps and the voltage they evoke."""
