"""What is done: one verb per file, through the ports, with every decision taken in ``core``."""
