"""What holds for every tier."""

from __future__ import annotations

import signal

# A script that starts the tests in its background gives them an ignored SIGINT, which every program under test
# would inherit: none could be interrupted. A handler of our own is not inherited, but makes the default of it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
