"""What helm says when it fails: rows by subject, one table of them, and the error that a row becomes."""
