"""The folder of --config-dir: its files go before the shipped ones, and are looked at before Hydra reads them."""

from __future__ import annotations

from pathlib import Path

from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.plugins import Plugins
from hydra.plugins.config_source import ConfigResult
from hydra.plugins.search_path_plugin import SearchPathPlugin

from celltype_cli.core import files
from celltype_cli.core.messages import UserError, nearest_file
from celltype_cli.core.yaml_files import read_mapping


class UserFiles(FileConfigSource):
    """Reads the user's files as Hydra does, once they are known to be sound."""

    @staticmethod
    def scheme() -> str:
        return "own"

    def load_config(self, config_path: str) -> ConfigResult:
        file = Path(self.path) / self._normalize_file_name(config_path)
        if file.is_file():
            read_mapping(file)
        return super().load_config(config_path)


class UserConfigs(SearchPathPlugin):
    """Puts the folder given by --config-dir before the shipped configs, so that it may shadow them."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        for folder in files.own_configs:
            search_path.prepend(provider="user", path=f"{UserFiles.scheme()}://{folder}")


def register() -> None:
    """Tells Hydra of both; it may be told again."""
    for plugin in (UserFiles, UserConfigs):
        Plugins.instance().register(plugin)


def take(arguments: list[str]) -> list[str]:
    """Takes --config-dir (or -cd) out of the arguments and keeps it for `UserConfigs` and the names of classes."""
    files.own_configs.clear()
    kept, rest = [], iter(arguments)
    for argument in rest:
        flag, _, value = argument.partition("=")
        if flag not in ("--config-dir", "-cd"):
            kept.append(argument)
            continue
        named = value or next(rest, "")
        if not named or "=" in named and not Path(named).exists():
            raise UserError(f"{flag} needs a folder of configs: {flag} my_conf")
        folder = Path(named).expanduser().absolute()
        if not folder.is_dir():
            raise UserError(f"--config-dir {folder}: no such folder{nearest_file(folder)}")
        files.own_configs[:] = [folder]
    return kept
