"""Archives that are made up: what tests of `celltype fetch` need to know of each, whatever client asks it."""

from pathlib import Path


class Archive:
    """Answers the client of an archive.

    Attributes:
        client: the package that asks.
        settings: of a small download.
        keys: of what that download asks for, in this order.
        one: the key of a recording among them.
        label: of the cell in that recording, as messages name it.
        cells: their ids.
        size: what is said of it beforehand.
        cut: what is said of a file that is cut.
        asked: keys of the files that were asked for, in this order.
        broken: key: "no answer", "cut" or "stop", which is Ctrl-C after 9,000 bytes.
    """

    client: str
    settings: tuple[str, ...]
    keys: list
    one: object
    label: str
    cells: set[str]
    size: str
    cut = "what arrived is no whole file"

    def __init__(self, folder: Path) -> None:
        self.folder, self.asked, self.broken = folder, [], {}

    def offline(self) -> None:
        """Lets nothing be asked from now on."""
        raise NotImplementedError

    def path(self, key) -> Path:
        """Where the recording goes."""
        raise NotImplementedError

    def load(self):
        """Loads what is there."""
        raise NotImplementedError

    def ask(self, key) -> None:
        self.asked.append(key)
        if self.broken.get(key) == "no answer":
            raise OSError("no answer")

    def save(self, key, content: bytes, path: Path | str) -> None:
        """Saves a file as allensdk does it."""
        self.ask(key)
        fault = self.broken.get(key)
        Path(path).write_bytes(content[:9000] if fault else content)
        if fault == "stop":
            raise KeyboardInterrupt


def no_connection(*_, **__):
    raise OSError("Name or service not known")
