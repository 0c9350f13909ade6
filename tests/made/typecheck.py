"""The decorator that checks signatures in the test run; a whole number serves as a number, as in YAML."""

from beartype import BeartypeConf, beartype

check = beartype(conf=BeartypeConf(is_pep484_tower=True))
