"""Do the inputs give the source of a recording away?"""
