"""The chart values of one job."""
