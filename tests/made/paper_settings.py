"""The settings that a planned run of a paper sets, parsed."""

import functools

import yaml


@functools.cache
def parsed(override):
    key, _, value = override.partition("=")
    return key, yaml.safe_load(value.replace(":", ": "))  # Hydra reads {PY:640}, YAML wants a space


def settings(job):
    return dict(map(parsed, job.overrides))
