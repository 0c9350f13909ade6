"""`celltype demo`: the main job, small, on simulated traces."""

from celltype_cli.commands.train import run

__all__ = ["run"]
