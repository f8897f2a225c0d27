"""One step of a job's life: what was known, what is seen now, what is known then."""
