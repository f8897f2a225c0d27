"""The commands of ``fljob``, one per file."""
