"""What can be known of a job before its launch, in the codes that the launcher would give it."""
