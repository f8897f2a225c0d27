"""Take memory until somebody objects: in a worker process, whose end the job passes on."""

from __future__ import annotations

import subprocess
import sys
import time

HOARD = "hoard = []\nwhile True: hoard.append(bytearray(8 * 1024 * 1024))"

worker = subprocess.run([sys.executable, "-c", HOARD], check=False)  # noqa: S603 - our own words
time.sleep(1)  # a container that ends at the same moment may lose the reason (containerd 8180)
sys.exit(128 - worker.returncode)
