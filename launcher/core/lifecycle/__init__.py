"""One step of a job's life: (what is known, observation) -> what is known then."""
