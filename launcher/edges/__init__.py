"""The outside, one room per library: an edge translates, retries and maps errors; it never decides."""
