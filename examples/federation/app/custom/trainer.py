"""Fits the body mass of penguins to their flipper length; each site has the penguins of its own."""

import csv
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from nvflare.apis.dxo import DXO, DataKind, MetaKey, from_shareable
from nvflare.apis.executor import Executor
from nvflare.apis.fl_context import FLContext
from nvflare.apis.shareable import Shareable
from nvflare.apis.signal import Signal

DATA = Path("/data/penguins/birds/penguins.csv")
STEPS, RATE = 200, 0.1
SLOW = 15.0
# A data loader that asks for too much, and that the kernel chooses first.
HOARD = """
open("/proc/self/oom_score_adj", "w").write("1000")
hoard = []
while True:
    hoard.append(bytearray(32 * 1024 * 1024))
"""


class PenguinTrainer(Executor):
    """Gradient descent on standardised data: ``mass = slope * flipper + offset``.

    Args:
        action: what else to do in each round, for trying out what happens then: ``raise``, ``exit``,
            ``memory``, ``sleep`` for ever, ``slow`` for a quarter of a minute or, as in ``slow=7.5``,
            for so many seconds; ``site-1:exit`` does it at one site only.
    """

    def __init__(self, action: str = "") -> None:
        super().__init__()
        self.site, _, self.action = action.rpartition(":")
        self.action, _, seconds = self.action.partition("=")
        self.seconds = float(seconds or SLOW)

    def execute(
        self, task_name: str, shareable: Shareable, fl_ctx: FLContext, abort_signal: Signal
    ) -> Shareable:
        """Train on this site's penguins, starting from the global model."""
        del task_name
        site = fl_ctx.get_identity_name()
        if self.site in ("", site):
            self._act(abort_signal)
        model = np.asarray(from_shareable(shareable).data["numpy_key"], dtype=float)
        flipper, mass = birds(site)
        for _ in range(STEPS):
            error = model[0] * flipper + model[1] - mass
            model = model - RATE * np.array([(error * flipper).mean(), error.mean()])
        self.log_info(fl_ctx, f"{len(mass)} penguins, model {model.round(3)}")
        meta = {MetaKey.NUM_STEPS_CURRENT_ROUND: STEPS}
        return DXO(DataKind.WEIGHTS, data={"numpy_key": model}, meta=meta).to_shareable()

    def _act(self, abort_signal: Signal) -> None:
        if self.action == "raise":
            raise ValueError("the trainer was told to raise")
        if self.action == "exit":
            os._exit(7)
        if self.action == "memory":
            worker = subprocess.run([sys.executable, "-c", HOARD], check=False)  # noqa: S603 - our own words
            time.sleep(1)  # a container that ends at the same moment may lose the reason (containerd 8180)
            os._exit(128 - worker.returncode)
        until = time.monotonic() + (self.seconds if self.action == "slow" else float("inf"))
        while self.action in ("sleep", "slow") and time.monotonic() < until and not abort_signal.triggered:
            time.sleep(0.2)


def birds(site: str) -> tuple[np.ndarray, ...]:
    """Return flipper lengths and masses of every second penguin, standardised."""
    with DATA.open() as file:
        rows = [row for row in csv.DictReader(file) if row["body_mass_g"] != "NA"]
    mine = rows[int(site[-1]) % 2 :: 2]
    columns = (np.array([float(row[name]) for row in mine]) for name in ("flipper_length_mm", "body_mass_g"))
    return tuple((column - column.mean()) / column.std() for column in columns)
