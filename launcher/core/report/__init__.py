"""What people read about a job: its status, its diagnosis bundle, that of a refused launch."""
