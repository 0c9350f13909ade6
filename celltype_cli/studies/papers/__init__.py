"""Do a paper's tables hold?"""
