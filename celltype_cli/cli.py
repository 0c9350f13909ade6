"""`celltype <command> [Hydra overrides]`: finds the command, hands the rest to Hydra, words the errors.

Nothing heavy is imported here, so that help, completion and config errors answer at once.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from importlib import import_module

from celltype_cli import __version__
from celltype_cli.core.messages import UserError

COMMANDS = {
    "train": "train a model on a dataset and score it on cells it has not seen",
    "demo": "the same, small, on simulated traces: a first look in under a minute",
    "data": "describe a dataset: counts, lengths, rates, a picture",
    "audit": "find out whether inputs give the source of a recording away, and the source its label",
    "fetch": "download a public dataset: says how much it is, and goes on where it stopped",
    "search": "search the settings of a model within the training cells, then look at the held-out cells once",
    "explain": "show what a trained model looks at: saliency, integrated gradients, SHAP",
    "reproduce": "run the rows of a paper's tables that are missing, and print them beside the published ones",
    "report": "print a paper's tables from saved predictions alone",
    "runs": "list finished and interrupted runs, or show one",
    "doctor": "check this installation: versions, device, threads, store, extras",
}

HELP = """\
celltype: which cell type is this recorded neuron?

  celltype <command> [setting=value ...] [Hydra flags]

{commands}

  celltype train model=cnn1d trainer.epochs=10      change settings
  celltype train -m model=cnn1d,rnn seed=0,1        run every combination; the same line again does the rest
  celltype train --cfg job                          print the composed config and stop
  celltype train --help                             all groups and settings of a command
  celltype train --config-dir my_conf dataset=mine  own configs, which may also shadow shipped ones
  eval "$(celltype -sc install=bash)"               completion with Tab (also zsh, fish)
"""


def main() -> None:
    """Runs the command line; exits with 0, with 2 when the user can mend it, with 1 when a job failed otherwise."""
    try:
        code = _dispatch(sys.argv[1:])
    except UserError as error:
        print(f"celltype: {error}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        print("\ncelltype: stopped. Type the same command again to go on.", file=sys.stderr)
        code = 130
    sys.exit(code)


def _dispatch(arguments: list[str]) -> int:
    if "-sc" in arguments or "--shell-completion" in arguments:
        return _complete(arguments)
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        width = max(map(len, COMMANDS))
        lines = [f"  {name:<{width}}  {purpose}" for name, purpose in COMMANDS.items()]
        print(HELP.format(commands="\n".join(lines)), end="")
        return 0
    if arguments[0] == "--version":
        print(f"celltype {__version__}")
        return 0
    command, *rest = arguments
    if command not in COMMANDS:
        from celltype_cli.core.messages import nearest

        known = ", ".join(COMMANDS)
        raise UserError(f"{command!r} is no command{nearest(command, COMMANDS)}; commands: {known}")
    signal.signal(signal.SIGTERM, _interrupt)
    _warn_plainly()

    from celltype_cli.commands.app import run

    return run(command, import_module(f"celltype_cli.commands.{command}").run, rest)


def _interrupt(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one would fall into the ending
    raise KeyboardInterrupt


def _warn_plainly() -> None:
    """Prints warnings as they are; a library that logs would else give them a prefix, by `logging.basicConfig`."""
    if not logging.getLogger().handlers:
        logging.getLogger().addHandler(logging.lastResort)


def _complete(arguments: list[str]) -> int:
    """Answers the shell: command names first, then what Hydra knows of the command's config."""
    from celltype_cli.commands.app import complete

    words = os.environ.get("COMP_LINE", "").split(" ")
    if len(words) == 2 and any("query" in argument for argument in arguments):
        print(" ".join(name for name in COMMANDS if name.startswith(words[1])))
        return 0
    command = words[1] if len(words) > 2 and words[1] in COMMANDS else "train"
    if len(words) > 2:
        os.environ["COMP_LINE"] = " ".join([words[0], *words[2:]])
    return complete(command, [a for a in arguments if a not in COMMANDS])
