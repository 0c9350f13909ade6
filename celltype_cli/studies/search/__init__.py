"""Which settings are best within the training cells?"""
