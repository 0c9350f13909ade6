"""Templates of Kilosort and Phy: un-whitened, and averaged over the spikes of a cluster."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32, Int64

from celltype_cli.core.arrays import read_array
from celltype_cli.core.messages import UserError

NEAR = 8  # channels of a waveform that are kept, those on which it is largest


def largest(waveform: Float[np.ndarray, "channel time"]) -> Float32[np.ndarray, "near time"]:
    """Returns the channels on which a waveform is largest, in their order; those that are NaN come last."""
    order = np.argsort(-np.nan_to_num(np.ptp(waveform, axis=1)), kind="stable")[:NEAR]
    return np.ascontiguousarray(waveform[np.sort(order)], dtype=np.float32)


class Templates:
    """Those of a folder, each un-whitened when it is asked for.

    Raises:
        UserError: when templates.npy is missing or broken, or the files beside it do not fit.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not (folder / "templates.npy").is_file():
            raise UserError(f"{folder} has no templates.npy; expected the waveforms of the sorter [template, time, "
                            "channel]")  # fmt: skip
        self.stored = read_array(folder / "templates.npy")
        if self.stored.ndim != 3:
            raise UserError(
                f"{folder / 'templates.npy'} is of shape {self.stored.shape}; expected [template, time, channel]"
            )
        self._check_axes()
        self.made: dict[int, Float32[np.ndarray, "time channel"]] = {}

    def _check_axes(self) -> None:
        """Raises a UserError where samples are as many as the probe has channels, and channels are not."""
        file, wide = self.folder / "channel_map.npy", self.stored.shape[2]
        known = np.size(read_array(file)) if file.is_file() else wide
        if known == self.stored.shape[1] != wide and self.channels is None:
            raise UserError(
                f"{self.folder / 'templates.npy'} is of shape {self.stored.shape}, and channel_map.npy holds {known} "
                "channels; expected [template, time, channel]"
            )

    @cached_property
    def channels(self) -> np.ndarray | None:
        """Of sparse templates the channel of each column, those outside it where there is none; None of full ones."""
        for name in ("template_ind.npy", "templates_ind.npy"):
            if (self.folder / name).is_file():
                found = np.asarray(read_array(self.folder / name)).astype(np.int64)
                if found.shape != (self.stored.shape[0], self.stored.shape[2]):
                    raise UserError(f"{self.folder / name} is of shape {found.shape}; templates.npy makes "
                                    f"{(self.stored.shape[0], self.stored.shape[2])} expected")  # fmt: skip
                return found
        return None

    @cached_property
    def unwhiten(self) -> np.ndarray | None:
        file = self.folder / "whitening_mat_inv.npy"
        if not file.is_file() and not (file := self.folder / "whitening_mat.npy").is_file():
            return None
        found = np.asarray(read_array(file)).astype(np.float64)
        wide = self.stored.shape[2]
        if found.ndim != 2 or found.shape[0] != found.shape[1] or (self.channels is None and len(found) != wide):
            raise UserError(f"{file} is of shape {found.shape}; templates.npy makes {(wide, wide)} expected")
        if not np.isfinite(found).all():
            raise UserError(f"{file} holds values that are NaN or infinite; sort again, or remove it")
        try:  # as phylib does where the inverse is not there
            return np.linalg.inv(found) if file.name == "whitening_mat.npy" else found
        except np.linalg.LinAlgError as error:
            raise UserError(f"{file} has no inverse; whitening_mat_inv.npy is needed, or sort again") from error

    def template(self, number: int) -> Float32[np.ndarray, "time channel"]:
        """Returns one, un-whitened, on all channels."""
        if number in self.made:
            return self.made[number]
        values = np.asarray(self.stored[number], dtype=np.float64)
        if self.channels is not None:
            at = self.channels[number]
            wide = int(self.channels.max()) + 1 if self.unwhiten is None else len(self.unwhiten)
            there, used = (at >= 0) & (at < wide), values.any(axis=0)
            if (used & (at >= wide)).any() or len({*at[used & there]}) < (used & there).sum():
                raise UserError(
                    f"{self.folder}: template {number} has channels {at[used].tolist()[:8]} of {wide} by its table of "
                    "channels; expected each once, and from 0: does it count from 1?"
                )
            there &= used
            full = np.zeros((len(values), wide))
            full[:, at[there]] = values[:, there]
            values = full
        if self.unwhiten is not None:
            values = values @ self.unwhiten
        self.made[number] = values.astype(np.float32)
        return self.made[number]

    def lacking(self, template: Int64[np.ndarray, " spike"]) -> list[int]:
        """Returns the numbers of templates that spikes are of and that there are not."""
        return [int(number) for number in np.unique(template) if not 0 <= number < len(self.stored)]

    def mean(
        self, template: Int64[np.ndarray, " spike"], amplitude: Float32[np.ndarray, " spike"] | None
    ) -> Float32[np.ndarray, "channel time"]:
        """Returns the mean over spikes of amplitude times template, on the channels where it is largest."""
        numbers, of = np.unique(template, return_inverse=True)
        weights = np.bincount(of, amplitude if amplitude is not None and amplitude.any() else None, len(numbers))
        weights = weights / len(template)
        whole = sum(weight * self.template(int(number)) for number, weight in zip(numbers, weights))
        return largest(whole.T)
