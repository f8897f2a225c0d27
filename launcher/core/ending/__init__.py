"""How a job ended."""
