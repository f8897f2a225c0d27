"""Why a job does not run yet, and how long that may last."""
