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
from celltype_cli.core.messages import UserError, of_machine, printable

COMMANDS = {
    "train": "train a model and score it on cells of animals it has not seen",
    "demo": "the same, small, on simulated traces, in under a minute",
    "data": "describe a dataset: counts, lengths, rates, pictures",
    "audit": "find out whether inputs give away the source of a recording",
    "fetch": "download a public dataset: says how much it is, and can go on",
    "search": "search a model's settings within the training cells",
    "explain": "show what a model looks at, or why one cell gets its label",
    "export": "make a bundle of a run: a folder to label with, and to pass on",
    "predict": "label the cells of a recording with a bundle or a run",
    "evaluate": "score a bundle on labelled recordings that it has not seen",
    "compare": "find out whether one model is better than another",
    "reproduce": "run the rows of a paper's tables that are missing",
    "report": "print a paper's tables from saved predictions alone",
    "runs": "list runs, those that settings choose, or show one",
    "clean": "say what can be removed from the outputs folder, or remove it",
    "doctor": "check this installation: versions, device, store, extras",
}

HELP = """\
celltype: which cell type is this recorded neuron?

  celltype <command> [setting=value ...] [Hydra flags]

{commands}

  celltype train model=cnn1d trainer.epochs=10
      change settings
  celltype train -m model=cnn1d,rnn seed=0,1
      run every combination; the same line again does what is left
  celltype train --cfg job
      print the composed config and stop
  celltype train --help
      what a command does, and its settings; --help all: all of them
  celltype train --config-dir my_conf dataset=mine
      own configs, which may also shadow shipped ones
  eval "$(celltype -sc install=bash)"
      completion with Tab (also zsh, fish)
"""


def main() -> None:
    """Runs the command line; exits with 0, with 2 when the user can mend it, with 1 when a job failed otherwise.

    `predict` exits with 3 when cells were labelled and others could not be used.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for name in ("stdout", "stderr"):  # closed by who started it, as with >&-
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(nowhere, "w", closefd=False))
    for stream in (sys.stdout, sys.stderr):  # what the terminal cannot show is written out
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    _settle_environment()
    sys.argv[1:] = [word for one in sys.argv[1:] if (word := one.rstrip("\r"))]  # of scripts with Windows line ends
    try:
        code = _dispatch(sys.argv[1:])
        sys.stdout.flush()
    except UserError as error:
        code = _refused(error)
    except BrokenPipeError:  # whoever reads the output has seen enough, as in `celltype --help | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 128 + signal.SIGPIPE
    except (OSError, MemoryError) as error:
        code = _refused(of_machine(error))
    except RuntimeError as error:
        if "home directory" not in str(error):
            raise
        code = _refused(
            UserError("no home folder goes by that name: of a path that begins with ~ type the whole, from / on")
        )
    except KeyboardInterrupt:
        print("\ncelltype: stopped. Type the same command again to go on.", file=sys.stderr)
        code = 130
    sys.exit(code)


def _settle_environment() -> None:
    """Takes from the environment what libraries fail on, or what is empty where it means a place."""
    if not os.environ.get("CELLTYPE_OUTPUTS", "."):  # which would be the root of all folders
        del os.environ["CELLTYPE_OUTPUTS"]
    os.environ["MPLBACKEND"] = "agg"  # Jupyter's, which `!celltype` inherits, is a module of its own environment
    if os.environ.get("COLUMNS") == "0":  # a terminal without a size, in which rich prints nothing
        del os.environ["COLUMNS"]


def _refused(error: UserError) -> int:
    print(f"celltype: {printable(error)}", file=sys.stderr)
    return 2


def _dispatch(arguments: list[str]) -> int:
    if "-sc" in arguments or "--shell-completion" in arguments:
        return _complete(arguments)
    asked_first = arguments and arguments[0] in ("-h", "--help", "help")
    if asked_first and (named := [argument for argument in arguments if argument in COMMANDS][:1]):
        arguments = [*named, "--help", *(argument for argument in arguments[1:] if argument not in named)]
    elif not arguments or asked_first:
        width = max(map(len, COMMANDS))
        lines = [f"  {name:<{width}}  {purpose}" for name, purpose in COMMANDS.items()]
        print(HELP.format(commands="\n".join(lines)), end="")
        return 0
    if "--version" in arguments:
        print(f"celltype {__version__}")
        return 0
    command, *rest = arguments
    if command not in COMMANDS:
        from celltype_cli.commands import asked

        raise UserError(asked.no_command(arguments, COMMANDS))
    if asked := {"-h", "--help"} & {*rest}:
        from celltype_cli.commands import help, own_configs

        own = own_configs.take([argument for argument in rest if argument not in asked])
        print(help.page(command, own), end="")
        return 0
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


if __name__ == "__main__":
    main()
